// A recorded workload tried on a policy: what it would have cost and how long jobs would have
// waited, on the sizes and prices of a location. Nothing is made and nothing is kept.
#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "base/words.h"
#include "decide/replay/replay.h"
#include "model/json_reader.h"
#include "model/spec_json.h"
#include "model/validate.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
namespace replay = decide::replay;
namespace scale = decide::scale;

/// As large as a request may be.
constexpr std::size_t body_max = std::size_t{4} << 20;
constexpr double boot_seconds_max = 86'400;
constexpr std::size_t boots_max = 10'000;

struct Asked {
    std::string trace;
    std::string format = "swf";
    bool skip_bad_lines = false;
    std::string location;
    model::AutoscaleSpec policy;
    std::vector<Milliseconds> boots{Seconds(285)};
    model::Resources processor{.cpus = 1};
};

void read_boots(model::ObjectReader& reader, std::vector<Milliseconds>& boots) {
    const json* member = reader.member("bootSeconds");
    if (member == nullptr) return;
    const json list = member->is_array() ? *member : json::array({*member});
    boots.clear();
    for (const json& entry : list) {
        const double seconds = entry.is_number() ? entry.get<double>() : -1;
        if (!(seconds >= 0 && seconds <= boot_seconds_max)) {
            boots.clear();
            break;
        }
        boots.emplace_back(std::llround(seconds * 1000));
    }
    if (boots.empty() || boots.size() > boots_max)
        reader.fault("bootSeconds",
                     "boot_seconds",
                     "must be seconds from 0 to 86400, or a list of at most 10000 such",
                     "Clouds take about 285.");
}

void read_processor(model::ObjectReader& reader, model::Resources& processor) {
    const json* member = reader.member("processor");
    if (member == nullptr) return;
    std::optional<Error> fault;
    model::ObjectReader inner(*member, "/processor", fault);
    inner.read("cpus", processor.cpus);
    inner.read("memoryMb", processor.memory_mb);
    inner.finish();
    constexpr std::int64_t most = 1'000'000'000;
    if (fault || processor.cpus < 1 || processor.cpus > most || processor.memory_mb < 0 ||
        processor.memory_mb > most)
        reader.fault("processor",
                     "processor",
                     "must be {cpus, memoryMb} with at least one core",
                     "Leave it out: a processor is one core.");
}

Result<Asked> read_asked(const std::string& body) {
    Asked asked;
    std::string policy;
    const auto fields = [&](model::ObjectReader& reader) {
        reader.read("trace", asked.trace);
        reader.read("format", asked.format);
        reader.read("skipBadLines", asked.skip_bad_lines);
        reader.read("location", asked.location);
        read_boots(reader, asked.boots);
        read_processor(reader, asked.processor);
        if (const json* member = reader.member("policy")) policy = member->dump();
        if (!replay::format_from(asked.format))
            reader.fault(
                "format", "format_unknown", "must be 'swf' or 'openb'", "Name one of both.");
    };
    RETURN_IF_ERROR(model::read_object(body, fields, body_max));
    if (policy.empty())
        return refuse("/policy",
                      "policy_missing",
                      "the policy to be tried is missing",
                      "Send the autoscale part of a specification.");
    auto read = model::autoscale_from_json(policy);
    if (!read) {
        read.error().field = "/policy" + read.error().field;
        return pass(read.error());
    }
    asked.policy = std::move(*read);
    if (auto broken = model::check(asked.policy); !broken.empty()) {
        broken.front().field = "/policy" + broken.front().field;
        return pass(std::move(broken.front()));
    }
    return asked;
}

/// The kinds of a group, with their sizes.
Result<scale::Group> group_of(const std::string& at,
                              const model::ScaleSpec& policy,
                              const std::vector<cloud::Size>& sizes,
                              bool with_gpus) {
    scale::Group group{.policy = policy, .kinds = {}};
    for (const model::GroupKey& key : model::keys_of(policy)) {
        const auto size = std::find_if(sizes.begin(), sizes.end(), [&](const cloud::Size& one) {
            return one.name == key.instance_type;
        });
        const std::string field = "/policy/" + at + "/instanceType";
        if (size == sizes.end())
            return refuse(field,
                          "type_unknown",
                          "there is no instance type '" + key.instance_type + "' at this location",
                          "'hopyard cloud sizes' lists them.");
        if (with_gpus && size->gpus == 0)
            return refuse(field,
                          "type_without_gpu",
                          key.instance_type + " has no GPU",
                          "Choose an instance type with GPUs, or leave the GPU group out.");
        group.kinds.push_back(
            {.key = key,
             .size = {.cpus = size->vcpus, .memory_mb = size->memory_mb, .gpus = size->gpus}});
    }
    return group;
}

Result<replay::Setup> setup_of(const Asked& asked, const std::vector<cloud::Size>& sizes) {
    replay::Setup setup{.mode = asked.policy.mode, .boots = asked.boots};
    ASSIGN_OR_RETURN(setup.general, group_of("general", asked.policy.general, sizes, false));
    if (!asked.policy.gpu) return setup;
    ASSIGN_OR_RETURN(setup.gpu, group_of("gpu", *asked.policy.gpu, sizes, true));
    return setup;
}

