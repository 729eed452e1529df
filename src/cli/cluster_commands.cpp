#include <cstdio>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/words.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/progress.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

const std::vector<Column> cluster_columns = {{"ID", "/id"},
                                             {"NAME", "/name"},
                                             {"PHASE", "/phase"},
                                             {"STAGE", "/stage"},
                                             {"NODES", "/nodes"},
                                             {"URL", "/access/url"}};
const std::vector<Column> node_columns = {{"NODE", "/id"},
                                          {"ROLE", "/role"},
                                          {"PHASE", "/phase"},
                                          {"TYPE", "/instanceType"},
                                          {"SPOT", "/spot"},
                                          {"ADDRESS", "/privateIp"},
                                          {"JOBS", "/jobs"},
                                          {"STAGE", "/stage"}};

const std::vector<Column> resource_columns = {{"KIND", "/kind"},
                                              {"NAME", "/name"},
                                              {"STATE", "/state"},
                                              {"CHANGED", "/changedAt"},
                                              {"OPERATION", "/operation/id"},
                                              {"REQUEST", "/cloudRequestId"},
                                              {"PROBLEM", "/problem/message"}};

void set_if(json& spec, const char* pointer, const std::string& value) {
    if (!value.empty()) spec[json::json_pointer(pointer)] = value;
}

Result<json> specification(const CreateOptions& options) {
    json spec = json::object();
    if (!options.file.empty()) {
        ASSIGN_OR_RETURN(const std::string text, read_input(options.file));
        ASSIGN_OR_RETURN(const std::string converted, yaml_to_json(text));
        spec = json::parse(converted, nullptr, false);
        if (!spec.is_object())
            return refuse("",
                          "specification_malformed",
                          options.file + " is not a mapping",
                          "'hopyard cluster create --example' prints a good one.");
    }
    set_if(spec, "/name", options.name);
    set_if(spec, "/cloudAccount", options.cloud_account);
    set_if(spec, "/resourceGroup", options.resource_group);
    set_if(spec, "/head/instanceType", options.head_type);
    set_if(spec, "/storage/account", options.account);
    set_if(spec, "/storage/container", options.container);
    set_if(spec, "/sshKey", options.ssh_key);
    set_if(spec, "/identity", options.identity);
    if (options.head_disk_gb > 0) spec["head"]["diskGb"] = options.head_disk_gb;
    if (options.workers >= 0) {
        json group = {{"count", options.workers}};
        group["instanceType"] =
            options.worker_type.empty() ? options.head_type : options.worker_type;
        if (options.worker_disk_gb > 0) group["diskGb"] = options.worker_disk_gb;
        spec["workers"] = json::array({group});
    }
    for (const std::string& tag : options.tags) {
        const auto equals = tag.find('=');
        if (equals == std::string::npos || equals == 0)
            return refuse("/tags",
                          "tag_malformed",
                          "'" + tag + "' is not name=value",
                          "Write --tag team=ml.");
        spec["tags"][tag.substr(0, equals)] = tag.substr(equals + 1);
    }
    if (!options.init_script_file.empty()) {
        ASSIGN_OR_RETURN(const std::string script, read_input(options.init_script_file));
        spec["initScript"]["text"] = script;
    }
    return spec;
}

int waited(Session& session, const WaitOptions& options, const Output& output) {
    if (const auto done = wait_for(session, options); !done) return report(done.error());
    if (options.phase == "gone") {
        std::printf("The cluster is gone. Its container was kept.\n");
        return exit_ok;
    }
    return cluster_show(session, output, options.cluster_id);
}

}  // namespace

Result<std::string> cluster_id(Session& session, const std::string& name_or_id) {
    ASSIGN_OR_RETURN(const std::string reply, session.call("GET", "/v1/clusters?limit=1000"));
    const json list = json::parse(reply, nullptr, false);
    if (list.is_object())
        for (const json& cluster : list.value("items", json::array()))
            if (cluster.value("id", "") == name_or_id || cluster.value("name", "") == name_or_id)
                return cluster.value("id", "");
    return Failure(Error{.kind = ErrorKind::not_found,
                         .code = "no_such_cluster",
                         .message = "there is no cluster '" + name_or_id + "'",
                         .owner = Owner::user,
                         .next_action = "'hopyard cluster list' shows those there are."});
}

