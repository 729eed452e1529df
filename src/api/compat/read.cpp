#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/compat/wire.h"
#include "model/json_reader.h"

namespace hopyard::api::compat {
namespace {

using model::ObjectReader;
using nlohmann::json;

constexpr std::int64_t disk_preset = 512;

/// Fields that pass through unread; the rules for them are the model's (model/wire_fields.h).
constexpr const char* stored_fields[] = {"version",
                                         "os",
                                         "issueLetsEncrypt",
                                         "deactivateLogReport",
                                         "collectLogs",
                                         "clusterDomainPrefix",
                                         "customHostedZone",
                                         "aksClusterName",
                                         "acrRegistryName",
                                         "searchDomain",
                                         "containerConfiguration",
                                         "ronDB"};

void read_spot(ObjectReader& reader,
               std::optional<model::SpotSpec>& spot,
               std::optional<Error>& fault) {
    const json* value = reader.member("spotInfo");
    if (value == nullptr) return;
    spot.emplace();
    ObjectReader inner(*value, reader.pointer_of("spotInfo"), fault);
    inner.read("maxPrice", spot->max_price_percent);
    inner.read("fallBackOnDemand", spot->fall_back_on_demand);
    inner.finish();
}

model::WorkerGroupSpec read_group(const json& value,
                                  const std::string& pointer,
                                  std::optional<Error>& fault) {
    model::WorkerGroupSpec group;
    group.key.disk_gb = disk_preset;
    ObjectReader reader(value, pointer, fault);
    reader.read("instanceType", group.key.instance_type);
    reader.read("diskSize", group.key.disk_gb);
    reader.read("count", group.count);
    read_spot(reader, group.key.spot, fault);
    std::vector<std::string> addresses;
    reader.read("privateIps", addresses);
    reader.finish();
    return group;
}

std::vector<model::WorkerGroupSpec> read_groups(ObjectReader& parent, std::optional<Error>& fault) {
    std::vector<model::WorkerGroupSpec> groups;
    const json* list = parent.member("workers");
    if (list == nullptr) return groups;
    if (!list->is_array()) {
        parent.fault("workers", "wrong_type", "must be a list of worker groups", "Write [].");
        return groups;
    }
    for (std::size_t i = 0; i < list->size(); ++i)
        groups.push_back(
            read_group((*list)[i], parent.pointer_of("workers/" + std::to_string(i)), fault));
    return groups;
}

void read_scale(const json& value,
                const std::string& pointer,
                model::ScaleSpec& group,
                std::optional<Error>& fault) {
    ObjectReader reader(value, pointer, fault);
    group.disk_gb = disk_preset;
    reader.read("instanceType", group.instance_type);
    reader.read("diskSize", group.disk_gb);
    reader.read("minWorkers", group.min_workers);
    reader.read("maxWorkers", group.max_workers);
    reader.read("standbyWorkers", group.standby_workers);
    reader.read("downscaleWaitTime", group.downscale_wait_s);
    read_spot(reader, group.spot, fault);
    reader.finish();
}

/// control-api.md 2.1: `gpu` is of clients up to 1.8.0. Neither: none.
void read_autoscale(const json& value,
                    const std::string& pointer,
                    std::optional<model::AutoscaleSpec>& spec,
                    std::optional<Error>& fault) {
    ObjectReader reader(value, pointer, fault);
    const json* general = reader.member("nonGpu");
    const json* gpu = reader.member("gpu");
    reader.finish();
    if (general == nullptr && gpu == nullptr) return;
    if (general == nullptr)
        return reader.fault("nonGpu",
                            "missing",
                            "is required: the general-purpose group",
                            "Name its instanceType.");
    spec.emplace();
    read_scale(*general, pointer + "/nonGpu", spec->general, fault);
    if (gpu != nullptr) read_scale(*gpu, pointer + "/gpu", spec->gpu.emplace(), fault);
}

/// A set on the other side may hold one identity with two counts; here it is one group.
void add_up(std::vector<model::WorkerGroupSpec>& groups) {
    std::vector<model::WorkerGroupSpec> sums;
    for (const model::WorkerGroupSpec& group : groups) {
        const auto same = std::find_if(
            sums.begin(), sums.end(), [&](const auto& other) { return other.key == group.key; });
        if (same == sums.end()) {
            sums.push_back(group);
        } else {
            same->count += group.count;
        }
    }
    groups = std::move(sums);
}

void read_configuration(ObjectReader& parent,
                        model::ClusterSpec& spec,
                        json& stored,
                        std::optional<Error>& fault) {
    const json* value = parent.member("clusterConfiguration");
    if (value == nullptr)
        return parent.fault("clusterConfiguration", "missing", "is required", "Name the head.");
    ObjectReader reader(*value, parent.pointer_of("clusterConfiguration"), fault);
    spec.head.disk_gb = disk_preset;
    if (const json* head = reader.member("head")) {
        ObjectReader inner(*head, reader.pointer_of("head"), fault);
        inner.read("instanceType", spec.head.instance_type);
        inner.read("diskSize", spec.head.disk_gb);
        if (const json* second = inner.member("haEnabled")) stored["haEnabled"] = *second;
        inner.finish();
    }
    spec.workers = read_groups(reader, fault);
    add_up(spec.workers);
    reader.finish();
}

void read_tags(ObjectReader& parent, model::ClusterSpec& spec, std::optional<Error>& fault) {
    const json* list = parent.member("tags");
    if (list == nullptr) return;
    if (!list->is_array())
        return parent.fault(
            "tags", "wrong_type", "must be a list of names and values", "Write [].");
    for (std::size_t i = 0; i < list->size(); ++i) {
        model::Tag tag;
        ObjectReader reader((*list)[i], parent.pointer_of("tags/" + std::to_string(i)), fault);
        reader.read("name", tag.name);
        reader.read("value", tag.value);
        reader.finish();
        spec.tags.push_back(std::move(tag));
    }
    std::sort(spec.tags.begin(), spec.tags.end(), [](const auto& a, const auto& b) {
        return a.name < b.name;
    });
}

void read_azure(ObjectReader& reader, model::ClusterSpec& spec) {
    reader.read("location", spec.location);
    reader.read("resourceGroup", spec.resource_group);
    reader.read("managedIdentity", spec.identity);
    reader.read("storageAccount", spec.storage.account);
    reader.read("blobContainerName", spec.storage.container);
    reader.read("networkResourceGroup", spec.network.resource_group);
    reader.read("virtualNetworkName", spec.network.virtual_network);
    reader.read("subnetName", spec.network.subnet);
    reader.read("securityGroupName", spec.network.security_group);
}

void read_cluster(const json& value, model::ClusterSpec& spec, std::optional<Error>& fault) {
    json stored = json::object();
    ObjectReader reader(value, "/cluster", fault);
    reader.read("name", spec.name);
    reader.read("sshKeyName", spec.ssh_key);
    reader.read("backupRetentionPeriod", spec.backup_retention_days);
    reader.read("attachPublicIP", spec.network.public_ip);
    reader.read("initScript", spec.init_script.text);
    reader.read("runInitScriptFirst", spec.init_script.run_first);
    bool managed = false;
    reader.read("managedUsers", managed);
    spec.user_management =
        managed ? model::UserManagement::managed : model::UserManagement::disabled;
    read_configuration(reader, spec, stored, fault);
    read_tags(reader, spec, fault);
    read_azure(reader, spec);
    for (const char* name : stored_fields)
        if (const json* field = reader.member(name)) stored[name] = *field;
    if (const json* autoscale = reader.member("autoscale"))
        read_autoscale(*autoscale, reader.pointer_of("autoscale"), spec.autoscale, fault);
    reader.finish();
    spec.wire_json = stored.dump();
}

}  // namespace

Result<model::ClusterSpec> read_create(std::string_view body) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(body));
    model::ClusterSpec spec;
    std::optional<Error> fault;
    std::string cloud;
    ObjectReader reader(document, "", fault);
    reader.read("cloudProvider", cloud);
    if (cloud != "AZURE")
        reader.fault("cloudProvider",
                     "feature_unavailable",
                     "clusters are made in AZURE only, not in '" + cloud + "'",
                     "Write AZURE.");
    if (const json* cluster = reader.member("cluster")) {
        read_cluster(*cluster, spec, fault);
    } else {
        reader.fault("cluster", "missing", "is required", "Describe the cluster.");
    }
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return spec;
}

