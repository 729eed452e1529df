#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/words.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/policy.h"
#include "cli/policy_words.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

Result<std::string> path_of(Session& session, const std::string& cluster) {
    ASSIGN_OR_RETURN(const std::string id, cluster_id(session, cluster));
    return "/v1/clusters/" + id + "/autoscale";
}

Result<json> state_of(Session& session, const std::string& path) {
    ASSIGN_OR_RETURN(const std::string reply, session.call("GET", path));
    return json::parse(reply, nullptr, false);
}

Result<json> wanted_policy(Session& session,
                           const std::string& path,
                           const AutoscaleOptions& options) {
    json policy;
    if (!options.file.empty()) {
        ASSIGN_OR_RETURN(policy, read_policy(options.file));
    } else {
        ASSIGN_OR_RETURN(const json now, state_of(session, path));
        if (now.value("autoscale", json()).is_object()) policy = now["autoscale"];
    }
    RETURN_IF_ERROR(apply_flags(policy, options));
    return policy;
}

void print_group(const char* name, const json& group) {
    std::printf("%-10s %d to %d x %s, standby %g, wait %ld s\n",
                name,
                group.value("minWorkers", 0),
                group.value("maxWorkers", 0),
                group.value("instanceType", "").c_str(),
                group.value("standbyWorkers", 0.0),
                group.value("downscaleWaitSeconds", 0L));
    const auto print = [](const char* what, const std::string& words) {
        std::printf("%-10s %s %s\n", "", what, words.c_str());
    };
    for (const json& type : group.value("fallbackTypes", json::array()))
        print("fallback", type.get<std::string>());
    if (group.contains("spot")) {
        const json& spot = group["spot"];
        print("spot", std::to_string(spot.value("maxPricePercent", 100)));
        print("spot-fallback", spot.value("fallBackOnDemand", true) ? "yes" : "no");
    }
    if (group.contains("standbyShape"))
        print("standby-shape", shape_in_words(group["standbyShape"]));
    for (const json& entry : group.value("schedule", json::array()))
        print("schedule", entry_in_words(entry));
}

std::string in_words(const json& request) {
    const json each = request.value("each", json::object());
    const int gpus = each.value("gpus", 0);
    return fmt::format(
        "{} x {} of {}, {} MB{}",
        request.value("count", 1),
        counted(request.value("pieces", 1), request.value("apart", false) ? "machine" : "piece"),
        counted(each.value("cpus", 0), "core"),
        each.value("memoryMb", 0),
        gpus > 0 ? ", " + counted(gpus, "GPU") : std::string());
}

void print_state(const json& state) {
    const json& policy = state["autoscale"];
    std::printf("%-10s %s\n", "mode", policy.value("mode", "").c_str());
    print_group("general", policy.value("general", json::object()));
    if (policy.contains("gpu")) print_group("gpu", policy["gpu"]);
    std::printf("%-10s %d\n", "workers", state.value("workers", 0));
    const json demand = state.value("demand", json());
    if (!demand.is_object())
        std::printf("%-10s not known yet\n", "waiting");
    else if (demand["requests"].empty())
        std::printf("%-10s nothing\n", "waiting");
    else
        for (const json& request : demand["requests"])
            std::printf("%-10s job %s: %s\n",
                        "waiting",
                        request.value("name", "").c_str(),
                        in_words(request).c_str());
    for (const json& refused : state.value("refusedTypes", json::array()))
        std::printf("%-10s %s%s until %s\n",
                    "refused",
                    refused.value("instanceType", "").c_str(),
                    refused.value("spot", false) ? " as a spot machine" : "",
                    refused.value("until", "").c_str());
    for (const json& name : state.value("neverMet", json::array()))
        std::printf("%-10s job %s\n", "never met", name.get<std::string>().c_str());
}

void print_decision(const json& item) {
    const json& decision = item["decision"];
    std::printf("%s  #%ld\n", item.value("at", "").c_str(), item.value("number", 0L));
    for (const json& step : decision.value("steps", json::array())) {
        const std::string what =
            step.value("kind", "") == "add"
                ? fmt::format(
                      "{} x {}", step.value("count", 1), step["key"].value("instanceType", ""))
                : step.value("worker", "");
        std::printf("  %-7s %s (%s): %s\n",
                    step.value("kind", "").c_str(),
                    what.c_str(),
                    step.value("rule", "").c_str(),
                    step.value("reason", "").c_str());
    }
    for (const json& unmet : decision.value("unmet", json::array()))
        std::printf("  waits   job %s: %s\n",
                    unmet.value("request", "").c_str(),
                    unmet.value("reason", "").c_str());
    if (const std::string next = decision.value("next", ""); !next.empty())
        std::printf("  next    %s\n", next.c_str());
}

}  // namespace

int autoscale_set(Session& session, const Output& output, const AutoscaleOptions& options) {
    const auto path = path_of(session, options.cluster);
    if (!path) return report(path.error());
    const auto policy = wanted_policy(session, *path, options);
    if (!policy) return report(policy.error());
    const auto reply = session.call("PUT", *path, policy->dump());
    if (!reply) return report(reply.error());
    return autoscale_show(session, output, options.cluster);
}

int autoscale_off(Session& session, const std::string& cluster) {
    const auto path = path_of(session, cluster);
    if (!path) return report(path.error());
    const auto before = state_of(session, *path);
    if (!before) return report(before.error());
    if (const auto reply = session.call("DELETE", *path); !reply) return report(reply.error());
    std::printf("'%s' follows demand no more; %s.\n",
                cluster.c_str(),
                counted(before->value("workers", 0), "worker stays", "workers stay").c_str());
    return exit_ok;
}

int autoscale_show(Session& session, const Output& output, const std::string& cluster) {
    const auto path = path_of(session, cluster);
    if (!path) return report(path.error());
    const auto state = state_of(session, *path);
    if (!state) return report(state.error());
    if (output.format != Format::table) {
        std::fputs(render(state->dump(), output.format, {}).c_str(), stdout);
    } else if (state->value("autoscale", json()).is_object()) {
        print_state(*state);
    } else {
        std::printf("'%s' has no autoscaler; 'hopyard autoscale set %s --type …' makes one.\n",
                    cluster.c_str(),
                    cluster.c_str());
    }
    return exit_ok;
}

int autoscale_explain(Session& session, const Output& output, const AutoscaleOptions& options) {
    const auto path = path_of(session, options.cluster);
    if (!path) return report(path.error());
    const auto reply = session.call("GET",
                                    fmt::format("{}/decisions?limit={}{}",
                                                *path,
                                                options.number,
                                                options.save.empty() ? "" : "&situation=true"));
    if (!reply) return report(reply.error());
    if (!options.save.empty())
        if (const auto saved = save_file(options.save, *reply + "\n"); !saved)
            return report(saved.error());
    if (output.format != Format::table) {
        std::fputs(render(*reply, output.format, {}).c_str(), stdout);
        return exit_ok;
    }
    const json page = json::parse(*reply, nullptr, false);
    for (const json& item : page.value("items", json::array())) print_decision(item);
    if (page.value("items", json::array()).empty()) std::printf("Nothing was decided yet.\n");
    return exit_ok;
}

}  // namespace hopyard::cli
