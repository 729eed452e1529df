#include "cli/progress.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace hopyard::cli {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// One line for the cluster and one for each node.
std::vector<std::string> lines_of(const json& cluster) {
    std::vector<std::string> lines;
    lines.push_back(fmt::format(
        "{:<24} {:<12} {}", text(cluster, "name"), text(cluster, "phase"), text(cluster, "stage")));
    for (const json& node : cluster.value("nodes", json::array()))
        lines.push_back(fmt::format(
            "  {:<22} {:<12} {}", text(node, "id"), text(node, "phase"), text(node, "stage")));
    return lines;
}

class Block {
  public:
    void show(const std::vector<std::string>& lines, Milliseconds elapsed) {
        const bool terminal = ::isatty(STDERR_FILENO) == 1;
        if (!terminal && lines == shown_) return;
        if (terminal && drawn_ > 0) std::fprintf(stderr, "\x1b[%dA\x1b[J", drawn_);
        if (terminal) std::fprintf(stderr, "%s\n", to_human(elapsed).c_str());
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (!terminal && i < shown_.size() && shown_[i] == lines[i]) continue;
            if (terminal) {
                std::fprintf(stderr, "%s\n", lines[i].c_str());
            } else {
                std::fprintf(stderr, "%8s  %s\n", to_human(elapsed).c_str(), lines[i].c_str());
            }
        }
        drawn_ = static_cast<int>(lines.size()) + 1;
        shown_ = lines;
    }

  private:
    std::vector<std::string> shown_;
    int drawn_ = 0;
};

Error failure_of(const json& cluster) {
    Error error{
        .kind = ErrorKind::internal, .code = "cluster_failed", .message = "the cluster failed"};
    if (!cluster.contains("problem") || !cluster["problem"].is_object()) return error;
    const json& problem = cluster["problem"];
    error.code = text(problem, "code");
    error.message = text(problem, "message");
    error.next_action = text(problem, "nextAction");
    if (const auto owner = owner_from(text(problem, "owner"))) error.owner = *owner;
    return error;
}

}  // namespace

Result<void> wait_for(Session& session, const WaitOptions& options) {
    using Steady = std::chrono::steady_clock;
    const auto started = Steady::now();
    Block block;
    for (;;) {
        const auto elapsed = std::chrono::duration_cast<Milliseconds>(Steady::now() - started);
        auto reply = session.call("GET", "/v1/clusters/" + options.cluster_id);
        if (!reply) {
            const bool gone = reply.error().kind == ErrorKind::not_found;
            if (gone && options.phase == "gone") return {};
            return pass(reply.error());
        }
        const json cluster = json::parse(*reply, nullptr, false);
        if (!cluster.is_object())
            return fail(ErrorKind::internal, "reply_malformed", "the server's reply is not JSON");
        block.show(lines_of(cluster), elapsed);
        if (text(cluster, "phase") == options.phase) return {};
        if (text(cluster, "phase") == "failed") return pass(failure_of(cluster));
        if (elapsed > Seconds(options.timeout_s))
            return fail(
                ErrorKind::timed_out,
                "wait_timed_out",
                fmt::format("still {} after {}", text(cluster, "phase"), to_human(elapsed)));
        std::this_thread::sleep_for(Milliseconds(elapsed < Seconds(20) ? 50 : 500));
    }
}

}  // namespace hopyard::cli