Result<std::vector<model::WorkerGroupSpec>> read_workers(std::string_view body) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(body));
    std::optional<Error> fault;
    ObjectReader reader(document, "", fault);
    auto groups = read_groups(reader, fault);
    if (reader.member("workers") == nullptr)
        reader.fault("workers", "missing", "is required", "Name the groups.");
    reader.finish();
    if (fault) return pass(std::move(*fault));
    add_up(groups);
    return groups;
}

Result<model::AutoscaleSpec> read_policy(std::string_view body) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(body));
    std::optional<Error> fault;
    std::optional<model::AutoscaleSpec> policy;
    ObjectReader reader(document, "", fault);
    if (const json* autoscale = reader.member("autoscale"))
        read_autoscale(*autoscale, "/autoscale", policy, fault);
    if (!policy) reader.fault("autoscale", "missing", "is required", "Name the group nonGpu.");
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return std::move(*policy);
}

Result<model::Ports> read_ports(std::string_view body) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(body));
    std::optional<Error> fault;
    model::Ports ports;
    ObjectReader reader(document, "", fault);
    static const json nothing = json::object();
    const json* value = reader.member("ports");
    ObjectReader inner(value != nullptr ? *value : nothing, "/ports", fault);
    const std::pair<const char*, bool*> switches[] = {
        {"featureStore", &ports.feature_store},
        {"onlineFeatureStore", &ports.online_feature_store},
        {"kafka", &ports.kafka},
        {"ssh", &ports.ssh}};
    for (const auto& [name, into] : switches) {
        if (inner.member(name) == nullptr)
            inner.fault(name, "missing", "is required", "Write true or false.");
        inner.read(name, *into);
    }
    inner.finish();
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return ports;
}

