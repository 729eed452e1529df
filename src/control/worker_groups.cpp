#include "control/worker_groups.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/words.h"
#include "model/phase.h"
#include "model/validate.h"

namespace hopyard::control {
namespace {

using model::WorkerGroupSpec;

WorkerGroupSpec* group_of(WorkerGroups& groups, const model::GroupKey& key) {
    const auto found = std::find_if(
        groups.begin(), groups.end(), [&](const auto& each) { return each.key == key; });
    return found == groups.end() ? nullptr : &*found;
}

WorkerGroups without_empty(WorkerGroups groups) {
    std::erase_if(groups, [](const WorkerGroupSpec& group) { return group.count <= 0; });
    return groups;
}

/// The sum must not overflow, whatever was asked.
int sum(int a, int b) {
    constexpr int most = 1'000'000;
    return std::clamp(a, -most, most) + std::clamp(b, -most, most);
}

/// "/workers/1/count" for the second of `weighed` becomes the place of that group in `asked`.
std::string place_in(const std::string& field,
                     const WorkerGroups& weighed,
                     const WorkerGroups& asked) {
    constexpr std::string_view prefix = "/workers/";
    if (!field.starts_with(prefix)) return field;
    const auto index = static_cast<std::size_t>(std::atoi(field.c_str() + prefix.size()));
    if (index >= weighed.size()) return field;
    // The very entry when it stands there, else the first of those that were added up.
    auto place = std::find(asked.begin(), asked.end(), weighed[index]);
    if (place == asked.end())
        place = std::find_if(asked.begin(), asked.end(), [&](const auto& group) {
            return group.key == weighed[index].key;
        });
    if (place == asked.end()) return field;
    const auto rest = field.find('/', prefix.size());
    return fmt::format("{}{}{}",
                       prefix,
                       place - asked.begin(),
                       rest == std::string::npos ? "" : field.substr(rest));
}

Failure still_unread(const Error& cause, const char* what) {
    Error error = cause;
    error.code = "fact_unread";
    error.message = fmt::format("{} could not be read: {}", what, cause.message);
    if (error.next_action.empty()) error.next_action = "Try again when the cloud answers.";
    return pass(std::move(error));
}

/// Limits of spot prices are in US dollars; a list in another currency says nothing of them.
std::optional<double> usd_per_hour(const cloud::Size& size) {
    if (!size.price || size.price->currency != "USD") return std::nullopt;
    return size.price->per_hour;
}

}  // namespace

Result<WorkerGroups> added_up(const WorkerGroups& asked) {
    WorkerGroups groups;
    for (const WorkerGroupSpec& each : asked) {
        WorkerGroupSpec* same = group_of(groups, each.key);
        if (same != nullptr && each.count >= 0 && same->count >= 0) {
            same->count = sum(same->count, each.count);
        } else {
            groups.push_back(each);
        }
    }
    model::ClusterSpec spec;
    spec.workers = groups;
    for (Error& error : model::check(spec)) {
        if (!error.field.starts_with("/workers") || error.code == "duplicate_group") continue;
        error.field = place_in(error.field, groups, asked);
        return pass(std::move(error));
    }
    return groups;
}

WorkerGroups plus(const WorkerGroups& groups, const WorkerGroups& increments) {
    WorkerGroups out = groups;
    for (const WorkerGroupSpec& each : increments) {
        if (WorkerGroupSpec* present = group_of(out, each.key)) {
            present->count = sum(present->count, each.count);
        } else {
            out.push_back(each);
        }
    }
    return without_empty(std::move(out));
}

WorkerGroups minus(const WorkerGroups& groups, const WorkerGroups& decrements) {
    WorkerGroups out = groups;
    for (const WorkerGroupSpec& each : decrements)
        if (WorkerGroupSpec* present = group_of(out, each.key))
            present->count = sum(present->count, -each.count);
    return without_empty(std::move(out));
}

WorkerGroups growth(const WorkerGroups& present, const WorkerGroups& wanted) {
    return minus(wanted, present);
}

int count_of(const WorkerGroups& groups) {
    int count = 0;
    for (const WorkerGroupSpec& group : groups) count = sum(count, group.count);
    return count;
}

std::string in_words(const WorkerGroups& groups) {
    std::string out;
    for (const WorkerGroupSpec& group : groups)
        out +=
            fmt::format("{}{} x {}", out.empty() ? "" : ", ", group.count, group.key.instance_type);
    return out.empty() ? "no workers" : out;
}

Result<void> weigh_growth(const model::Cluster& cluster,
                          const WorkerGroups& grown,
                          const WorkerGroups& asked,
                          const decide::Facts& facts) {
    if (grown.empty()) return {};
    // The head is there already: its cores are in what is used.
    model::ClusterSpec spec = cluster.spec;
    spec.head.instance_type.clear();
    spec.autoscale.reset();
    spec.workers = grown;
    for (const decide::Finding& finding : decide::weigh(spec, facts).findings) {
        if (finding.weight != decide::Weight::blocking) continue;
        if (!finding.error.field.starts_with("/workers")) continue;
        Error error = finding.error;
        error.field = place_in(error.field, grown, asked);
        return pass(std::move(error));
    }
    return {};
}

Result<void> weigh_head_type(const model::Cluster& cluster,
                             const std::string& instance_type,
                             const decide::Facts& facts) {
    // A stopped head has given its cores back.
    model::ClusterSpec spec = cluster.spec;
    spec.head.instance_type = instance_type;
    spec.workers.clear();
    spec.autoscale.reset();
    for (const decide::Finding& finding : decide::weigh(spec, facts).findings) {
        if (finding.weight != decide::Weight::blocking) continue;
        const bool quota = finding.error.kind == ErrorKind::quota_exceeded;
        if (!quota && finding.error.field != "/head/instanceType") continue;
        Error error = finding.error;
        error.field = "/head/instanceType";
        return pass(std::move(error));
    }
    return {};
}

Result<void> learn_type(model::Cluster& cluster,
                        const std::string& instance_type,
                        const Result<std::vector<cloud::Size>>& sizes) {
    if (!sizes) {
        if (cluster.types.contains(instance_type)) return {};
        return still_unread(sizes.error(), "the sizes");
    }
    for (const cloud::Size& size : *sizes)
        if (to_lower(size.name) == to_lower(instance_type))
            cluster.types[instance_type] = {.vcpus = size.vcpus,
                                            .memory_mb = size.memory_mb,
                                            .gpus = size.gpus,
                                            .usd_per_hour = usd_per_hour(size)};
    return {};
}

Result<void> set_groups(Edit& edit, const WorkerGroups& wanted) {
    RETURN_IF_ERROR(must_be_wanted_running(edit.cluster, "changing workers"));
    WorkerGroups& present = edit.cluster.spec.workers;
    if (without_empty(present) == wanted) return {};
    const WorkerGroups before = present;
    present = wanted;
    for (Error& error : model::check(edit.cluster.spec))
        if (error.field.starts_with("/workers")) return pass(std::move(error));
    // Fewer workers may be just what a failure asked for.
    if (edit.cluster.phase == model::Phase::failed) {
        edit.forget_failures();
        edit.move(edit.cluster.started_at ? model::Phase::updating : model::Phase::creating);
    } else if (edit.cluster.phase == model::Phase::running) {
        edit.move(model::Phase::updating);
    }
    edit.remark("workers_changed",
                fmt::format("{} is to have {}", edit.cluster.spec.name, in_words(wanted)),
                fmt::format("{} instead of {}: {}",
                            counted(count_of(wanted), "worker"),
                            count_of(before),
                            in_words(before)));
    return {};
}

Result<void> set_head_type(Edit& edit,
                           const std::string& instance_type,
                           const decide::Facts& facts) {
    model::Cluster& cluster = edit.cluster;
    if (cluster.wanted != model::Wanted::stopped || cluster.phase != model::Phase::stopped)
        return forbidden("cluster_not_stopped",
                         fmt::format("'{}' is {}; the head's instance type changes while it is "
                                     "stopped",
                                     cluster.spec.name,
                                     model::to_string(cluster.phase)),
                         "Stop it first.");
    if (instance_type == cluster.spec.head.instance_type) return {};
    RETURN_IF_ERROR(weigh_head_type(cluster, instance_type, facts));
    RETURN_IF_ERROR(learn_type(cluster, instance_type, facts.sizes));
    edit.remark("head_type_changed",
                "the head is to be a " + instance_type,
                "instead of a " + cluster.spec.head.instance_type + ", from the next start");
    cluster.spec.head.instance_type = instance_type;
    model::Node* head = edit.head();
    if (head == nullptr) return {};
    const model::MachineType& type = cluster.types[instance_type];
    head->group.instance_type = instance_type;
    head->vcpus = type.vcpus;
    head->memory_mb = type.memory_mb;
    head->gpus = type.gpus;
    return {};
}

Result<void> set_ports(Edit& edit,
                       const model::Ports& ports,
                       const std::optional<std::vector<std::string>>& sources) {
    model::Cluster& cluster = edit.cluster;
    if (cluster.wanted == model::Wanted::terminated)
        return must_be_wanted_running(cluster, "changing ports");
    model::ClusterSpec wanted = cluster.spec;
    wanted.ports = ports;
    if (sources) wanted.port_sources = *sources;
    if (wanted == cluster.spec) return {};
    for (Error& error : model::check(wanted))
        if (error.field.starts_with("/portSources")) return pass(std::move(error));
    cluster.spec = std::move(wanted);
    if (cluster.phase == model::Phase::running) edit.move(model::Phase::updating);
    std::string open;
    const auto name_open = [&](bool is_open, const char* name) {
        if (is_open) open += (open.empty() ? "" : ", ") + std::string(name);
    };
    name_open(ports.feature_store, "feature store");
    name_open(ports.online_feature_store, "online feature store");
    name_open(ports.kafka, "Kafka");
    name_open(ports.ssh, "SSH");
    edit.remark("ports_changed",
                open.empty() ? "no port but the head's page is to be open"
                             : "the ports of " + open + " are to be open");
    if (!open.empty() && cluster.spec.port_sources.empty())
        edit.warn({.kind = ErrorKind::invalid_argument,
                   .code = "open_to_everybody",
                   .message = "the opened ports will be reachable from any address",
                   .field = "/portSources",
                   .owner = Owner::user,
                   .next_action = "Name the ranges that may reach them."});
    return {};
}

}  // namespace hopyard::control
