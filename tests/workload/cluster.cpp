#include "cluster.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/random.h"

namespace hopyard::test {
namespace {

using Steady = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr Milliseconds patience{15'000};
constexpr Milliseconds call_timeout{30'000};
constexpr Milliseconds between_looks{50};
constexpr int machine_port = 7000;

const std::vector<std::string> worker_names = {"w1", "w2"};

std::string address_of(const std::string& machine) {
    return machine == head ? "10.9.0.4" : "10.9.0.1" + machine.substr(1);
}

Member member(const std::string& name, Member::State state) {
    return {.name = name,
            .is_head = name == head,
            .address = name.starts_with("size-") ? "" : address_of(name),
            .vcpus = 2,
            .memory_mb = 1024,
            .state = state};
}

Orders first_orders() {
    SeededRandom random(7);
    auto big = member("size-big", Member::State::expected);
    big.vcpus = 16;
    big.memory_mb = 16'384;
    big.gpus = 4;
    return {.revision = 1,
            .cluster = "c-test",
            .cluster_name = "test",
            .node = head,
            .is_head = true,
            .workload_key = Secret(random_bytes(random, 128)),
            .members = {member(head, Member::State::member),
                        member("w1", Member::State::member),
                        member("w2", Member::State::member)},
            .head_address = address_of(head),
            .vcpus = 2,
            .memory_mb = 1024,
            .placeholders = {big}};
}

/// What the machine's program says of a failure.
Failure failure_of(const http::Response& reply) {
    const auto said = Json::parse(reply.body, nullptr, false);
    if (!said.is_object()) {
        return fail(ErrorKind::internal, "machine", fmt::format("status {}", reply.status));
    }
    return fail(error_kind_from(said.value("kind", "")).value_or(ErrorKind::internal),
                said.value("code", ""),
                said.value("message", ""));
}

bool waits_until(const std::function<bool()>& is_so) {
    const auto until = Steady::now() + patience;
    while (!is_so()) {
        if (Steady::now() > until) return false;
        std::this_thread::sleep_for(between_looks);
    }
    return true;
}

}  // namespace

const nodewire::WorkloadNode* find(const Report& report, const std::string& name) {
    for (const auto& node : report.workload)
        if (node.name == name) return &node;
    return nullptr;
}

nodewire::WorkloadNode state_of(const Report& report, const std::string& name) {
    const auto* node = find(report, name);
    return node == nullptr ? nodewire::WorkloadNode{.responding = false} : *node;
}

bool is_idle(const Report& report, const std::string& name) {
    const auto node = state_of(report, name);
    return node.state == "idle" && node.responding && !node.draining && node.jobs == 0 &&
           node.allocated.is_zero() && !node.completing;
}

Cluster::Cluster(const Engine& engine, std::string directory)
    : orders(first_orders()),
      engine_(engine),
      directory_(std::move(directory)),
      lab_(directory_, engine.image()),
      client_({}) {
    // What a machine writes must not lie in the file system that it starts from.
    lab_.host("mount -t tmpfs tmpfs " + directory_);
    lab_.start(head, address_of(head));
    for (const auto& worker : worker_names) lab_.start(worker, address_of(worker));
}

Cluster::~Cluster() {
    for (const auto& worker : worker_names) lab_.kill_machine(worker);
    lab_.kill_machine(head);
    lab_.host("umount -l " + directory_);
}

bool Cluster::refresh() {
    for (const auto& work : submitted_) end(work);
    orders = first_orders();
    const auto came = [](const std::string& machine, const auto& outcome) {
        if (!outcome) std::cerr << machine << ": " << outcome.error().message << "\n";
        return outcome.has_value();
    };
    if (!came(head, become(head))) return false;
    submitted_.clear();
    if (!came(head, look())) return false;
    // What no worker can take does not end by itself.
    if (report_.jobs_pending > 0) engine_.clear(lab_);
    // Workers are announced before they come.
    if (!came(head, arrange())) return false;
    for (const auto& worker : worker_names)
        if (!came(worker, bring_worker(worker))) return false;
    const bool is_fresh = sees([](const Report& said) {
        return std::all_of(worker_names.begin(),
                           worker_names.end(),
                           [&](const auto& worker) { return is_idle(said, worker); }) &&
               said.jobs_pending == 0 && said.demand == model::Demand{};
    });
    for (const auto& worker : worker_names)
        lab_.run(worker, "root", "rm -f /tmp/began-* /tmp/ended-* /tmp/end-*");
    return is_fresh;
}

Orders Cluster::orders_of(const std::string& machine) const {
    auto own = orders;
    own.node = machine;
    own.is_head = machine == head;
    return own;
}

Result<http::Response> Cluster::call(const std::string& machine,
                                     const std::string& method,
                                     const std::string& target,
                                     const std::string& body) {
    const http::OutgoingRequest request{
        .method = method,
        .url = fmt::format("http://{}:{}{}", address_of(machine), machine_port, target),
        .body = body,
        .timeout = call_timeout};
    auto reply = client_.send(request);
    // It may be only just booting.
    waits_until([&] {
        if (reply || reply.error().kind != ErrorKind::unavailable) return true;
        reply = client_.send(request);
        return false;
    });
    if (reply && reply->status == 503) return failure_of(*reply);
    return reply;
}

Result<void> Cluster::become(const std::string& machine) {
    RETURN_IF_ERROR(call(machine,
                         "POST",
                         "/become?engine=" + engine_.name(),
                         nodewire::to_json(orders_of(machine))));
    if (machine != head) alive_.insert(machine);
    return {};
}

bool Cluster::is_running(const std::string& machine) {
    const auto reply = call(machine, "GET", "/running");
    return reply && Json::parse(reply->body).at("running").get<bool>();
}

Result<Report> Cluster::look() {
    ASSIGN_OR_RETURN(const auto reply, call(head, "GET", "/look"));
    ASSIGN_OR_RETURN(report_, nodewire::report_from_json(reply.body));
    return report_;
}

Result<Arranged> Cluster::arrange() {
    std::string alive;
    for (const auto& worker : alive_) alive += (alive.empty() ? "" : ",") + worker;
    ASSIGN_OR_RETURN(const auto reply,
                     call(head, "POST", "/arrange?alive=" + alive, nodewire::to_json(orders)));
    const auto said = Json::parse(reply.body);
    return Arranged{.changed = said.at("changed"), .attained = said.at("attained")};
}

void Cluster::stop(const std::string& machine) {
    call(machine, "POST", "/stop");
}

int Cluster::events() {
    const auto reply = call(head, "GET", "/events");
    return reply ? Json::parse(reply->body).at("events").get<int>() : -1;
}

bool Cluster::sees(const std::function<bool(const Report&)>& fits) {
    std::string cause;
    const bool seen = waits_until([&] {
        const auto said = look();
        if (said && fits(*said)) return true;
        if (!said) cause = said.error().message;
        if (const auto arranged = arrange(); !arranged) cause = arranged.error().message;
        return false;
    });
    if (!seen) std::cerr << "last seen: " << nodewire::to_json(report_) << "\n" << cause << "\n";
    return seen;
}

void Cluster::set_state(const std::string& worker, Member::State state, std::int64_t drain) {
    for (auto& each : orders.members) {
        if (each.name != worker) continue;
        each.state = state;
        each.drain = drain;
    }
}

bool Cluster::submit(const std::vector<Work>& works) {
    for (const auto& work : works) submitted_.push_back(work.name);
    return engine_.submit(lab_, works);
}

void Cluster::end(const std::string& work) {
    for (const auto& worker : alive_) lab_.run(worker, "root", "touch /tmp/end-" + work);
}

int Cluster::count(const std::string& machine, const std::string& what, const std::string& work) {
    const auto lines =
        lab_.run(machine, "root", fmt::format("cat /tmp/{}-{} 2>/dev/null | wc -l", what, work));
    return std::stoi(lines);
}

bool Cluster::begins(const std::string& machine, const std::string& work) {
    return waits_until([&] { return count(machine, "began", work) > 0; });
}

void Cluster::kill_worker(const std::string& worker) {
    lab_.kill_machine(worker);
    alive_.erase(worker);
}

Result<void> Cluster::bring_worker(const std::string& worker) {
    lab_.start(worker, address_of(worker));
    return become(worker);
}

}  // namespace hopyard::test
