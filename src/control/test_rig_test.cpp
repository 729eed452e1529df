#include "control/test_rig.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace hopyard::control {
namespace {

using cloud::Power;
using cloud::ResourceKind;

}  // namespace

bool TestRunner::run_one() {
    if (waiting.empty()) return false;
    auto call = std::move(waiting.front());
    waiting.pop_front();
    call();
    return true;
}

Rig::Rig() {
    store = store::open_memory([this] {
        if (on_commit) on_commit();
    });
    options = {.installation = test_installation,
               .holder = "replica-1",
               .node_url = "https://control:7443",
               .node_ca_pem = "-----CA-----"};
    restart();
}

void Rig::restart() {
    runner.waiting.clear();
    loops = std::make_unique<Loops>(*store, cloud, cloud, runner, clock, random, options);
}

model::Cluster Rig::example(int workers) {
    model::Cluster cluster;
    cluster.id = ClusterId("c-ab12cd34");
    cluster.organisation = OrganisationId("main");
    cluster.spec.name = "demo";
    cluster.spec.resource_group = "lab";
    cluster.spec.location = "here";
    cluster.spec.head = {.instance_type = "big", .disk_gb = 64};
    if (workers > 0)
        cluster.spec.workers = {
            {.key = {.instance_type = "small", .disk_gb = 30}, .count = workers}};
    cluster.spec.storage = {.account = "store", .container = "box"};
    cluster.spec.tags = {{"team", "blue"}};
    cluster.network = {.resource_group = "lab",
                       .virtual_network = "demo-ab12cd34-net",
                       .virtual_network_cidr = "10.0.0.0/16",
                       .subnet = "demo-ab12cd34-subnet",
                       .subnet_cidr = "10.0.0.0/24",
                       .security_group = "demo-ab12cd34-nsg"};
    cluster.container = "box";
    cluster.types = {{"big", {.vcpus = 4, .memory_mb = 8192}},
                     {"huge", {.vcpus = 8, .memory_mb = 16384}},
                     {"small", {.vcpus = 2, .memory_mb = 4096}}};
    cluster.created_at = cluster.phase_since = clock.now();
    return cluster;
}

ClusterId Rig::create(const model::Cluster& cluster) {
    model::Cluster row = cluster;
    const auto written = store->write([&](store::Transaction& t) -> Result<void> {
        row = cluster;
        RETURN_IF_ERROR(t.put_secret(workload_key_secret(row.id), Secret("shared")));
        return t.put(row);
    });
    EXPECT_TRUE(written) << written.error().message;
    loops->wake();
    return row.id;
}

void Rig::change(const ClusterId& id, const std::function<void(model::Cluster&)>& edit) {
    const auto written = store->write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto row, t.cluster(id));
        if (!row) return fail(ErrorKind::not_found, "gone", "the cluster is gone");
        edit(*row);
        ++row->generation;
        return t.put(*row);
    });
    EXPECT_TRUE(written) << written.error().message;
    loops->wake();
}

void Rig::change_nodes(const ClusterId& id, const std::function<void(model::Node&)>& edit) {
    const auto written = store->write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto rows, t.nodes(id));
        for (model::Node& row : rows) {
            const model::Node before = row;
            edit(row);
            if (row != before) RETURN_IF_ERROR(t.put(row));
        }
        return {};
    });
    EXPECT_TRUE(written) << written.error().message;
    loops->wake_for(id);
}

std::optional<model::Cluster> Rig::cluster(const ClusterId& id) {
    std::optional<model::Cluster> found;
    (void)store->read([&](store::Transaction& t) -> Result<void> {
        found = *t.cluster(id);
        return {};
    });
    return found;
}

std::vector<model::Node> Rig::nodes(const ClusterId& id) {
    std::vector<model::Node> found;
    (void)store->read([&](store::Transaction& t) -> Result<void> {
        found = *t.nodes(id);
        return {};
    });
    return found;
}

std::vector<model::Resource> Rig::resources(const ClusterId& id) {
    std::vector<model::Resource> found;
    (void)store->read([&](store::Transaction& t) -> Result<void> {
        found = *t.resources(id);
        return {};
    });
    return found;
}