int cluster_create(Session& session, const Output& output, const CreateOptions& options) {
    const auto spec = specification(options);
    if (!spec) return report(spec.error());
    const auto reply = session.call(
        "POST", options.dry_run ? "/v1/clusters?dryRun=true" : "/v1/clusters", spec->dump());
    if (!reply) return report(reply.error());
    if (options.dry_run) {
        std::fputs(render(*reply, output.format == Format::table ? Format::yaml : output.format, {})
                       .c_str(),
                   stdout);
        return exit_ok;
    }
    const json made = json::parse(*reply, nullptr, false);
    const std::string id = made.is_object() ? made.value("id", "") : "";
    if (!options.wait) {
        std::fputs(render(*reply, output.format, cluster_columns).c_str(), stdout);
        return exit_ok;
    }
    return waited(
        session, {.cluster_id = id, .phase = "running", .timeout_s = options.timeout_s}, output);
}

int cluster_list(Session& session, const Output& output) {
    const auto reply = session.call("GET", "/v1/clusters?limit=1000");
    if (!reply) return report(reply.error());
    std::fputs(render(*reply, output.format, cluster_columns).c_str(), stdout);
    return exit_ok;
}

int cluster_show(Session& session, const Output& output, const std::string& cluster) {
    const auto id = cluster_id(session, cluster);
    if (!id) return report(id.error());
    const auto reply = session.call("GET", "/v1/clusters/" + *id);
    if (!reply) return report(reply.error());
    std::fputs(render_object(*reply,
                             output.format,
                             {{"Id", "/id"},
                              {"Name", "/name"},
                              {"Phase", "/phase"},
                              {"Stage", "/stage"},
                              {"Problem", "/problem/message"},
                              {"Next", "/problem/nextAction"},
                              {"URL", "/access/url"},
                              {"User", "/access/user"},
                              {"Public IP", "/access/publicIp"},
                              {"Resource group", "/spec/resourceGroup"},
                              {"Container", "/spec/storage/container"},
                              {"Created", "/createdAt"}})
                   .c_str(),
               stdout);
    const json document = json::parse(*reply, nullptr, false);
    if (output.format == Format::table && document.contains("nodes"))
        std::printf("\n%s", render(document["nodes"].dump(), Format::table, node_columns).c_str());
    return exit_ok;
}

int cluster_resources(Session& session, const Output& output, const std::string& cluster) {
    const auto id = cluster_id(session, cluster);
    if (!id) return report(id.error());
    const auto reply = session.call("GET", "/v1/clusters/" + *id + "/resources");
    if (!reply) return report(reply.error());
    std::fputs(render(*reply, output.format, resource_columns).c_str(), stdout);
    return exit_ok;
}

int cluster_act(Session& session, const Output& output, const ActOptions& options) {
    const auto id = cluster_id(session, options.cluster);
    if (!id) return report(id.error());
    const std::string path = "/v1/clusters/" + *id;
    if (options.verb == "delete" &&
        !confirmed(output,
                   "Terminate cluster '" + options.cluster +
                       "' and delete its machines, disks and networks? The container stays."))
        return exit_refused;
    if (options.verb == "stop" &&
        !confirmed(output, "Stop cluster '" + options.cluster + "'? Running jobs are requeued."))
        return exit_refused;
    const auto reply = options.verb == "delete" ? session.call("DELETE", path)
                                                : session.call("POST", path + "/" + options.verb);
    if (!reply) return report(reply.error());
    if (!options.wait) {
        std::printf("%s: accepted\n", options.verb.c_str());
        return exit_ok;
    }
    const std::string phase = options.verb == "delete" ? "gone"
                              : options.verb == "stop" ? "stopped"
                                                       : "running";
    return waited(
        session, {.cluster_id = *id, .phase = phase, .timeout_s = options.timeout_s}, output);
}

