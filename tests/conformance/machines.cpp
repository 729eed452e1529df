#include "machines.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/certificates.h"

namespace hopyard::conformance {
namespace {

constexpr Milliseconds boot_time = Seconds(8);
constexpr Milliseconds report_every = Seconds(3);

}  // namespace

void Machines::look(const control::TestThing& thing) {
    const auto& wanted = std::get<cloud::WantedMachine>(thing.wanted);
    Machine& machine = machines_[thing.seen.machine_id];
    machine.on = thing.seen.power == cloud::Power::running;
    const std::string boot_id = fmt::format("{}-{}", thing.seen.machine_id, thing.boots);
    if (!machine.on || machine.boot_id == boot_id) return;
    const auto data = nodewire::user_data_from_json(wanted.user_data);
    ASSERT_TRUE(data) << data.error().message;
    machine.data = *data;
    machine.boot_id = boot_id;
    machine.applied_revision = 0;
    machine.speaks_at = thing.on_since + boot_time;
    for (const auto& [name, other] : cloud_.things())
        if (name == wanted.interface) machine.private_ip = other.seen.private_ip;
}

void Machines::enrol(Machine& machine, const std::string& machine_id, const std::string& url) {
    const auto made = http::make_signing_request(machine.data.node);
    const nodewire::EnrolRequest request{.cluster = machine.data.cluster,
                                         .node = machine.data.node,
                                         .token = machine.data.token,
                                         .machine_id = machine_id,
                                         .private_ip = machine.private_ip,
                                         .signing_request_pem = made.signing_request_pem};
    http::Client stranger({.ca_pem = machine.data.ca_pem});
    const auto reply = stranger.send(
        {.method = "POST", .url = url + "/node/v1/enrol", .body = nodewire::to_json(request)});
    ASSERT_TRUE(reply) << reply.error().message;
    // The cloud may have told the machine of itself before it told the control plane.
    if (reply->status != 200) return;
    machine.certificate_pem = nodewire::enrol_reply_from_json(reply->body)->certificate_pem;
    machine.private_key_pem = made.private_key_pem;
    if (!machine.data.is_head) return;
    machine.client = std::make_unique<http::Client>(
        http::ClientOptions{.ca_pem = machine.data.ca_pem,
                            .certificate_pem = machine.certificate_pem,
                            .private_key_pem = machine.private_key_pem});
}

nodewire::Report Machines::report_of(const Machine& machine, const std::string& machine_id) const {
    return {.node = machine.data.node,
            .machine_id = machine_id,
            .boot_id = machine.boot_id,
            .program_version = "conformance",
            .applied_revision = machine.applied_revision,
            .services_ready = machine.applied_revision > 0,
            .stage = "ready",
            .mount_ready = true,
            .at = clock_.now()};
}

void Machines::report(Machine& head, const std::string& machine_id) {
    const auto say = [&](const char* path, const nodewire::Report& report) {
        return head.client->send(
            {.method = "POST", .url = head.data.url + path, .body = nodewire::to_json(report)});
    };
    const auto given = say("/node/v1/report?seen=0", report_of(head, machine_id));
    ASSERT_TRUE(given) << given.error().message;
    if (given->status != 200) return;
    const auto orders = nodewire::orders_from_json(given->body);
    ASSERT_TRUE(orders) << orders.error().message;
    head.applied_revision = orders->revision;
    nodewire::Report report = report_of(head, machine_id);
    for (auto& [id, worker] : machines_) {
        if (worker.data.is_head || worker.data.cluster != head.data.cluster || !worker.on) continue;
        if (clock_.now() < worker.speaks_at) continue;
        if (worker.certificate_pem.empty()) enrol(worker, id, head.data.url);
        const auto own = orders->workers.find(worker.data.node);
        if (worker.certificate_pem.empty() || own == orders->workers.end()) continue;
        worker.applied_revision = own->second.revision;
        report.workers.push_back({.report = report_of(worker, id)});
        for (const nodewire::Member& member : orders->members) {
            if (member.name != worker.data.node) continue;
            const bool drains = member.state == nodewire::Member::State::draining;
            report.workload.push_back(
                {.name = member.name, .state = "idle", .drained = drains, .draining = drains});
        }
    }
    const auto reply = say("/node/v1/report", report);
    ASSERT_TRUE(reply) << reply.error().message;
}

bool Machines::act() {
    for (auto& [id, machine] : machines_) machine.on = false;
    for (const auto& [name, thing] : cloud_.things())
        if (name.kind == cloud::ResourceKind::machine) look(thing);
    bool spoke = false;
    for (auto& [id, machine] : machines_) {
        if (!machine.data.is_head || !machine.on || clock_.now() < machine.speaks_at) continue;
        if (machine.certificate_pem.empty()) enrol(machine, id, machine.data.url);
        if (machine.client) report(machine, id);
        machine.speaks_at = clock_.now() + report_every;
        spoke = true;
    }
    return spoke;
}

Timestamp Machines::next() const {
    Timestamp next = clock_.now() + Seconds(5);
    for (const auto& [id, machine] : machines_)
        if (machine.on && machine.speaks_at > clock_.now())
            next = std::min(next, machine.speaks_at);
    return next;
}

}  // namespace hopyard::conformance
