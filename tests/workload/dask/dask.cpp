#include "dask/dask.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dask/plan.h"
#include "dask/programs.h"
#include "http/transport.h"
#include "node/metadata.h"
#include "node/system/files.h"

namespace hopyard::test {
namespace {

using namespace node::workload;
using nodewire::Orders;
using Json = nlohmann::json;

constexpr int door_port = 8788;
constexpr const char* door_file = "/usr/lib/hopyard/dask_door.py";
constexpr Milliseconds door_timeout{5'000};
constexpr Milliseconds event_timeout{25'000};
constexpr Milliseconds stop_grace{3'000};
constexpr int start_tries = 400;
constexpr Milliseconds start_pause{25};

Failure not_understood(const std::string& what) {
    return fail(ErrorKind::invalid_argument, "workload_not_understood", "Dask's door: " + what);
}

model::Resources resources_of(const Json& object) {
    return {
        .cpus = object.at("cpus"), .memory_mb = object.at("memory_mb"), .gpus = object.at("gpus")};
}

NodeSeen node_of(const Json& object) {
    NodeSeen node{.name = object.at("name"),
                  .state = "down",
                  .draining = !object.at("is_open"),
                  .responding = false,
                  .has_registered = object.at("has_registered"),
                  .cpus = object.at("cpus"),
                  .memory_mb = object.at("memory_mb"),
                  .gpus = object.at("gpus")};
    if (!object.at("is_present")) return node;
    node.responding = object.at("answers");
    node.jobs = object.at("jobs");
    node.allocated = resources_of(object.at("allocated"));
    // Until it has heard that it is closed, work may still begin on it.
    node.completing = object.at("is_closing");
    node.state = node.jobs == 0 ? "idle" : node.allocated.cpus >= node.cpus ? "allocated" : "mixed";
    return node;
}

/// In the order they come; equal ones become one.
model::Demand demand_of(const Json& requests) {
    model::Demand demand;
    for (const auto& object : requests) {
        model::Request request{.name = object.at("name"),
                               .each = resources_of(object.at("each")),
                               .machines = object.at("machines"),
                               .waiting_since = Timestamp(Milliseconds(object.at("since_ms")))};
        auto& all = demand.requests;
        const auto same = std::find_if(all.begin(), all.end(), [&](const auto& other) {
            return other.each == request.each && other.machines == request.machines;
        });
        if (same != all.end())
            ++same->count;
        else if (all.size() < model::requests_max)
            all.push_back(std::move(request));
        else
            demand.cut = true;
    }
    return demand;
}

class Dask final : public WorkloadManager {
  public:
    explicit Dask(node::system::Processes& processes) : processes_(processes), client_({}) {}

    Result<void> become(const Orders& orders, std::stop_token stop) override {
        daemon_ = orders.is_head ? "dask-scheduler" : "dask-worker";
        RETURN_IF_ERROR(node::system::make_directory("/usr/lib/hopyard", {.mode = 0755}));
        RETURN_IF_ERROR(node::system::write_file(door_file, door_program(), {.mode = 0644}));
        RETURN_IF_ERROR(processes_.start(orders.is_head ? scheduler(orders) : worker(orders)));
        door_ = fmt::format("http://{}:{}", orders.head_address, door_port);
        return wait_until_registered(orders, stop);
    }

    bool is_running() const override {
        return !daemon_.empty() && processes_.state(daemon_).running;
    }

    Result<Seen> look() override {
        ASSIGN_OR_RETURN(const auto said, ask("/look", door_timeout));
        try {
            Seen seen{.jobs_running = said.at("jobs_running"),
                      .jobs_pending = said.at("jobs_pending"),
                      .demand = demand_of(said.at("requests"))};
            for (const auto& object : said.at("nodes")) seen.nodes.push_back(node_of(object));
            return seen;
        } catch (const Json::exception& error) {
            return not_understood(error.what());
        }
    }

    Result<Arranged> arrange(const Orders& orders,
                             const Seen& seen,
                             const std::set<std::string>& /*alive*/) override {
        const auto next = plan_for_dask(orders, seen);
        if (!next.steps.empty()) RETURN_IF_ERROR(tell(next.steps));
        return Arranged{.changed = !next.steps.empty(), .attained = next.attained};
    }

    void watch(const std::function<void()>& on_event, std::stop_token stop) override {
        std::int64_t seen = 0;
        while (!stop.stop_requested()) {
            const auto said = ask(fmt::format("/events?seen={}", seen), event_timeout, stop);
            if (!said && !node::sleep_for(Milliseconds(500), stop)) return;
            const auto events = said ? said->value("events", seen) : 0;
            if (events != seen) on_event();
            seen = events;
        }
    }

    void stop() override {
        processes_.stop(daemon_, stop_grace);
        daemon_.clear();
    }

  private:
    static node::system::Service service(std::string name, std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--no-dashboard", "--preload", door_file});
        return {
            .name = name,
            .command = {.arguments = std::move(arguments),
                        // Losing a worker, however often, is not a task's fault.
                        .environment = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=1000000"},
                        .output_file = fmt::format("/var/log/{}.log", name)}};
    }

    static node::system::Service scheduler(const Orders& orders) {
        return service("dask-scheduler",
                       {"/usr/bin/dask-scheduler",
                        fmt::format("--host={}", orders.head_address),
                        fmt::format("--port={}", dask_port)});
    }

    static node::system::Service worker(const Orders& orders) {
        return service("dask-worker",
                       {"/usr/bin/dask-worker",
                        fmt::format("{}:{}", orders.head_address, dask_port),
                        "--name=" + orders.node,
                        fmt::format("--nthreads={}", orders.vcpus),
                        // Memory is a resource; Dask's own watch of it would open closed workers.
                        "--memory-limit=0",
                        fmt::format("--resources=cpus={} memory_mb={} gpus={}",
                                    orders.vcpus,
                                    orders.memory_mb,
                                    orders.gpus),
                        "--no-nanny",
                        "--local-directory=/var/tmp"});
    }

    Result<void> wait_until_registered(const Orders& orders, const std::stop_token& stop) {
        for (int tries = 0; tries < start_tries; ++tries) {
            const auto said = ask("/registered?name=" + orders.node, door_timeout, stop);
            if (said && (orders.is_head || said->value("is_registered", false))) return {};
            if (!node::sleep_for(start_pause, stop)) break;
        }
        return fail(ErrorKind::unavailable,
                    "dask_not_ready",
                    fmt::format("{} does not come up; see /var/log/{}.log", daemon_, daemon_));
    }

    Result<Json> ask(const std::string& target,
                     Milliseconds timeout,
                     const std::stop_token& stop = {}) {
        http::Client client({.stop = stop});
        auto reply = client.send({.url = door_ + target, .timeout = timeout});
        if (!reply) return with_context("the Dask scheduler does not answer", reply.error());
        auto said = Json::parse(reply->body, nullptr, false);
        if (reply->status != 200 || !said.is_object())
            return not_understood(fmt::format("status {}", reply->status));
        return said;
    }

    Result<void> tell(const std::vector<DaskStep>& steps) {
        auto list = Json::array();
        for (const auto& step : steps) {
            auto object = Json::object({{"step", step.what}, {"name", step.name}});
            if (step.size) {
                object["size"] = Json::object({{"cpus", step.size->cpus},
                                               {"memory_mb", step.size->memory_mb},
                                               {"gpus", step.size->gpus}});
            }
            list.push_back(std::move(object));
        }
        const auto reply = client_.send({.method = "POST",
                                         .url = door_ + "/orders",
                                         .body = list.dump(),
                                         .timeout = door_timeout});
        if (!reply) return with_context("the Dask scheduler does not answer", reply.error());
        if (reply->status != 204) return not_understood(fmt::format("status {}", reply->status));
        return {};
    }

    node::system::Processes& processes_;
    http::Client client_;
    std::string daemon_, door_;
};

}  // namespace

std::unique_ptr<WorkloadManager> make_dask(node::system::Processes& processes) {
    return std::make_unique<Dask>(processes);
}

}  // namespace hopyard::test