Result<TypeChange> read_type_change(std::string_view body) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(body));
    std::optional<Error> fault;
    TypeChange change;
    ObjectReader reader(document, "", fault);
    if (const json* info = reader.member("nodeInfo")) {
        ObjectReader inner(*info, "/nodeInfo", fault);
        inner.read("nodeType", change.node_type);
        inner.read("instanceType", change.instance_type);
        if (change.instance_type.empty())
            inner.fault("instanceType", "missing", "is required", "Name the type.");
        inner.finish();
    } else {
        reader.fault("nodeInfo", "missing", "is required", "Name nodeType and instanceType.");
    }
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return change;
}

std::vector<model::WorkerGroupSpec> meant_groups(const std::vector<model::WorkerGroupSpec>& asked,
                                                 const std::vector<model::WorkerGroupSpec>& there) {
    std::vector<model::WorkerGroupSpec> meant = asked;
    for (model::WorkerGroupSpec& entry : meant) {
        if (entry.key.spot) continue;
        const model::WorkerGroupSpec* only = nullptr;
        int alike = 0;
        bool on_demand = false;
        for (const model::WorkerGroupSpec& group : there) {
            if (group.key.instance_type != entry.key.instance_type ||
                group.key.disk_gb != entry.key.disk_gb)
                continue;
            on_demand = on_demand || !group.key.spot;
            only = &group;
            ++alike;
        }
        if (!on_demand && alike == 1) entry.key = only->key;
    }
    return meant;
}

}  // namespace hopyard::api::compat
