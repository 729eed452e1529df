#include "azure/seen.h"

#include "azure/document.h"
#include "azure/errors.h"
#include "azure/resource_ids.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using cloud::Power;
using cloud::Provisioning;
using cloud::Seen;
using model::ResourceKind;

std::string provisioning_word(const Json& resource) {
    const std::string word = text_at(resource, {"properties", "provisioningState"});
    // The list of resources carries it outside of the properties.
    return word.empty() ? text_at(resource, {"provisioningState"}) : word;
}

std::vector<model::Tag> read_tags(const Json& resource) {
    std::vector<model::Tag> tags;
    if (const Json* members = find(resource, {"tags"}); members && members->is_object())
        for (const auto& [name, value] : members->items())
            if (value.is_string()) tags.push_back({name, value.get<std::string>()});
    return tags;
}

/// "ProvisioningState/failed/AllocationFailed" in a machine's instance view.
std::optional<Error> read_failure(const Json& resource) {
    for (const Json& status : items_at(resource, {"properties", "instanceView", "statuses"})) {
        const std::string code = text_at(status, {"code"});
        if (!to_lower(code).starts_with("provisioningstate/failed")) continue;
        const auto start = code.find('/', std::string_view("ProvisioningState/").size());
        std::string message = text_at(status, {"message"});
        if (message.empty()) message = text_at(status, {"displayStatus"});
        return error_of_code("creating the machine",
                             start == std::string::npos ? "" : code.substr(start + 1),
                             message);
    }
    return std::nullopt;
}

void read_machine(const Json& resource, Seen& seen) {
    for (const Json& status : items_at(resource, {"properties", "instanceView", "statuses"})) {
        const Power power = power_of(text_at(status, {"code"}));
        if (power != Power::unknown) seen.power = power;
    }
    seen.machine_id = text_at(resource, {"properties", "vmId"});
    seen.size = text_at(resource, {"properties", "hardwareProfile", "vmSize"});
    seen.disk = text_at(resource, {"properties", "storageProfile", "osDisk", "name"});
    seen.failure = read_failure(resource);
}

void read_interface(const Json& resource, Seen& seen) {
    for (const Json& one : items_at(resource, {"properties", "ipConfigurations"})) {
        const Json* primary = find(one, {"properties", "primary"});
        const bool is_primary = primary && primary->is_boolean() && primary->get<bool>();
        if (seen.private_ip.empty() || is_primary)
            seen.private_ip = text_at(one, {"properties", "privateIPAddress"});
    }
    seen.attached_to = text_at(resource, {"properties", "virtualMachine", "id"});
}

void read_address(const Json& resource, Seen& seen) {
    seen.public_ip = text_at(resource, {"properties", "ipAddress"});
    const std::string id = text_at(resource, {"properties", "ipConfiguration", "id"});
    seen.attached_to = id.substr(0, to_lower(id).find("/ipconfigurations/"));
}

}  // namespace

std::optional<Timestamp> read_time(std::string text) {
    if (text.ends_with("+00:00")) text.replace(text.size() - 6, 6, "Z");
    if (!text.empty() && text.back() != 'Z') text += 'Z';
    return from_rfc3339(text);
}

Provisioning provisioning_of(std::string_view word) {
    const std::string lower = to_lower(word);
    if (lower.empty() || lower == "succeeded") return Provisioning::succeeded;
    if (lower == "failed" || lower == "canceled" || lower == "cancelled")
        return Provisioning::failed;
    if (lower == "creating" || lower == "accepted") return Provisioning::creating;
    if (lower == "deleting") return Provisioning::deleting;
    return Provisioning::updating;
}

Power power_of(std::string_view status_code) {
    const std::string lower = to_lower(status_code);
    if (!lower.starts_with("powerstate/")) return Power::unknown;
    const std::string word = lower.substr(11);
    if (word == "starting") return Power::starting;
    if (word == "running") return Power::running;
    if (word == "stopping") return Power::stopping;
    if (word == "stopped") return Power::stopped;
    if (word == "deallocating") return Power::deallocating;
    if (word == "deallocated") return Power::deallocated;
    return Power::unknown;
}

std::optional<Provisioning> read_provisioning(std::string_view document) {
    const auto resource = parse_document(document);
    if (!resource) return std::nullopt;
    const std::string word = provisioning_word(*resource);
    if (word.empty()) return std::nullopt;
    return provisioning_of(word);
}

std::optional<Seen> read_seen(std::string_view document,
                              const std::optional<model::ResourceName>& asked) {
    const auto resource = parse_document(document);
    if (!resource || !resource->is_object()) return std::nullopt;
    const std::string id = text_at(*resource, {"id"});
    const auto named = name_of(id);
    if (!asked && !named) return std::nullopt;
    // A reply that names something else is not about what was asked.
    if (asked && named &&
        (named->kind != asked->kind || to_lower(named->name) != to_lower(asked->name)))
        return std::nullopt;
    if (asked && !named && !find(*resource, {"properties"})) return std::nullopt;

    Seen seen;
    seen.name = asked ? *asked : *named;
    seen.location = to_lower(text_at(*resource, {"location"}));
    seen.tags = read_tags(*resource);
    seen.provisioning = provisioning_of(provisioning_word(*resource));
    switch (seen.name.kind) {
        case ResourceKind::machine:
            read_machine(*resource, seen);
            break;
        case ResourceKind::network_interface:
            read_interface(*resource, seen);
            break;
        case ResourceKind::public_address:
            read_address(*resource, seen);
            break;
        case ResourceKind::disk:
            seen.attached_to = text_at(*resource, {"managedBy"});
            break;
        default:
            break;
    }
    std::string created = text_at(*resource, {"properties", "timeCreated"});
    if (created.empty()) created = text_at(*resource, {"createdTime"});
    seen.created_at = read_time(created);
    return seen;
}

std::vector<std::string> elements_of(std::string_view page) {
    std::vector<std::string> elements;
    const auto document = parse_document(page);
    if (!document) return elements;
    for (const Json& item : items_at(*document, {"value"})) elements.push_back(to_body(item));
    return elements;
}

}  // namespace hopyard::azure
