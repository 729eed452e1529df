// For the tests of node sessions: a cluster with a head and two workers that hold their one-time
// tokens, and machines that speak as the node program does.
#pragma once

#include <memory>
#include <string>

#include "base/encoding.h"
#include "control/authority.h"
#include "control/node_sessions.h"
#include "control/secrets.h"
#include "control/test_subscription.h"

namespace hopyard::control {

/// One machine: its key, its boot, and what it would report.
struct TestMachine {
    std::string node;
    std::string machine_id;
    std::string address;
    http::KeyAndRequest key;
    nodewire::Report says;

    TestMachine(std::string name, int number)
        : node(std::move(name)),
          machine_id("vm-" + std::to_string(number)),
          address("10.1.0." + std::to_string(4 + number)),
          key(http::make_signing_request(node)) {
        says.node = node;
        says.machine_id = machine_id;
        says.boot_id = "boot-1";
    }
    NodeId id() const { return NodeId(node); }
};

struct Session {
    Desk desk;
    InstallationAuthority authority{
        http::make_authority("Hopyard", desk.clock.now(), Seconds(3600 * 24 * 3650))};
    NodeSessions sessions;
    ClusterId cluster;
    TestMachine head{"demo-head", 0};
    TestMachine worker{"demo-w1", 1};
    TestMachine other{"demo-w10", 10};

    explicit Session(model::ClusterSpec spec = good_spec(), SessionOptions options = {})
        : sessions(desk.store, authority, desk.wake, desk.clock, desk.random, options) {
        model::Cluster row = desk.made(std::move(spec));
        cluster = row.id;
        row.access.head_private_ip = head.address;
        row.access.head_public_ip = "203.0.113.7";
        desk.put(row);
        for (const TestMachine* machine : {&head, &worker, &other}) desk.put(planned(*machine));
        desk.wake.count = 0;
    }

    static std::string token_of(const TestMachine& machine) { return "token of " + machine.node; }

    model::Node planned(const TestMachine& machine) {
        const Secret token(token_of(machine));
        (void)desk.store.write([&](store::Transaction& transaction) {
            return transaction.put_secret(token_secret(cluster, machine.id()), token);
        });
        return {.id = machine.id(),
                .cluster = cluster,
                .is_head = &machine == &head,
                .group = {.instance_type = "Small"},
                .ordinal = &machine == &head ? 0 : 1,
                .phase = model::NodePhase::booting,
                .vcpus = 2,
                .memory_mb = 4096,
                .enrolment = {.token_hash = to_hex(sha256(token.reveal())),
                              .expires_at = desk.clock.now() + Seconds(7200)}};
    }

    nodewire::EnrolRequest request(const TestMachine& machine) const {
        return {.cluster = cluster.value,
                .node = machine.node,
                .token = Secret(token_of(machine)),
                .machine_id = machine.machine_id,
                .private_ip = machine.address,
                .signing_request_pem = machine.key.signing_request_pem};
    }
    Result<nodewire::EnrolReply> enrol(const TestMachine& machine) {
        return sessions.enrol(request(machine));
    }
    /// What the head would send now, with its workers' newest reports inside.
    nodewire::Report report(std::int64_t worker_age_ms = 100) const {
        nodewire::Report report = head.says;
        report.workers.push_back({.report = worker.says, .age_ms = worker_age_ms});
        report.workers.push_back({.report = other.says, .age_ms = 100});
        return report;
    }
    Result<void> send(const nodewire::Report& report) {
        const auto taken = sessions.report(head.id(), report);
        sessions.write_old_rows();
        return taken;
    }

    /// All have enrolled, reported and are ready.
    void settle() {
        for (TestMachine* machine : {&head, &worker, &other}) {
            if (!enrol(*machine)) std::abort();
            machine->says.services_ready = true;
            machine->says.mount_ready = true;
        }
        for (const TestMachine* machine : {&worker, &other})
            head.says.workload.push_back({.name = machine->node, .state = "idle"});
        if (!send(report())) std::abort();
        for (const TestMachine* machine : {&head, &worker, &other}) {
            model::Node row = node(*machine);
            row.phase = model::NodePhase::ready;
            row.ready_at = desk.clock.now();
            desk.put(row);
        }
        desk.wake.count = 0;
    }
    model::Node node(const TestMachine& machine) {
        model::Node found;
        (void)desk.store.read([&](store::Transaction& transaction) -> Result<void> {
            found = transaction.node(machine.id())->value_or(model::Node());
            return {};
        });
        return found;
    }
    std::vector<std::string> codes() {
        std::vector<std::string> out;
        for (const auto& entry : desk.activity()) out.push_back(entry.code);
        return out;
    }
};

}  // namespace hopyard::control
