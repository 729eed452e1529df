// Reports as they are taken: one that says nothing new is kept in memory only, and when its row has
// grown old it is written together with others.
#include "control/node_sessions_state.h"
#include "control/secrets.h"

namespace hopyard::control {
namespace {

/// So many in one transaction: others want to write, too.
constexpr std::size_t rows_at_once = 100;

}  // namespace

Result<bool> NodeSessions::State::rows_say(store::Transaction& t, const Received& received) {
    const auto known = hearsay.known(received.head, received.digest);
    if (!known) return false;
    ASSIGN_OR_RETURN(const auto present, t.stamped(known->place.id));
    return present == known;
}

Result<bool> NodeSessions::State::says_nothing_new(const Received& received) {
    if (!hearsay.is_repeated(received.head, received.digest)) return false;
    bool is_old_news = false;
    RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(is_old_news, rows_say(t, received));
        return {};
    }));
    if (is_old_news) keep_time(received);
    return is_old_news;
}

void NodeSessions::State::keep_time(const Received& received) {
    if (!hearsay.heard(received.head, received.at)) return;
    const std::lock_guard lock(old_mutex);
    old_news.insert_or_assign(received.head, received);
}

Result<Taken> NodeSessions::State::hear(store::Transaction& t, const Received& received) {
    ASSIGN_OR_RETURN(const Company company, company_of_head(t, received.head));
    std::set<NodeId> known;
    for (const model::Node& node : company.nodes) known.insert(node.id);
    for (const auto& relayed : received.report.workers) {
        const NodeId id(relayed.report.node);
        if (known.contains(id)) continue;
        ASSIGN_OR_RETURN(const auto stranger, t.node(id));
        if (stranger)
            return fail(ErrorKind::permission_denied,
                        "not_yours",
                        "the report speaks for a node of another cluster");
    }
    ASSIGN_OR_RETURN(Heard heard,
                     take_report(company.cluster,
                                 company.nodes,
                                 company.self,
                                 received.report,
                                 received.at,
                                 options.silence));
    ASSIGN_OR_RETURN(const auto cluster, t.stamped(company.cluster.id));
    return Taken{.heard = std::move(heard), .before = *cluster, .after = *cluster};
}

Result<Taken> NodeSessions::State::take(store::Transaction& t, const Received& received) {
    ASSIGN_OR_RETURN(Taken taken, hear(t, received));
    const ClusterId& cluster = taken.before.place.id;
    for (model::Node& node : taken.heard.nodes) RETURN_IF_ERROR(t.put(node));
    for (const NodeId& id : taken.heard.enrolled)
        RETURN_IF_ERROR(t.erase_secrets(token_secret(cluster, id)));
    for (auto& entry : taken.heard.activity) RETURN_IF_ERROR(t.append(entry));
    ASSIGN_OR_RETURN(const auto after, t.stamped(cluster));
    taken.after = *after;
    return taken;
}

void NodeSessions::State::note(const Received& received, const Taken& taken) {
    const auto& [heard, before, after] = taken;
    const bool is_news = heard.matters || heard.members_change ||
                         !hearsay.is_repeated(received.head, received.digest);
    if (!is_news) orders_stay(received.head, before.stamp, after.stamp);
    for (const model::Node& node : heard.nodes)
        if (node.id == received.head)
            hearsay.note_rows(received.head, received.digest, after, received.at);
    if (heard.matters) wake.wake_for(after.place.id);
    if (heard.members_change) answer(received.head);
}

void NodeSessions::State::write_old_rows() {
    std::map<NodeId, Received> old;
    {
        const std::lock_guard lock(old_mutex);
        old.swap(old_news);
    }
    for (auto next = old.begin(); next != old.end();) {
        std::vector<std::pair<const Received*, Taken>> taken;
        const auto first = next;
        const auto written = write([&](store::Transaction& t) -> Result<void> {
            taken.clear();
            for (next = first; next != old.end() && taken.size() < rows_at_once; ++next) {
                // The head may have said something else meanwhile: its time alone is written here.
                ASSIGN_OR_RETURN(const bool is_current, rows_say(t, next->second));
                if (!is_current) continue;
                ASSIGN_OR_RETURN(auto one, take(t, next->second));
                taken.emplace_back(&next->second, std::move(one));
            }
            return {};
        });
        // The next report of each brings it here again.
        if (!written) return;
        for (const auto& [received, what] : taken) note(*received, what);
    }
}

}  // namespace hopyard::control