int cluster_wait(Session& session,
                 const std::string& cluster,
                 const std::string& phase,
                 int timeout_s) {
    const auto id = cluster_id(session, cluster);
    if (!id && phase == "gone") return exit_ok;
    if (!id) return report(id.error());
    const auto done =
        wait_for(session, {.cluster_id = *id, .phase = phase, .timeout_s = timeout_s});
    return done ? exit_ok : report(done.error());
}

int cluster_events(Session& session,
                   const Output& output,
                   const std::string& cluster,
                   bool follow) {
    const auto id = cluster_id(session, cluster);
    if (!id) return report(id.error());
    if (follow) {
        const auto done =
            session.events("/v1/clusters/" + *id + "/events", [](const std::string& data) {
                std::printf("%s\n", data.c_str());
                std::fflush(stdout);
                return true;
            });
        return done ? exit_ok : report(done.error());
    }
    const auto reply = session.call("GET", "/v1/clusters/" + *id + "/activity?limit=200");
    if (!reply) return report(reply.error());
    std::fputs(render(*reply,
                      output.format,
                      {{"AT", "/at"},
                       {"SEVERITY", "/severity"},
                       {"NODE", "/node"},
                       {"WHAT", "/message"},
                       {"WHY", "/reason"}})
                   .c_str(),
               stdout);
    return exit_ok;
}

int cluster_ports(Session& session, const PortsOptions& options) {
    const auto id = cluster_id(session, options.cluster);
    if (!id) return report(id.error());
    const auto shown = session.call("GET", "/v1/clusters/" + *id);
    if (!shown) return report(shown.error());
    const json cluster = json::parse(*shown, nullptr, false);
    json body = {{"ports", cluster.value("/spec/ports"_json_pointer, json::object())},
                 {"sources", cluster.value("/spec/portSources"_json_pointer, json::array())}};
    for (const auto& [name, open] : options.switches) body["ports"][name] = open;
    if (!options.sources.empty()) body["sources"] = options.sources;
    const auto reply = session.call("PUT", "/v1/clusters/" + *id + "/ports", body.dump());
    return reply ? exit_ok : report(reply.error());
}

int workers_change(Session& session, const Output& output, const WorkersOptions& options) {
    const auto id = cluster_id(session, options.cluster);
    if (!id) return report(id.error());
    const auto shown = session.call("GET", "/v1/clusters/" + *id);
    if (!shown) return report(shown.error());
    const json cluster = json::parse(*shown, nullptr, false);
    json group = {{"count", options.count}};
    const json groups = cluster.value("/spec/workers"_json_pointer, json::array());
    const json& pattern = groups.empty() ? cluster["spec"]["head"] : groups[0];
    group["instanceType"] =
        options.instance_type.empty() ? pattern.value("instanceType", "") : options.instance_type;
    group["diskGb"] =
        options.disk_gb > 0 ? json(options.disk_gb) : pattern.value("diskGb", json(30));
    if (!options.add &&
        !confirmed(output,
                   fmt::format("Remove {} from '{}'? Idle ones go first, and running work is "
                               "waited for.",
                               counted(options.count, "worker"),
                               options.cluster)))
        return exit_refused;
    const auto reply =
        session.call("POST",
                     "/v1/clusters/" + *id + "/workers/" + (options.add ? "add" : "remove"),
                     json{{"workers", json::array({group})}}.dump());
    if (!reply) return report(reply.error());
    if (!options.wait) {
        std::printf("accepted\n");
        return exit_ok;
    }
    return waited(
        session, {.cluster_id = *id, .phase = "running", .timeout_s = options.timeout_s}, output);
}

bool confirmed(const Output& output, const std::string& question) {
    if (output.yes) return true;
    if (::isatty(STDIN_FILENO) != 1) {
        std::fprintf(stderr, "hopyard: %s\n  next:  Answer with --yes.\n", question.c_str());
        return false;
    }
    std::fprintf(stderr, "%s [y/N] ", question.c_str());
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "yes";
}

}  // namespace hopyard::cli
