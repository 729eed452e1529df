#include "control/reports.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/encoding.h"
#include "control/orders.h"

namespace hopyard::control {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using nodewire::WorkloadNode;

constexpr std::size_t line_max = 200;
constexpr std::size_t text_max = 4 * 1024;
/// Far above every revision, far below overflow.
constexpr std::int64_t number_max = 1'000'000'000'000'000;

std::string cut(const std::string& text, std::size_t most) {
    return text.substr(0, most);
}

std::int64_t in_range(std::int64_t number) {
    return std::clamp<std::int64_t>(number, 0, number_max);
}

std::optional<Error> cut(std::optional<Error> error) {
    if (!error) return error;
    error->code = cut(error->code, line_max);
    error->message = cut(error->message, text_max);
    error->next_action = cut(error->next_action, text_max);
    error->field.clear();
    error->retry_after.reset();
    return error;
}

/// More than any machine has of anything.
constexpr std::int64_t amount_max = 1'000'000'000;
constexpr std::int64_t limit_s_max = 10LL * 365 * 24 * 3600;
constexpr std::size_t words_max = 256;

std::int64_t amount(std::int64_t number) {
    return std::clamp<std::int64_t>(number, 0, amount_max);
}

model::Resources in_range(const model::Resources& said) {
    return {
        .cpus = amount(said.cpus), .memory_mb = amount(said.memory_mb), .gpus = amount(said.gpus)};
}

void cut(std::vector<std::string>& words) {
    if (words.size() > words_max) words.resize(words_max);
    for (std::string& word : words) word = cut(word, line_max);
}

/// What a head says waits, within limits. Its clock may be ahead of ours: what waits since a time
/// to come waits since we first heard of it.
model::Demand in_range(model::Demand said,
                       const std::optional<model::Demand>& before,
                       Timestamp now) {
    std::map<std::string, Timestamp> heard;
    if (before)
        for (const model::Request& request : before->requests)
            heard.emplace(request.name, request.waiting_since);
    said.cut = said.cut || said.requests.size() > model::requests_max;
    if (said.requests.size() > model::requests_max) said.requests.resize(model::requests_max);
    for (model::Request& request : said.requests) {
        request.name = cut(request.name, line_max);
        request.count = std::clamp<std::int64_t>(request.count, 1, amount_max);
        request.pieces = std::clamp(request.pieces, 1, 1'000'000);
        request.each = in_range(request.each);
        request.gpu_type = cut(request.gpu_type, line_max);
        cut(request.features);
        cut(request.machines);
        request.limit_s = std::clamp<std::int64_t>(request.limit_s, 0, limit_s_max);
        request.waiting_since = std::max(request.waiting_since, Timestamp{});
        if (request.waiting_since <= now) continue;
        const auto known = heard.find(request.name);
        request.waiting_since = known == heard.end() ? now : std::min(known->second, now);
    }
    return said;
}

/// The one word that plans read: a drain says more than the base state. That a node is drained
/// counts only when it is said of the drain that is wanted now: of an earlier one it may be old.
std::string word_of(const WorkloadNode& entry, const Node& node) {
    if (entry.drained && entry.drain == node.drain_number) return "drained";
    if (entry.drained || entry.draining) return "draining";
    return cut(to_lower(entry.state), line_max);
}

class Hearing {
  public:
    Hearing(const model::Cluster& cluster,
            const std::vector<Node>& nodes,
            Timestamp now,
            Milliseconds silence)
        : cluster_(cluster), before_(nodes), now_(now), silence_(silence) {
        for (const Node& node : nodes) rows_.emplace(node.id.value, node);
    }

