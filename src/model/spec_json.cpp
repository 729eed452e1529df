#include "model/spec_json.h"

#include <fmt/format.h>

#include "base/yaml.h"
#include "model/autoscale_json.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::model {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// --- writing -----------------------------------------------------------------------------------

ordered_json spec_document(const ClusterSpec& spec) {
    ordered_json out;
    out["name"] = spec.name;
    out["cloudAccount"] = spec.cloud_account;
    out["resourceGroup"] = spec.resource_group;
    out["location"] = spec.location;
    out["head"] = {{"instanceType", spec.head.instance_type}, {"diskGb", spec.head.disk_gb}};
    out["workers"] = ordered_json::array();
    for (const WorkerGroupSpec& group : spec.workers) {
        ordered_json entry = {{"instanceType", group.key.instance_type},
                              {"diskGb", group.key.disk_gb},
                              {"count", group.count}};
        if (group.key.spot) entry["spot"] = spot_document(*group.key.spot);
        out["workers"].push_back(std::move(entry));
    }
    if (spec.autoscale) out["autoscale"] = autoscale_document(*spec.autoscale);
    out["storage"] = {{"account", spec.storage.account}, {"container", spec.storage.container}};
    out["sshKey"] = spec.ssh_key;
    out["identity"] = spec.identity;
    out["backupRetentionDays"] = spec.backup_retention_days;
    out["network"] = {{"resourceGroup", spec.network.resource_group},
                      {"virtualNetwork", spec.network.virtual_network},
                      {"virtualNetworkCidr", spec.network.virtual_network_cidr},
                      {"subnet", spec.network.subnet},
                      {"subnetCidr", spec.network.subnet_cidr},
                      {"securityGroup", spec.network.security_group},
                      {"publicIp", spec.network.public_ip}};
    out["userManagement"] = to_string(spec.user_management);
    out["tags"] = ordered_json::object();
    for (const Tag& tag : spec.tags) out["tags"][tag.name] = tag.value;
    out["initScript"] = {{"text", spec.init_script.text}, {"runFirst", spec.init_script.run_first}};
    out["ports"] = {{"featureStore", spec.ports.feature_store},
                    {"onlineFeatureStore", spec.ports.online_feature_store},
                    {"kafka", spec.ports.kafka},
                    {"ssh", spec.ports.ssh}};
    out["portSources"] = spec.port_sources;
    if (spec.drain_timeout.seconds == DrainTimeout::never) {
        out["drainTimeoutSeconds"] = "never";
    } else {
        out["drainTimeoutSeconds"] = spec.drain_timeout.seconds;
    }
    out["wire"] = ordered_json::parse(spec.wire_json, nullptr, false);
    if (!out["wire"].is_object()) out["wire"] = ordered_json::object();
    return out;
}

// --- reading -----------------------------------------------------------------------------------

void read_head(const json& value, HeadSpec& head, std::optional<Error>& fault) {
    ObjectReader reader(value, "/head", fault);
    reader.read("instanceType", head.instance_type);
    reader.read("diskGb", head.disk_gb);
    reader.finish();
}

WorkerGroupSpec read_group(const json& value, std::size_t index, std::optional<Error>& fault) {
    WorkerGroupSpec group;
    ObjectReader reader(value, fmt::format("/workers/{}", index), fault);
    reader.read("instanceType", group.key.instance_type);
    reader.read("diskGb", group.key.disk_gb);
    reader.read("count", group.count);
    read_spot(reader, group.key.spot, fault);
    reader.finish();
    return group;
}

void read_workers(ObjectReader& reader, ClusterSpec& spec, std::optional<Error>& fault) {
    const json* workers = reader.member("workers");
    if (workers == nullptr) return;
    if (!workers->is_array())
        return reader.fault("workers",
                            "wrong_type",
                            "must be a list of worker groups",
                            "Write [{\"instanceType\": …, \"count\": 2}].");
    for (std::size_t i = 0; i < workers->size(); ++i)
        spec.workers.push_back(read_group((*workers)[i], i, fault));
}

void read_network(const json& value, NetworkSpec& network, std::optional<Error>& fault) {
    ObjectReader reader(value, "/network", fault);
    reader.read("resourceGroup", network.resource_group);
    reader.read("virtualNetwork", network.virtual_network);
    reader.read("virtualNetworkCidr", network.virtual_network_cidr);
    reader.read("subnet", network.subnet);
    reader.read("subnetCidr", network.subnet_cidr);
    reader.read("securityGroup", network.security_group);
    reader.read("publicIp", network.public_ip);
    reader.finish();
}

