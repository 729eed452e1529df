// Who has fallen silent. Rows are read only of clusters that were written since the last look.
#include <algorithm>

#include <fmt/format.h>

#include "control/node_sessions_state.h"
#include "control/reports.h"

namespace hopyard::control {
namespace {

/// What heads said is forgotten that long after they said it; their rows are older then anyway.
constexpr Seconds remembered_for{3600};

/// The head through which a cluster is heard, when it should speak. A worker is heard through its
/// head: between two of the head's reports nothing new can come, and while the head is silent so is
/// everybody.
const model::Node* speaking_head(const std::vector<model::Node>& nodes) {
    const auto head = std::find_if(nodes.begin(), nodes.end(), [](const model::Node& node) {
        return node.is_head && should_speak(node);
    });
    return head == nodes.end() ? nullptr : &*head;
}

/// Those of whom it is not stored yet that they are silent.
std::vector<model::Node> not_silent_yet(const std::vector<model::Node>& nodes) {
    std::vector<model::Node> out;
    for (const model::Node& node : nodes)
        if (should_speak(node) && !node.seen.silent_since) out.push_back(node);
    return out;
}

model::Activity silence_remark(const model::Cluster& cluster,
                               const std::vector<model::Node>& nodes,
                               Timestamp now) {
    return {.at = now,
            .organisation = cluster.organisation,
            .cluster = cluster.id,
            .node = nodes.size() == 1 ? nodes.front().id : NodeId(),
            .severity = model::Severity::warning,
            .code = "nodes_silent",
            .message = nodes.size() == 1 ? nodes.front().id.value + " does not report"
                                         : fmt::format("{} nodes do not report", nodes.size()),
            .reason = "nothing is changed because of silence alone",
            .actor = "hopyard"};
}

}  // namespace

/// Fills in `watched` what was written since the last call, and says of which clusters somebody is
/// silent now, and when the next one would be.
Result<NodeSessions::State::Overdue> NodeSessions::State::overdue(store::Transaction& t,
                                                                  Timestamp now) {
    Overdue out{.clusters = {}, .next = now + options.silence};
    ASSIGN_OR_RETURN(const auto written, t.written_since(watched_up_to, std::nullopt));
    for (const store::StampedCluster& cluster : written) {
        const ClusterId& id = cluster.place.id;
        if (cluster.is_gone) {
            watched.erase(id);
            continue;
        }
        ASSIGN_OR_RETURN(const auto nodes, t.nodes(id));
        const model::Node* head = not_silent_yet(nodes).empty() ? nullptr : speaking_head(nodes);
        watched[id] = head == nullptr
                          ? Watched{}
                          : Watched{.head = head->id, .last_report_at = head->seen.last_report_at};
    }
    if (!written.empty()) watched_up_to = written.back().stamp;
    hearsay.count_clusters(watched.size());
    for (const auto& [id, cluster] : watched) {
        if (!cluster.last_report_at) continue;
        const Timestamp at = hearsay.silent_at(cluster.head, *cluster.last_report_at);
        if (at <= now)
            out.clusters.push_back(id);
        else
            out.next = std::min(out.next, at);
    }
    return out;
}

Result<bool> NodeSessions::State::store_silence(store::Transaction& t,
                                                const ClusterId& id,
                                                Timestamp now) {
    ASSIGN_OR_RETURN(const auto cluster, t.cluster(id));
    if (!cluster) return false;
    ASSIGN_OR_RETURN(const auto nodes, t.nodes(id));
    const model::Node* head = speaking_head(nodes);
    if (head == nullptr || now < hearsay.silent_at(head->id, *head->seen.last_report_at))
        return false;
    auto silent = not_silent_yet(nodes);
    if (silent.empty()) return false;
    for (model::Node& node : silent) {
        node.seen.silent_since = node.seen.last_report_at;
        RETURN_IF_ERROR(t.put(node));
    }
    model::Activity entry = silence_remark(*cluster, silent, now);
    RETURN_IF_ERROR(t.append(entry));
    return true;
}

Timestamp NodeSessions::State::notice_silence() {
    const std::lock_guard lock(watched_mutex);
    const Timestamp now = clock.now();
    hearsay.forget_before(now - remembered_for);
    Overdue found{.clusters = {}, .next = now + options.silence};
    // Most calls find nothing, and only read.
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(found, overdue(t, now));
        return {};
    };
    if (!store.read(look) || found.clusters.empty()) return found.next;
    bool somebody = false;
    const auto keep = [&](store::Transaction& t) -> Result<void> {
        somebody = false;
        for (const ClusterId& id : found.clusters) {
            ASSIGN_OR_RETURN(const bool silent, store_silence(t, id, now));
            somebody |= silent;
        }
        return {};
    };
    if (write(keep) && somebody) wake.wake();
    return found.next;
}

Timestamp NodeSessions::notice_silence() {
    return state_->notice_silence();
}

}  // namespace hopyard::control