    Result<void> hear(const nodewire::Report& report, Milliseconds age) {
        const auto found = rows_.find(report.node);
        if (found == rows_.end()) return {};
        Node& node = found->second;
        if (!is_its_machine(node, report.machine_id)) return wrong_machine();
        // What was idle before it went down has not been idle since.
        if (node.seen.boot_id != cut(report.boot_id, line_max)) node.seen.idle_since.reset();
        open_up(node);
        hear_of_script(node, report);
        hear_of_failure(node, report);
        model::NodeSeen& seen = node.seen;
        seen.applied_revision = in_range(report.applied_revision);
        seen.services_ready = report.services_ready;
        seen.stage = cut(report.stage, line_max);
        seen.mount_ready = report.mount_ready;
        seen.mount_pending_writes = in_range(report.mount_pending_writes);
        seen.boot_id = cut(report.boot_id, line_max);
        seen.program_version = cut(report.program_version, line_max);
        const Timestamp heard = now_ - age;
        if (!seen.last_report_at || heard > *seen.last_report_at) seen.last_report_at = heard;
        if (age < silence_) {
            seen.silent_since.reset();
        } else if (!seen.silent_since && should_speak(node)) {
            seen.silent_since = heard;
            remark(node,
                   model::Severity::warning,
                   "nodes_silent",
                   node.id.value + " does not report",
                   "nothing is changed because of silence alone");
        }
        return {};
    }

    void hear_workload(const nodewire::Report& report) {
        if (const auto head = rows_.find(report.node); head != rows_.end()) {
            std::optional<model::Demand>& demand = head->second.seen.demand;
            demand = report.demand ? std::optional(in_range(*report.demand, demand, now_))
                                   : std::nullopt;
        }
        std::map<std::string, const WorkloadNode*> said;
        for (const WorkloadNode& entry : report.workload) said.emplace(entry.name, &entry);
        for (auto& [name, node] : rows_) {
            if (node.is_head) continue;
            const auto found = said.find(name);
            if (found != said.end()) {
                hear_of_work(node, *found->second);
            } else if (report.services_ready) {
                lose(node, true);
            }
        }
    }

    Heard finish() {
        for (const Node& old : before_) {
            Node& node = rows_.at(old.id.value);
            if (node == old) continue;
            const bool news = !same_but_for_time(node, old);
            if (!news && *node.seen.last_report_at - *old.seen.last_report_at < silence_ / 4)
                continue;
            out_.is_news |= news;
            out_.matters |= news && !same_for_plans(node, old);
            out_.members_change |= member_of(node).state != member_of(old).state;
            out_.nodes.push_back(std::move(node));
        }
        out_.is_news |= !out_.activity.empty() || !out_.enrolled.empty();
        return std::move(out_);
    }

  private:
    static bool same_but_for_time(const Node& a, Node b) {
        if (a.seen.last_report_at.has_value() != b.seen.last_report_at.has_value()) return false;
        b.seen.last_report_at = a.seen.last_report_at;
        return a == b;
    }
    static bool same_for_plans(const Node& a, Node b) {
        if (a.seen.last_report_at.has_value() != b.seen.last_report_at.has_value()) return false;
        b.seen.last_report_at = a.seen.last_report_at;
        b.seen.applied_revision = a.seen.applied_revision;
        b.seen.stage = a.seen.stage;
        b.seen.program_version = a.seen.program_version;
        return a == b;
    }

    void open_up(Node& node) {
        if (node.enrolment.closed) return;
        node.enrolment.closed = true;
        out_.enrolled.push_back(node.id);
    }

    void remark(const Node& node,
                model::Severity severity,
                std::string code,
                std::string message,
                std::string reason,
                std::optional<Error> error = std::nullopt) {
        out_.activity.push_back({.at = now_,
                                 .organisation = cluster_.organisation,
                                 .cluster = cluster_.id,
                                 .node = node.id,
                                 .severity = severity,
                                 .code = std::move(code),
                                 .message = std::move(message),
                                 .reason = std::move(reason),
                                 .actor = "hopyard",
                                 .error = std::move(error)});
    }

    void hear_of_script(Node& node, const nodewire::Report& report) {
        if (!report.init_script || node.init_script_exit != -1) return;
        const int code = report.init_script->exit_code;
        node.init_script_exit = code < 0 ? 255 : code;
        const std::string& output = report.init_script->output_tail;
        remark(node,
               code == 0 ? model::Severity::info : model::Severity::warning,
               code == 0 ? "init_script_done" : "init_script_failed",
               fmt::format("the init script ended with {} on {}", code, node.id.value),
               output.size() > text_max ? output.substr(output.size() - text_max) : output);
    }