std::vector<model::Activity> Rig::activity(const ClusterId& id) {
    std::vector<model::Activity> found;
    (void)store->read([&](store::Transaction& t) -> Result<void> {
        found = t.activity({.organisation = OrganisationId("main"), .cluster = id, .limit = 1000})
                    ->entries;
        return {};
    });
    std::reverse(found.begin(), found.end());
    return found;
}

bool Rig::told(const ClusterId& id, const std::string& code) {
    const auto entries = activity(id);
    return std::any_of(
        entries.begin(), entries.end(), [&](const auto& entry) { return entry.code == code; });
}

std::optional<Secret> Rig::secret(const std::string& name) {
    std::optional<Secret> found;
    (void)store->read([&](store::Transaction& t) -> Result<void> {
        found = *t.secret(name);
        return {};
    });
    return found;
}

model::Node Rig::node(const ClusterId& id, const std::string& part) {
    for (const model::Node& node : nodes(id))
        if (node.id.value.find(part) != std::string::npos) return node;
    ADD_FAILURE() << "no node is named like " << part;
    return {};
}

bool Rig::nodes_report() {
    bool any = false;
    std::set<ClusterId> told;
    const auto written = store->write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto clusters, t.clusters());
        for (const model::Cluster& cluster : clusters) {
            ASSIGN_OR_RETURN(auto rows, t.nodes(cluster.id));
            for (model::Node& row : rows) {
                const TestThing* machine = cloud.find(row.id.value);
                const bool up = machine != nullptr && machine->seen.power == Power::running &&
                                !mute.contains(row.id.value) &&
                                machine->on_since + boot_time <= clock.now();
                const bool stale = !row.seen.last_report_at ||
                                   *row.seen.last_report_at + Seconds(5) <= clock.now();
                if (!up || !stale) continue;
                model::Node before = row;
                row.seen.boot_id = fmt::format("{}-{}", machine->seen.machine_id, machine->boots);
                row.seen.services_ready = true;
                if (!row.is_head && row.phase != model::NodePhase::draining)
                    row.seen.workload_state = row.seen.jobs > 0 ? "allocated" : "idle";
                row.enrolment.closed = true;
                if (row.seen != before.seen) told.insert(cluster.id);
                row.seen.last_report_at = clock.now();
                RETURN_IF_ERROR(t.put(row));
            }
        }
        return {};
    });
    EXPECT_TRUE(written) << written.error().message;
    for (const ClusterId& id : told) loops->wake_for(id);
    any = !told.empty();
    return any;
}

Timestamp Rig::next_event() const {
    Timestamp next = clock.now() + Seconds(5);
    if (const auto end = cloud.next_end()) next = std::min(next, *end);
    for (const auto& [name, thing] : cloud.things())
        if (name.kind == ResourceKind::machine && thing.on_since + boot_time > clock.now())
            next = std::min(next, thing.on_since + boot_time);
    return next;
}

Timestamp Rig::round() {
    ++steps;
    const Timestamp next = loops->step();
    while (runner.run_one()) {
    }
    cloud.settle();
    nodes_report();
    return next;
}

bool Rig::until(const std::function<bool()>& so, Milliseconds patience) {
    const Timestamp end = clock.now() + patience;
    Timestamp moment = clock.now();
    int at_once = 0;
    while (true) {
        if (so()) return true;
        if (clock.now() >= end) return false;
        const Timestamp next = round();
        const Timestamp now = clock.now();
        at_once = now == moment ? at_once + 1 : 0;
        moment = now;
        if (at_once > 60) {
            ADD_FAILURE() << "the loops turn without time going on";
            return false;
        }
        // A step right away when it is asked for; it may also mean that a call just ended.
        const bool again = next <= now || loops->status().calls_under_way > 0;
        if (!again) clock.set(std::max(now + Milliseconds(1), std::min({next, next_event(), end})));
    }
}

bool Rig::until_phase(const ClusterId& id, model::Phase phase, Milliseconds patience) {
    return until(
        [&] {
            const auto row = cluster(id);
            return row && row->phase == phase;
        },
        patience);
}

bool Rig::until_gone(const ClusterId& id, Milliseconds patience) {
    return until([&] { return !cluster(id); }, patience);
}

void Rig::run_for(Milliseconds span) {
    (void)until([] { return false; }, span);
}

}  // namespace hopyard::control
