// A policy tried on a recorded workload.
#include <cstdio>
#include <filesystem>
#include <future>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/json_fields.h"
#include "base/words.h"
#include "cli/chart.h"
#include "cli/input.h"
#include "cli/policy.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

/// By the file's name, else by its first line: an openb trace has a header of columns.
std::string format_of(const SimulateOptions& options, const std::string& trace) {
    if (!options.format.empty()) return options.format;
    if (options.trace.find(".swf") != std::string::npos) return "swf";
    return trace.substr(0, trace.find('\n')).find("num_gpu") == std::string::npos ? "swf" : "openb";
}

/// Numbers between spaces, commas or line ends.
Result<json> read_samples(const std::string& file) {
    ASSIGN_OR_RETURN(std::string text, read_input(file));
    for (char& c : text)
        if (c == ',' || c == ';') c = ' ';
    std::istringstream words(text);
    json samples = json::array();
    for (std::string word; words >> word;) {
        const json number = json::parse(word, nullptr, false);
        if (!number.is_number())
            return refuse("",
                          "boot_samples_malformed",
                          fmt::format("'{}' in {} is no number of seconds", word, file),
                          "Write seconds, with spaces or commas between them.");
        samples.push_back(number);
    }
    return samples;
}

Result<json> request_of(Session& session, const SimulateOptions& options) {
    json policy;
    std::string location = options.location;
    if (!options.policy.cluster.empty()) {
        ASSIGN_OR_RETURN(const std::string id, cluster_id(session, options.policy.cluster));
        ASSIGN_OR_RETURN(const std::string reply, session.call("GET", "/v1/clusters/" + id));
        const json spec = json::parse(reply, nullptr, false).value("spec", json::object());
        if (spec.contains("autoscale")) policy = spec["autoscale"];
        if (location.empty()) location = spec.value("location", "");
    }
    if (!options.policy.file.empty()) {
        ASSIGN_OR_RETURN(policy, read_policy(options.policy.file));
    }
    RETURN_IF_ERROR(apply_flags(policy, options.policy));
    if (policy.is_null())
        return refuse("",
                      "policy_missing",
                      "no policy to try is named",
                      "Name a cluster with an autoscaler, --policy FILE, or --type TYPE.");
    if (location.empty())
        return refuse("",
                      "location_missing",
                      "--location is missing, whose sizes and prices count",
                      "'hopyard cloud locations' lists them.");
    ASSIGN_OR_RETURN(const std::string trace, read_packed(options.trace));
    json request = {{"policy", policy},
                    {"location", location},
                    {"format", format_of(options, trace)},
                    {"skipBadLines", options.skip_bad_lines},
                    {"processor", {{"cpus", options.cores}}},
                    {"trace", trace}};
    if (options.boot_s) request["bootSeconds"] = *options.boot_s;
    if (!options.boot_samples.empty()) {
        ASSIGN_OR_RETURN(request["bootSeconds"], read_samples(options.boot_samples));
    }
    return request;
}

/// Says on a terminal that it goes on, once it takes longer than two seconds.
Result<std::string> run(Session& session, const std::string& body) {
    auto reply = std::async(std::launch::async, [&] {
        return session.call("POST", "/v1/autoscale/simulate", body, Seconds(90));
    });
    bool told = false;
    for (int second = 1; reply.wait_for(Seconds(1)) != std::future_status::ready; ++second) {
        if (second < 2 || ::isatty(STDERR_FILENO) != 1) continue;
        std::fprintf(stderr, "\rSimulating … %d s", second);
        told = true;
    }
    if (told) std::fprintf(stderr, "\r%40s\r", "");
    return reply.get();
}

void print_outcome(const json& told) {
    const json& waiting = told["waiting"];
    std::printf("%-10s %ld, %ld never ran, %s skipped\n",
                "jobs",
                told.value("jobs", 0L),
                told.value("neverRan", 0L),
                counted(told.value("skippedLines", 0L), "bad line").c_str());
    for (const json& line : told["badLines"])
        std::printf(
            "%-10s line %d: %s\n", "", line.value("line", 0), line.value("reason", "").c_str());
    for (const json& use : told["workers"])
        std::printf("%-10s %s: %.1f h, asked for %s\n",
                    "workers",
                    use.value("instanceType", "").c_str(),
                    use.value("hours", 0.0),
                    counted(use.value("boots", 0L), "time").c_str());
    std::printf("%-10s %.1f h, %.1f h of them with a job\n",
                "paid for",
                told.value("hours", 0.0),
                told.value("usedHours", 0.0));
    if (told["cost"].is_object())
        std::printf("%-10s %.2f %s (%s)\n",
                    "cost",
                    told["cost"].value("amount", 0.0),
                    told["cost"].value("currency", "").c_str(),
                    told["cost"].value("origin", "").c_str());
    std::printf("%-10s mean %.1f s, median %.1f s, 95 %% within %.1f s, longest %.1f s\n",
                "waiting",
                waiting.value("meanSeconds", 0.0),
                waiting.value("medianSeconds", 0.0),
                waiting.value("p95Seconds", 0.0),
                waiting.value("longestSeconds", 0.0));
    for (const auto& [member, words] : {std::pair("neverMet", "that no allowed worker could hold"),
                                        std::pair("leftWaiting", "for which no worker ever came")})
        if (const long count = told.value(member, 0L); count > 0)
            std::printf("%-10s %s %s\n", "unmet", counted(count, "job").c_str(), words);
    constexpr std::size_t columns = 66;
    if (told["course"].empty()) return;
    std::printf("%-10s %s\n", "paid", spark_line(told["course"], "workers", columns).c_str());
    std::printf("%-10s %s\n", "used", spark_line(told["course"], "used", columns).c_str());
    std::printf("%-10s %s\n", "waiting", spark_line(told["course"], "waiting", columns).c_str());
}

}  // namespace

int autoscale_simulate(Session& session, const Output& output, const SimulateOptions& options) {
    const auto request = request_of(session, options);
    if (!request) return report(request.error());
    const auto reply = run(session, to_text(*request));
    if (!reply) return report(reply.error());
    const json told = json::parse(*reply, nullptr, false);
    if (!options.svg.empty() && !told["course"].empty()) {
        const std::string title =
            fmt::format("{}, {}: {:.0f} worker hours, {:.0f} s mean waiting",
                        std::filesystem::path(options.trace).filename().string(),
                        (*request)["policy"].value("mode", "standard"),
                        told.value("hours", 0.0),
                        told["waiting"].value("meanSeconds", 0.0));
        if (const auto saved = save_file(options.svg, chart_svg(told["course"], title)); !saved)
            return report(saved.error());
    }
    if (output.format != Format::table) {
        std::fputs(render(*reply, output.format, {}).c_str(), stdout);
        return exit_ok;
    }
    print_outcome(told);
    return exit_ok;
}

}  // namespace hopyard::cli
