#include "cli/up.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/local_services.h"
#include "cli/programs.h"
#include "cli/progress.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;
using Steady = std::chrono::steady_clock;

constexpr const char* group = "hopyard";
constexpr const char* location = "local";
constexpr const char* account = "hopyardstore";
/// The links between this machine and its virtual networks: where its connections come from.
constexpr const char* host_links = "198.19.0.0/16";
constexpr int cluster_timeout_s = 600;

/// One line for each step, on standard error: standard output is for the outcome.
void say(const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
}

std::string word_of(Found found) {
    return found == Found::running ? "runs already" : "started";
}

std::string ssh_key_path() {
    return (std::filesystem::path(configuration_path()).parent_path() / "id_ed25519").string();
}

/// The public half of the key that logs in to clusters made by `up`; the pair is made once.
Result<std::string> ensure_ssh_key() {
    const std::string path = ssh_key_path();
    if (!std::filesystem::exists(path)) {
        ASSIGN_OR_RETURN(
            const Outcome made,
            run_program(
                {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "hopyard", "-f", path}));
        if (made.exit_code != 0)
            return fail(ErrorKind::internal, "ssh_key_not_made", "ssh-keygen made no key");
    }
    std::ifstream in(path + ".pub");
    std::string key;
    std::getline(in, key);
    return key;
}

Result<json> ask(Session& session,
                 const std::string& method,
                 const std::string& path,
                 const json& body = json()) {
    ASSIGN_OR_RETURN(const std::string reply,
                     session.call(method, path, body.is_null() ? "" : body.dump()));
    json document = json::parse(reply, nullptr, false);
    if (document.is_discarded()) return json();
    return document;
}

Result<void> prepare_cloud(Session& session) {
    ASSIGN_OR_RETURN(const std::string key, ensure_ssh_key());
    ASSIGN_OR_RETURN(const json done,
                     ask(session,
                         "POST",
                         "/v1/cloud/prepare",
                         {{"group", group},
                          {"location", location},
                          {"account", account},
                          {"identity", "hopyard"},
                          {"sshKey", {{"name", "hopyard"}, {"publicKey", key}}}}));
    int made = 0;
    for (const json& item : done.value("items", json::array()))
        made += item.value("result", "") == "made" ? 1 : 0;
    say(made > 0 ? "cloud prepared: group, account, identity with its role, SSH key"
                 : "cloud is prepared already");
    return {};
}

json specification(const UpOptions& options) {
    return {{"name", options.cluster},
            {"resourceGroup", group},
            {"location", location},
            {"head", {{"instanceType", options.instance_type}, {"diskGb", options.disk_gb}}},
            {"workers",
             {{{"count", options.workers},
               {"instanceType", options.instance_type},
               {"diskGb", options.disk_gb}}}},
            {"storage", {{"account", account}}},
            {"sshKey", "hopyard"},
            {"identity", "hopyard"},
            {"ports", {{"ssh", true}}},
            {"portSources", {host_links}}};
}

/// The cluster's id, whether it was there or is made now; started when it is stopped.
Result<std::string> ensure_cluster(Session& session, const UpOptions& options) {
    const auto known = cluster_id(session, options.cluster);
    if (known) {
        ASSIGN_OR_RETURN(const json cluster, ask(session, "GET", "/v1/clusters/" + *known));
        const std::string phase = cluster.value("phase", "");
        say("cluster " + options.cluster + " is there: " + phase);
        if (phase == "stopped")
            RETURN_IF_ERROR(session.call("POST", "/v1/clusters/" + *known + "/start"));
        return *known;
    }
    if (known.error().kind != ErrorKind::not_found) return pass(known.error());
    ASSIGN_OR_RETURN(const json made, ask(session, "POST", "/v1/clusters", specification(options)));
    return made.value("id", "");
}

