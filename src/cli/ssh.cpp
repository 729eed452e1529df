#include <filesystem>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/commands.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

Failure conflict(const char* code, std::string message, std::string next_action) {
    Error error{.kind = ErrorKind::conflict,
                .code = code,
                .message = std::move(message),
                .owner = Owner::user,
                .next_action = std::move(next_action)};
    return Failure(std::move(error));
}

std::string text(const json& document, const char* pointer) {
    const json::json_pointer at(pointer);
    return document.contains(at) && document[at].is_string() ? document[at].get<std::string>()
                                                             : std::string();
}

}  // namespace

Result<std::vector<std::string>> ssh_words(Session& session,
                                           const std::string& cluster,
                                           const std::vector<std::string>& command) {
    ASSIGN_OR_RETURN(const std::string id, cluster_id(session, cluster));
    ASSIGN_OR_RETURN(const std::string reply, session.call("GET", "/v1/clusters/" + id));
    const json document = json::parse(reply, nullptr, false);
    const json::json_pointer ssh("/spec/ports/ssh");
    if (!document.contains(ssh) || document[ssh] != true)
        return conflict("ssh_closed",
                        "port 22 of cluster '" + cluster + "' is closed",
                        "Open it: hopyard cluster ports " + cluster + " --ssh on");
    const std::string address = text(document, "/access/publicIp").empty()
                                    ? text(document, "/access/privateIp")
                                    : text(document, "/access/publicIp");
    if (address.empty())
        return conflict(
            "no_address", "the head has no address yet", "Wait: hopyard cluster wait " + cluster);
    const auto folder = std::filesystem::path(configuration_path()).parent_path();
    std::vector<std::string> words = {"ssh",
                                      "-o",
                                      "StrictHostKeyChecking=accept-new",
                                      "-o",
                                      "HostKeyAlias=" + id,
                                      "-o",
                                      "UserKnownHostsFile=" + (folder / "known_hosts").string(),
                                      "-o",
                                      "LogLevel=ERROR"};
    const auto key = folder / "id_ed25519";
    if (std::filesystem::exists(key)) words.insert(words.end(), {"-i", key.string()});
    words.push_back(text(document, "/access/user") + "@" + address);
    words.insert(words.end(), command.begin(), command.end());
    return words;
}

int cluster_ssh(Session& session,
                const std::string& cluster,
                const std::vector<std::string>& command) {
    auto words = ssh_words(session, cluster, command);
    if (!words) return report(words.error());
    std::vector<char*> argv;
    for (std::string& word : *words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp("ssh", argv.data());
    return report(Error{.kind = ErrorKind::internal,
                        .code = "ssh_missing",
                        .message = "cannot run ssh",
                        .owner = Owner::user,
                        .next_action = "Install openssh-client."});
}

}  // namespace hopyard::cli
