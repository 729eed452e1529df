#include "azure/resources.h"

#include <fmt/format.h>

#include "azure/bodies.h"
#include "azure/errors.h"
#include "azure/resource_ids.h"
#include "azure/seen.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using cloud::Accepted;
using cloud::ResourceName;
using cloud::Seen;
using model::ResourceKind;

const char* word_of(cloud::PowerAction action) {
    switch (action) {
        case cloud::PowerAction::start:
            return "start";
        case cloud::PowerAction::deallocate:
            return "deallocate";
        case cloud::PowerAction::restart:
            return "restart";
    }
    return "";
}

/// A text in an OData filter.
std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

Failure unreadable(const Call& call) {
    Error error{.kind = ErrorKind::unavailable,
                .code = "broken_reply",
                .message = call.doing + ": the reply does not describe the resource",
                .owner = Owner::cloud,
                .next_action = "Nothing: it is tried again."};
    return Failure(std::move(error));
}

}  // namespace

Call Resources::call(std::string_view method,
                     const ResourceName& name,
                     std::string_view query) const {
    const ResourceType& type = type_of(name.kind);
    return Call{
        .doing = fmt::format("{} {} {}", method, type.word, name.name),
        .method = std::string(method),
        .url = pipeline_.url(resource_id(options_.subscription, name), type.version, query)};
}

Result<Accepted> Resources::accept(const Call& call, const ResourceName& name) {
    ASSIGN_OR_RETURN(const http::Response reply, pipeline_.send(call));
    ASSIGN_OR_RETURN(Accepted accepted, operations_.accepted(call, reply));
    if (!reply.body.empty()) accepted.seen = read_seen(reply.body, name);
    return accepted;
}

Result<Accepted> Resources::put(const cloud::PutRequest& request) {
    remember_group(request.name.resource_group);
    Call outgoing = call("PUT", request.name);
    ASSIGN_OR_RETURN(outgoing.body, request_body(request, options_));
    return accept(outgoing, request.name);
}

Result<Accepted> Resources::remove(const ResourceName& name) {
    remember_group(name.resource_group);
    auto accepted = accept(call("DELETE", name), name);
    if (!accepted && says_absent(accepted.error())) return Accepted{};
    return accepted;
}

Result<Accepted> Resources::power(const ResourceName& machine, cloud::PowerAction action) {
    remember_group(machine.resource_group);
    Call outgoing{.doing = fmt::format("{} machine {}", word_of(action), machine.name),
                  .method = "POST"};
    outgoing.url = pipeline_.url(
        resource_id(options_.subscription, machine) + "/" + word_of(action), api_version::compute);
    return accept(outgoing, machine);
}

Result<Accepted> Resources::resize(const ResourceName& machine, const std::string& size) {
    remember_group(machine.resource_group);
    Call outgoing = call("PATCH", machine);
    outgoing.body = resize_body(size);
    return accept(outgoing, machine);
}

Result<cloud::OperationState> Resources::poll(const std::string& operation_url) {
    return operations_.poll(operation_url);
}

Result<std::optional<Seen>> Resources::read(const ResourceName& name) {
    remember_group(name.resource_group);
    const bool is_machine = name.kind == ResourceKind::machine;
    const Call outgoing = call("GET", name, is_machine ? "$expand=instanceView" : "");
    const auto reply = pipeline_.send(outgoing);
    if (!reply && says_absent(reply.error())) return std::optional<Seen>();
    if (!reply) return pass(reply.error());
    auto seen = read_seen(reply->body, name);
    if (!seen) return unreadable(outgoing);
    return seen;
}

Result<cloud::Listing> Resources::list(const InstallationId& installation) {
    const std::string filter = fmt::format("tagName eq {} and tagValue eq {}",
                                           in_quotes(cloud::tag::installation),
                                           in_quotes(installation.value));
    Call outgoing{.doing = "listing the installation's resources"};
    outgoing.url =
        pipeline_.url(pipeline_.subscription_path() + "/resources",
                      api_version::resources,
                      "$filter=" + percent_encode(filter) +
                          "&$expand=createdTime,changedTime,provisioningState&$top=1000");
    ASSIGN_OR_RETURN(const auto pages, pipeline_.pages(outgoing));
    cloud::Listing listing;
    bool has_machines = false;
    for (const std::string& page : pages) {
        for (const std::string& element : elements_of(page)) {
            auto seen = read_seen(element, std::nullopt);
            if (!seen || seen->name.kind == ResourceKind::subnet ||
                seen->name.kind == ResourceKind::security_rule)
                continue;
            seen->name.resource_group = as_asked(seen->name.resource_group);
            has_machines = has_machines || seen->name.kind == ResourceKind::machine;
            listing.resources.push_back(std::move(*seen));
        }
    }
    if (has_machines) RETURN_IF_ERROR(add_power(listing.resources));
    return listing;
}

/// One call for the power of all machines; a machine that it leaves out stays `unknown`.
Result<void> Resources::add_power(std::vector<Seen>& resources) {
    Call outgoing{.doing = "listing the machines' power"};
    outgoing.url = pipeline_.url(
        pipeline_.subscription_path() + "/providers/Microsoft.Compute/virtualMachines",
        api_version::compute,
        "statusOnly=true");
    ASSIGN_OR_RETURN(const auto pages, pipeline_.pages(outgoing));
    const auto key = [](const ResourceName& name) {
        return to_lower(name.resource_group) + "/" + to_lower(name.name);
    };
    std::map<std::string, Seen> by_name;
    for (const std::string& page : pages)
        for (const std::string& element : elements_of(page))
            if (auto seen = read_seen(element, std::nullopt))
                by_name.insert_or_assign(key(seen->name), std::move(*seen));
    for (Seen& machine : resources) {
        if (machine.name.kind != ResourceKind::machine) continue;
        const auto found = by_name.find(key(machine.name));
        if (found == by_name.end()) continue;
        machine.power = found->second.power;
        machine.machine_id = found->second.machine_id;
        machine.size = found->second.size;
        machine.disk = found->second.disk;
        if (machine.provisioning == cloud::Provisioning::failed)
            machine.failure = found->second.failure;
    }
    return {};
}

void Resources::remember_group(const std::string& group) {
    const std::lock_guard lock(groups_mutex_);
    groups_.insert_or_assign(to_lower(group), group);
}

std::string Resources::as_asked(const std::string& group) const {
    const std::lock_guard lock(groups_mutex_);
    const auto found = groups_.find(to_lower(group));
    return found == groups_.end() ? group : found->second;
}

}  // namespace hopyard::azure