/// Null where a price is not known: a sum without it would be no sum.
ordered_json cost_view(const replay::Outcome& outcome, const std::vector<cloud::Size>& sizes) {
    double amount = 0;
    ordered_json cost = nullptr;
    for (const replay::Use& use : outcome.uses) {
        const auto size = std::find_if(sizes.begin(), sizes.end(), [&](const cloud::Size& one) {
            return one.name == use.key.instance_type;
        });
        if (size == sizes.end() || !size->price || use.key.spot) return nullptr;
        cost = price_view(*size->price);
        amount += use.hours * size->price->per_hour;
    }
    if (cost.is_object()) {
        cost.erase("perHour");
        cost["amount"] = amount;
    }
    return cost;
}

ordered_json outcome_view(const replay::Trace& trace,
                          const replay::Outcome& outcome,
                          const std::vector<cloud::Size>& sizes) {
    ordered_json bad = ordered_json::array();
    for (const replay::BadLine& line : trace.bad)
        bad.push_back({{"line", line.number}, {"reason", line.reason}});
    ordered_json workers = ordered_json::array();
    for (const replay::Use& use : outcome.uses)
        workers.push_back(
            {{"instanceType", use.key.instance_type}, {"hours", use.hours}, {"boots", use.boots}});
    ordered_json course = ordered_json::array();
    for (const replay::Moment& moment : outcome.course)
        course.push_back({{"at", to_rfc3339(moment.at)},
                          {"workers", moment.workers},
                          {"used", moment.used},
                          {"waiting", moment.waiting}});
    return {{"jobs", trace.jobs.size()},
            {"neverRan", trace.never_ran},
            {"skippedLines", trace.skipped},
            {"badLines", std::move(bad)},
            {"hours", outcome.hours()},
            {"usedHours", outcome.used_hours},
            {"cost", cost_view(outcome, sizes)},
            {"workers", std::move(workers)},
            {"waiting",
             {{"jobs", outcome.waiting.jobs},
              {"meanSeconds", outcome.waiting.mean_s},
              {"medianSeconds", outcome.waiting.median_s},
              {"p95Seconds", outcome.waiting.p95_s},
              {"longestSeconds", outcome.waiting.longest_s}}},
            {"neverMet", outcome.never_met},
            {"leftWaiting", outcome.left_waiting},
            {"decisions", outcome.decisions},
            {"course", std::move(course)}};
}

Result<void> check_ended(const replay::Outcome& outcome, bool is_abandoned, Seconds limit) {
    if (!outcome.ended_early) return {};
    if (is_abandoned)
        return fail(ErrorKind::cancelled,
                    "simulation_abandoned",
                    "the simulation ended because whoever asked for it has left");
    return refuse("/trace",
                  "trace_too_long",
                  fmt::format("it was not simulated to its end within {}", to_human(limit)),
                  "Send a part of the trace.");
}

Result<http::Response> run(Parts& parts, const SimulationLimits& limits, const Call& call) {
    ASSIGN_OR_RETURN(const Asked asked, read_asked(call.request.body));
    if (asked.location.empty())
        return refuse("/location",
                      "location_missing",
                      "the location is missing, whose sizes and prices are counted with",
                      "'hopyard cloud locations' lists them.");
    ASSIGN_OR_RETURN(
        const auto connected,
        parts.clouds.of(call.principal.organisation,
                        call.request.query("cloudAccount").value_or(model::default_cloud_account)));
    ASSIGN_OR_RETURN(const auto sizes, connected->catalog.sizes(asked.location));
    ASSIGN_OR_RETURN(auto setup, setup_of(asked, sizes));
    ASSIGN_OR_RETURN(const auto trace,
                     replay::read_trace(asked.trace,
                                        {.format = *replay::format_from(asked.format),
                                         .processor = asked.processor,
                                         .skip_bad_lines = asked.skip_bad_lines}));
    if (trace.jobs.size() > limits.jobs)
        return refuse("/trace",
                      "trace_too_long",
                      "at most " + counted(static_cast<std::int64_t>(limits.jobs), "job") +
                          " are simulated at a time",
                      "Send a part of the trace.");
    const Timestamp began = parts.clock.now();
    bool is_abandoned = false;
    setup.progress = [&](double) {
        is_abandoned = call.is_abandoned();
        return !is_abandoned && parts.clock.now() - began < limits.time;
    };
    const replay::Outcome outcome = replay::replay(trace, setup);
    RETURN_IF_ERROR(check_ended(outcome, is_abandoned, limits.time));
    return http::json_response(200, dump(outcome_view(trace, outcome, sizes)));
}

}  // namespace

std::vector<Endpoint> simulate_endpoints(Parts& parts, const SimulationLimits& limits) {
    // It takes a processor for seconds: others must not wait because of several.
    const auto busy = std::make_shared<std::mutex>();
    return {{.method = "POST",
             .pattern = "/v1/autoscale/simulate",
             .query = {"cloudAccount"},
             .has_body = true,
             .answer = [&parts, limits, busy](const Call& call) -> Result<http::Response> {
                 const std::unique_lock only_one(*busy, std::try_to_lock);
                 if (!only_one)
                     return refuse("",
                                   "simulation_runs",
                                   "another simulation is running",
                                   "Try again when it has ended, in a few seconds.",
                                   ErrorKind::rate_limited);
                 return run(parts, limits, call);
             }}};
}

}  // namespace hopyard::api::v1
