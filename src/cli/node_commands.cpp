#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

const std::vector<Column> node_columns = {{"NODE", "/id"},
                                          {"ROLE", "/role"},
                                          {"STATE", "/state"},
                                          {"SLURM", "/workloadState"},
                                          {"JOBS", "/jobs"},
                                          {"CPUS IN USE", "/allocatedCpus"},
                                          {"CPUS", "/vcpus"},
                                          {"MEMORY MB", "/memoryMb"},
                                          {"ADDRESS", "/privateIp"}};

Result<json> cluster_document(Session& session, const std::string& cluster) {
    ASSIGN_OR_RETURN(const std::string id, cluster_id(session, cluster));
    ASSIGN_OR_RETURN(const std::string reply, session.call("GET", "/v1/clusters/" + id));
    return json::parse(reply, nullptr, false);
}

/// "head", or "w2" for the second worker, whichever machine fills that place now.
std::string place_of(const json& node) {
    if (node.value("wanted", "running") == "removed") return "";
    return node.value("role", "") == "head" ? "head"
                                            : "w" + std::to_string(node.value("ordinal", 0));
}

/// The path of a node given by its id or its place.
Result<std::string> node_path(Session& session,
                              const std::string& cluster,
                              const std::string& name) {
    ASSIGN_OR_RETURN(const json document, cluster_document(session, cluster));
    for (const json& node : document.value("nodes", json::array())) {
        const std::string id = node.value("id", "");
        if (id == name || place_of(node) == name)
            return "/v1/clusters/" + document.value("id", "") + "/nodes/" + id;
    }
    return pass(Error{.kind = ErrorKind::not_found,
                      .code = "no_such_node",
                      .message = fmt::format("'{}' has no node '{}'", cluster, name),
                      .owner = Owner::user,
                      .next_action = "'hopyard node list " + cluster + "' shows those there are."});
}

void print_part(const char* title, const std::string& text) {
    if (text.empty()) return;
    std::printf("--- %s\n%s", title, text.c_str());
    if (text.back() != '\n') std::printf("\n");
}

}  // namespace

int node_list(Session& session, const Output& output, const std::string& cluster) {
    const auto document = cluster_document(session, cluster);
    if (!document) return report(document.error());
    const std::string nodes = document->value("nodes", json::array()).dump();
    std::fputs(render(nodes, output.format, node_columns).c_str(), stdout);
    return exit_ok;
}

int node_act(Session& session, const NodeOptions& options) {
    const auto path = node_path(session, options.cluster, options.node);
    if (!path) return report(path.error());
    const auto reply = session.call("POST", *path + "/" + options.verb);
    if (!reply) return report(reply.error());
    std::printf("%s: accepted\n", options.verb.c_str());
    return exit_ok;
}

int node_log(Session& session, const Output& output, const NodeOptions& options) {
    const auto path = node_path(session, options.cluster, options.node);
    if (!path) return report(path.error());
    const auto reply = session.call("GET", fmt::format("{}/log?lines={}", *path, options.lines));
    if (!reply) return report(reply.error());
    if (output.format != Format::table) {
        std::fputs(render(*reply, output.format, {}).c_str(), stdout);
        return exit_ok;
    }
    const json log = json::parse(*reply, nullptr, false);
    print_part("init script", log.value("initScript", ""));
    print_part("node program", log.value("program", ""));
    if (log.value("live", false)) return exit_ok;
    const json& problem = log["problem"];
    if (log["takenAt"].is_string())
        std::fprintf(stderr, "hopyard: as of %s\n", log["takenAt"].get<std::string>().c_str());
    return report(Error{.kind = ErrorKind::unavailable,
                        .code = problem.value("code", ""),
                        .message = problem.value("message", ""),
                        .owner = Owner::administrator,
                        .next_action = problem.value("nextAction", "")});
}

int cluster_rotate_password(Session& session, const Output& output, const std::string& cluster) {
    const auto id = cluster_id(session, cluster);
    if (!id) return report(id.error());
    if (!confirmed(output,
                   fmt::format("Make a new password for the first user of '{}'? The old one ends, "
                               "and everybody who signed in with it is signed out.",
                               cluster)))
        return exit_refused;
    const auto reply = session.call("POST", "/v1/clusters/" + *id + "/password");
    if (!reply) return report(reply.error());
    std::fputs(render_object(*reply, output.format, {{"User", "/user"}, {"Password", "/password"}})
                   .c_str(),
               stdout);
    return exit_ok;
}

}  // namespace hopyard::cli