void read_tags(ObjectReader& reader, ClusterSpec& spec) {
    const json* tags = reader.member("tags");
    if (tags == nullptr) return;
    if (!tags->is_object())
        return reader.fault(
            "tags", "wrong_type", "must be an object of strings", "Write {\"team\": \"ml\"}.");
    for (const auto& [name, value] : tags->items()) {
        if (!value.is_string())
            return reader.fault(
                "tags/" + name, "wrong_type", "must be a string", "Put it in quotes.");
        spec.tags.push_back({.name = name, .value = value.get<std::string>()});
    }
}

void read_small_parts(ObjectReader& reader, ClusterSpec& spec, std::optional<Error>& fault) {
    if (const json* storage = reader.member("storage")) {
        ObjectReader inner(*storage, "/storage", fault);
        inner.read("account", spec.storage.account);
        inner.read("container", spec.storage.container);
        inner.finish();
    }
    if (const json* script = reader.member("initScript")) {
        ObjectReader inner(*script, "/initScript", fault);
        inner.read("text", spec.init_script.text);
        inner.read("runFirst", spec.init_script.run_first);
        inner.finish();
    }
    if (const json* ports = reader.member("ports")) {
        ObjectReader inner(*ports, "/ports", fault);
        inner.read("featureStore", spec.ports.feature_store);
        inner.read("onlineFeatureStore", spec.ports.online_feature_store);
        inner.read("kafka", spec.ports.kafka);
        inner.read("ssh", spec.ports.ssh);
        inner.finish();
    }
    if (const json* drain = reader.member("drainTimeoutSeconds")) {
        if (*drain == "never") {
            spec.drain_timeout.seconds = DrainTimeout::never;
        } else {
            reader.read("drainTimeoutSeconds", spec.drain_timeout.seconds);
            if (spec.drain_timeout.seconds < 0)
                reader.fault("drainTimeoutSeconds",
                             "out_of_range",
                             "must be 0 or more, or \"never\"",
                             "Write \"never\" to wait for ever.");
        }
    }
}

Result<ClusterSpec> spec_from_document(const json& document) {
    ClusterSpec spec;
    std::optional<Error> fault;
    ObjectReader reader(document, "", fault);
    reader.read("name", spec.name);
    reader.read("cloudAccount", spec.cloud_account);
    reader.read("resourceGroup", spec.resource_group);
    reader.read("location", spec.location);
    if (const json* head = reader.member("head")) read_head(*head, spec.head, fault);
    read_workers(reader, spec, fault);
    if (const json* autoscale = reader.member("autoscale"))
        read_autoscale(*autoscale, "/autoscale", spec.autoscale.emplace(), fault);
    reader.read("sshKey", spec.ssh_key);
    reader.read("identity", spec.identity);
    reader.read("backupRetentionDays", spec.backup_retention_days);
    if (const json* network = reader.member("network")) read_network(*network, spec.network, fault);
    std::string management(to_string(spec.user_management));
    reader.read("userManagement", management);
    if (const auto value = parse<UserManagement>(management)) {
        spec.user_management = *value;
    } else {
        reader.fault("userManagement",
                     "unknown_value",
                     "'" + management + "' is no user management",
                     "Write \"disabled\", \"managed\" or \"ldap\".");
    }
    read_tags(reader, spec);
    read_small_parts(reader, spec, fault);
    reader.read("portSources", spec.port_sources);
    if (const json* wire = reader.member("wire")) {
        spec.wire_json = wire->dump();
        if (!wire->is_object())
            reader.fault("wire", "wrong_type", "must be an object", "Leave it out.");
    }
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return spec;
}

}  // namespace

std::string spec_to_json(const ClusterSpec& spec) {
    return spec_document(spec).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<ClusterSpec> spec_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parse_limited(text));
    return spec_from_document(document);
}

Result<ClusterSpec> spec_from_yaml(std::string_view text) {
    ASSIGN_OR_RETURN(const std::string converted, yaml_to_json(text));
    return spec_from_json(converted);
}

std::string spec_to_yaml(const ClusterSpec& spec) {
    return json_to_yaml(spec_to_json(spec));
}

}  // namespace hopyard::model