/// A job on every worker, up to two: proof that the cluster does what it is for.
Result<void> run_job(Session& session, const UpOptions& options) {
    if (options.workers < 1) return {};
    const std::string nodes = std::to_string(std::min(options.workers, 2));
    const std::string job =
        "srun -N " + nodes +
        " -l sh -c 'echo \"$(hostname) runs task $SLURM_PROCID of job $SLURM_JOB_ID\"'";
    ASSIGN_OR_RETURN(const std::vector<std::string> words,
                     ssh_words(session, options.cluster, {job}));
    ASSIGN_OR_RETURN(const Outcome outcome, run_program(words));
    if (outcome.exit_code != 0)
        return fail(ErrorKind::internal,
                    "job_failed",
                    fmt::format("the job ended with exit code {}", outcome.exit_code));
    say("\n$ " + name_for_people() + " cluster ssh " + options.cluster + " -- \"srun -N " + nodes +
        " …\"");
    std::fputs(outcome.output.c_str(), stderr);
    return {};
}

Result<void> show_access(Session& session, const UpOptions& options, const std::string& id) {
    ASSIGN_OR_RETURN(const json cluster, ask(session, "GET", "/v1/clusters/" + id));
    ASSIGN_OR_RETURN(const json first,
                     ask(session, "GET", "/v1/clusters/" + id + "/first-administrator"));
    const json access = cluster.value("access", json::object());
    say(fmt::format("\n  page           {}\n  user           {}\n  password       {}",
                    access.value("url", ""),
                    first.value("user", ""),
                    first.value("password", "")));
    say(
        fmt::format("\nTry next:\n  {0} cluster show {1}\n  {0} workers add {1} 1 --wait\n"
                    "  {0} cluster ssh {1}",
                    name_for_people(),
                    options.cluster));
    return {};
}

Result<json> bring_up(const UpOptions& options) {
    ASSIGN_OR_RETURN(const Found cloud, ensure_cloud(options));
    say("local cloud " + word_of(cloud));
    ASSIGN_OR_RETURN(const Found control_plane, ensure_control_plane(options));
    ASSIGN_OR_RETURN(const Target target, ensure_access(options));
    say("control plane " + word_of(control_plane) + ": " + target.url);
    json outcome = {{"url", target.url},
                    {"apiKey", target.api_key.reveal()},
                    {"caFile", target.ca_file.empty() ? json() : json(target.ca_file)},
                    {"clusterId", nullptr},
                    {"setupUrl", nullptr}};
    Session session(target);
    if (const std::string link = setup_link(session, options.places.state); !link.empty()) {
        outcome["setupUrl"] = link;
        say("nobody signs in yet; the first owner comes in with this link, once:\n  " + link);
    }
    if (options.only_services) return outcome;
    RETURN_IF_ERROR(prepare_cloud(session));
    ASSIGN_OR_RETURN(const std::string id, ensure_cluster(session, options));
    outcome["clusterId"] = id;
    RETURN_IF_ERROR(
        wait_for(session, {.cluster_id = id, .phase = "running", .timeout_s = cluster_timeout_s}));
    RETURN_IF_ERROR(run_job(session, options));
    RETURN_IF_ERROR(show_access(session, options, id));
    return outcome;
}

}  // namespace

int up(const Output& output, const UpOptions& options) {
    const auto started = Steady::now();
    const auto outcome = bring_up(options);
    if (!outcome) return report(outcome.error());
    say("\nup after " +
        to_human(std::chrono::duration_cast<Milliseconds>(Steady::now() - started)));
    if (output.format != Format::table)
        std::fputs(render(outcome->dump(), output.format, {}).c_str(), stdout);
    return exit_ok;
}

int down(const Output& output, const DownOptions& options) {
    if (options.purge &&
        !confirmed(output, "Delete every cluster, container and key of this installation?"))
        return exit_refused;
    if (const auto stopped = stop_control_plane(options.places); !stopped)
        return report(stopped.error());
    say("control plane is down");
    if (const auto stopped = stop_cloud(options); !stopped) return report(stopped.error());
    if (!options.purge) return exit_ok;
    std::error_code failed;
    std::filesystem::remove_all(options.places.state, failed);
    if (failed)
        return report(fail(ErrorKind::permission_denied,
                           "state_left",
                           "cannot remove " + options.places.state)
                          .value());
    return exit_ok;
}

}  // namespace hopyard::cli