    void hear_of_failure(Node& node, const nodewire::Report& report) {
        const auto& before = node.seen.failure;
        const std::optional<Error> failure = cut(report.failure);
        if (failure && (!before || before->code != failure->code))
            remark(node,
                   model::Severity::warning,
                   failure->code,
                   node.id.value + ": " + failure->message,
                   failure->next_action,
                   failure);
        node.seen.failure = failure;
    }

    void hear_of_work(Node& node, const WorkloadNode& entry) {
        const bool was_drained = node.seen.workload_state == "drained";
        node.seen.workload_state = word_of(entry, node);
        const bool is_news = !was_drained && node.seen.workload_state == "drained";
        if (is_news && node.drain_wanted && node.wanted == NodeWanted::running)
            remark(node,
                   model::Severity::info,
                   "node_drained",
                   node.id.value + " is drained: nothing runs on it",
                   "");
        node.seen.jobs = static_cast<int>(std::clamp(entry.jobs, 0, 1'000'000));
        node.seen.allocated = in_range(entry.allocated);
        node.seen.busy_until = entry.busy_until;
        hear_of_idleness(node.seen, entry);
        lose(node, !entry.responding || to_lower(entry.state) == "down");
    }

    void hear_of_idleness(model::NodeSeen& seen, const WorkloadNode& entry) {
        if (seen.jobs > 0 || !seen.allocated.is_zero() || entry.completing) {
            seen.idle_since.reset();
            return;
        }
        // Our clock may have been set back.
        if (seen.idle_since) seen.idle_since = std::min(*seen.idle_since, now_);
        // One that is not there yet, or does not answer, is not known to be idle.
        const bool is_there = entry.responding && to_lower(entry.state) != "down";
        if (!seen.idle_since && is_there) seen.idle_since = now_;
    }

    /// Only a worker that had come up can be lost: before, the workload manager cannot know it.
    void lose(Node& node, bool is_lost) {
        const bool was_there =
            node.wanted == NodeWanted::running && speaks(node) && node.seen.services_ready;
        if (!is_lost || !was_there) {
            node.seen.workload_lost_at.reset();
        } else if (!node.seen.workload_lost_at) {
            node.seen.workload_lost_at = now_;
        }
    }

    const model::Cluster& cluster_;
    const std::vector<Node>& before_;
    const Timestamp now_;
    const Milliseconds silence_;
    std::map<std::string, Node> rows_;
    Heard out_;
};

}  // namespace

bool should_speak(const Node& node) {
    if (!speaks(node)) return false;
    const bool stays = node.wanted == NodeWanted::running &&
                       (node.phase == NodePhase::joining || node.phase == NodePhase::ready);
    return stays || node.phase == NodePhase::draining;
}

Failure wrong_machine() {
    return fail(ErrorKind::permission_denied,
                "wrong_machine",
                "the report is of another machine than the one that was enrolled");
}

bool is_its_machine(const Node& node, const std::string& machine_id) {
    const std::string& known =
        node.machine_id.empty() ? node.enrolment.machine_id : node.machine_id;
    return !known.empty() && to_lower(known) == to_lower(machine_id);
}

Result<Heard> take_report(const model::Cluster& cluster,
                          const std::vector<Node>& nodes,
                          const Node& head,
                          const nodewire::Report& report,
                          Timestamp now,
                          Milliseconds silence) {
    if (report.node != head.id.value)
        return fail(ErrorKind::permission_denied,
                    "not_yours",
                    "the report is of another node than its sender");
    Hearing hearing(cluster, nodes, now, silence);
    RETURN_IF_ERROR(hearing.hear(report, Milliseconds(0)));
    for (const auto& relayed : report.workers) {
        if (relayed.report.node == report.node) continue;
        const Milliseconds age(in_range(relayed.age_ms));
        RETURN_IF_ERROR(hearing.hear(relayed.report, age));
    }
    hearing.hear_workload(report);
    return hearing.finish();
}

}  // namespace hopyard::control
