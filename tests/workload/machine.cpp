// One machine of the contract's test: the first process of its namespaces, which calls the workload
// manager there as the node program does, whenever the test says so. HTTP on every address:
//
//   POST /become?engine=slurm|dask   Orders -> 204
//   GET  /look                       -> Report: nodes as the control plane hears of them, demand
//   POST /arrange?alive=w1,w2        Orders -> {"changed", "attained"}, from the last look
//   GET  /events                     -> {"events": N}: how often the manager called back
//   GET  /running                    -> {"running": true}
//   POST /stop                       -> 204
//
// What fails is 503 with {"kind", "code", "message"}.
#include "node/machine.h"

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/random.h"
#include "dask/dask.h"
#include "http/router.h"
#include "http/server.h"
#include "node/workload/saved_jobs.h"
#include "node/workload/slurm.h"

namespace hopyard::test {
namespace {

using namespace node::workload;
using Json = nlohmann::json;

constexpr std::uint16_t port = 7000;

http::Response failed(const Error& error) {
    return http::json_response(
        503,
        Json::object(
            {{"kind", to_string(error.kind)}, {"code", error.code}, {"message", error.message}})
            .dump());
}

http::Response done(const Result<void>& outcome) {
    return outcome ? http::Response{.status = 204} : failed(outcome.error());
}

std::set<std::string> words_of(std::string_view list) {
    std::set<std::string> words;
    while (!list.empty()) {
        const auto comma = list.find(',');
        words.emplace(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return words;
}

class Machine {
  public:
    explicit Machine(node::system::Processes& processes) : processes_(processes) {}

    void add_routes(http::Router& router) {
        const auto add = [&](const char* method, const char* path, auto answer) {
            router.add(method, path, [this, answer](const http::Request& request, const auto&) {
                std::lock_guard lock(mutex_);
                return (this->*answer)(request);
            });
        };
        add("POST", "/become", &Machine::become);
        add("GET", "/look", &Machine::look);
        add("POST", "/arrange", &Machine::arrange);
        add("GET", "/events", &Machine::events);
        add("GET", "/running", &Machine::running);
        add("POST", "/stop", &Machine::stop);
    }

  private:
    http::Response become(const http::Request& request) {
        auto orders = nodewire::orders_from_json(request.body);
        if (!orders) return failed(orders.error());
        if (!manager_) make_manager(request.query("engine").value_or(""));
        const auto outcome = manager_->become(*orders, {});
        if (outcome && orders->is_head && !watch_.joinable()) {
            watch_ = std::jthread(
                [this](std::stop_token stop) { manager_->watch([this] { ++events_; }, stop); });
        }
        return done(outcome);
    }

    void make_manager(const std::string& engine) {
        manager_ = engine == "slurm"
                       ? make_slurm({.processes = processes_, .random = random_, .clock = clock_})
                       : make_dask(processes_);
    }

    http::Response look(const http::Request& /*request*/) {
        auto seen = manager_->look();
        if (!seen) return failed(seen.error());
        seen_ = std::move(*seen);
        return http::json_response(
            200,
            nodewire::to_json(nodewire::Report{.at = clock_.now(),
                                               .workload = to_report(orders_, seen_, drains_),
                                               .jobs_running = seen_.jobs_running,
                                               .jobs_pending = seen_.jobs_pending,
                                               .demand = seen_.demand}));
    }

    http::Response arrange(const http::Request& request) {
        auto orders = nodewire::orders_from_json(request.body);
        if (!orders) return failed(orders.error());
        orders_ = std::move(*orders);
        const auto alive = words_of(request.query("alive").value_or(""));
        const auto arranged = manager_->arrange(orders_, seen_, alive);
        if (!arranged) return failed(arranged.error());
        drains_ = drains_of(orders_);
        return http::json_response(
            200,
            Json::object({{"changed", arranged->changed}, {"attained", arranged->attained}})
                .dump());
    }

    http::Response events(const http::Request& /*request*/) {
        return http::json_response(200, Json::object({{"events", events_.load()}}).dump());
    }

    http::Response running(const http::Request& /*request*/) {
        const bool is_running = manager_ && manager_->is_running();
        return http::json_response(200, Json::object({{"running", is_running}}).dump());
    }

    http::Response stop(const http::Request& /*request*/) {
        manager_->stop();
        return {.status = 204};
    }

    node::system::Processes& processes_;
    SystemRandom random_;
    const SystemClock clock_;
    std::mutex mutex_;
    std::unique_ptr<WorkloadManager> manager_;
    nodewire::Orders orders_;
    Seen seen_;
    Drains drains_;
    std::atomic<int> events_ = 0;
    std::jthread watch_;
};

int run() {
    signal(SIGPIPE, SIG_IGN);
    node::prepare_machine();
    log::to_file("/var/log/hopyard-node.log");
    const SystemClock clock;
    node::system::Processes processes(clock);
    std::jthread children([&](std::stop_token stop) { processes.run(stop); });
    Machine machine(processes);
    http::Router router;
    machine.add_routes(router);
    http::Server server(http::ServerOptions{});
    const auto opened = server.listen({.name = "machine", .address = "0.0.0.0", .port = port},
                                      [&](const http::Request& request, http::Responder responder) {
                                          router.handle(request, std::move(responder));
                                      });
    if (!opened) return 1;
    std::jthread handlers([&] { server.run_worker(); });
    // Until its power is taken away.
    server.run_io();
    return 0;
}

}  // namespace
}  // namespace hopyard::test

int main(int count, char** words) {
    // Slurm's prolog calls the program that started the controller.
    if (count > 1 && std::string_view(words[1]) == "await-saved-job") {
        return hopyard::node::workload::run_prolog();
    }
    return hopyard::test::run();
}
