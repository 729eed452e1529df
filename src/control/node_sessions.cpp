#include "control/node_sessions.h"

#include <algorithm>
#include <set>

#include "control/node_sessions_state.h"
#include "control/reports.h"
#include "control/secrets.h"

namespace hopyard::control {
namespace {

constexpr int write_attempts = 5;
constexpr Seconds look_again_after{600};

Failure unknown_node() {
    return fail(ErrorKind::permission_denied,
                "node_unknown",
                "the certificate is of no node that is wanted here");
}

class Seat final : public NodeSessions::Subscription {
  public:
    Seat(const std::shared_ptr<WaitingRoom>& room, std::int64_t ticket)
        : room_(room), ticket_(ticket) {}
    ~Seat() override {
        if (const auto room = room_.lock()) room->leave(ticket_);
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

  private:
    std::weak_ptr<WaitingRoom> room_;
    std::int64_t ticket_;
};

}  // namespace

Result<Company> company_of(store::Transaction& transaction, const NodeId& id) {
    ASSIGN_OR_RETURN(auto self, transaction.node(id));
    if (!self) return unknown_node();
    ASSIGN_OR_RETURN(auto cluster, transaction.cluster(self->cluster));
    if (!cluster) return unknown_node();
    Company company{.cluster = std::move(*cluster), .nodes = {}, .self = std::move(*self)};
    ASSIGN_OR_RETURN(company.nodes, transaction.nodes(company.cluster.id));
    return company;
}

Result<Company> company_of_head(store::Transaction& transaction, const NodeId& id) {
    ASSIGN_OR_RETURN(Company company, company_of(transaction, id));
    if (!company.self.is_head)
        return fail(ErrorKind::permission_denied, "not_a_head", "a worker speaks through its head");
    return company;
}

// --- who waits -------------------------------------------------------------------------------

std::int64_t WaitingRoom::enter(Waiting waiting) {
    const std::lock_guard lock(mutex_);
    of_head_[waiting.head].insert(next_);
    waiting_.emplace(next_, std::move(waiting));
    return next_++;
}

void WaitingRoom::leave(std::int64_t ticket) {
    const std::lock_guard lock(mutex_);
    (void)take(ticket);
}

std::function<void()> WaitingRoom::take(std::int64_t ticket) {
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end()) return {};
    const auto tickets = of_head_.find(found->second.head);
    tickets->second.erase(ticket);
    if (tickets->second.empty()) of_head_.erase(tickets);
    std::function<void()> callback = std::move(found->second.callback);
    waiting_.erase(found);
    return callback;
}

std::vector<WaitingRoom::Seat> WaitingRoom::look(const std::optional<NodeId>& head) const {
    const std::lock_guard lock(mutex_);
    std::vector<Seat> seats;
    const auto add = [&](std::int64_t ticket, const Waiting& who) {
        seats.push_back({.ticket = ticket, .head = who.head, .seen = who.seen});
    };
    if (!head) {
        for (const auto& [ticket, who] : waiting_) add(ticket, who);
    } else if (const auto found = of_head_.find(*head); found != of_head_.end()) {
        for (const std::int64_t ticket : found->second) add(ticket, waiting_.at(ticket));
    }
    return seats;
}

void WaitingRoom::call(std::int64_t ticket) {
    std::function<void()> callback;
    {
        const std::lock_guard lock(mutex_);
        callback = take(ticket);
    }
    if (callback) callback();
}

// --- the state ---------------------------------------------------------------------------------

Result<void> NodeSessions::State::write(const store::Store::Body& body) {
    for (int attempt = 1;; ++attempt) {
        auto outcome = store.write(body);
        const bool lost_a_race = !outcome && outcome.error().code == "changed_meanwhile";
        if (!lost_a_race || attempt >= write_attempts) return outcome;
    }
}

Result<std::int64_t> NodeSessions::State::revision(const NodeId& head) {
    std::optional<LookedAt> known;
    {
        const std::lock_guard lock(looked_mutex);
        if (const auto found = looked.find(head); found != looked.end()) known = found->second;
    }
    const Timestamp now = clock.now();
    if (known && now >= known->at && now - known->at < look_again_after) {
        std::optional<store::StampedCluster> cluster;
        RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(cluster, t.stamped(known->cluster));
            return {};
        }));
        if (cluster && cluster->stamp == known->stamp) return known->revision;
    }
    ASSIGN_OR_RETURN(const auto newest, orders(head));
    return newest->orders.revision;
}

void NodeSessions::State::orders_stay(const NodeId& head,
                                      const store::ClusterStamp& before,
                                      const store::ClusterStamp& after) {
    const std::lock_guard lock(looked_mutex);
    const auto known = looked.find(head);
    if (known != looked.end() && known->second.stamp == before) known->second.stamp = after;
}

std::set<NodeId> NodeSessions::State::heads_to_look_at() {
    std::set<NodeId> heads;
    const auto seats = room->look(std::nullopt);
    if (seats.empty()) return heads;
    std::map<ClusterId, store::ClusterStamp> stamps;
    const auto read = store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(stamps, t.stamps(std::nullopt));
        return {};
    });
    const Timestamp now = clock.now();
    const std::lock_guard lock(looked_mutex);
    for (const auto& seat : seats) {
        const auto known = looked.find(seat.head);
        const bool is_fresh =
            read && known != looked.end() && now - known->second.at < look_again_after;
        const auto stamp = is_fresh ? stamps.find(known->second.cluster) : stamps.end();
        if (stamp == stamps.end() || stamp->second != known->second.stamp) heads.insert(seat.head);
    }
    // Those that ask no more; whoever waits is looked at in time.
    std::erase_if(looked, [&](const auto& entry) {
        return now - entry.second.at > look_again_after + look_again_after;
    });
    return heads;
}

void NodeSessions::State::answer(const std::optional<NodeId>& head) {
    std::map<NodeId, std::optional<std::int64_t>> newest;
    std::set<NodeId> wanted;
    if (!head) wanted = heads_to_look_at();
    for (const auto& waiting : room->look(head)) {
        if (!head && !wanted.contains(waiting.head)) continue;
        auto known = newest.find(waiting.head);
        if (known == newest.end()) {
            const auto now = this->revision(waiting.head);
            // Whoever is not known any more shall hear it; what passes by itself is waited for.
            std::optional<std::int64_t> revision;
            if (now)
                revision = *now;
            else if (!is_transient(now.error().kind))
                revision = std::numeric_limits<std::int64_t>::max();
            known = newest.emplace(waiting.head, revision).first;
        }
        if (known->second && *known->second > waiting.seen) room->call(waiting.ticket);
    }
}

// --- what others call --------------------------------------------------------------------------

NodeSessions::NodeSessions(store::Store& store,
                           NodeAuthority& authority,
                           Wake& wake,
                           const Clock& clock,
                           Random& random,
                           SessionOptions options)
    : state_(new State{.store = store,
                       .authority = authority,
                       .wake = wake,
                       .clock = clock,
                       .random = random,
                       .options = std::move(options),
                       .listening_since = clock.now()}) {}

NodeSessions::~NodeSessions() = default;

Result<nodewire::EnrolReply> NodeSessions::enrol(const nodewire::EnrolRequest& request) {
    return state_->enrol(request);
}

Result<nodewire::EnrolReply> NodeSessions::renew(const NodeId& caller,
                                                 const nodewire::EnrolRequest& request) {
    return state_->renew(caller, request);
}

Result<void> NodeSessions::report(const NodeId& caller, const nodewire::Report& report) {
    const Timestamp now = state_->clock.now();
    if (state_->hearsay.is_overtaken(caller, report, now)) return {};
    const std::size_t digest = state_->hearsay.digest_of(report);
    ASSIGN_OR_RETURN(const bool is_old_news, state_->says_nothing_new(caller, digest, now));
    if (is_old_news) return {};
    Heard heard;
    std::optional<store::StampedCluster> before, after;
    const auto hear = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const Company company, company_of_head(transaction, caller));
        for (const auto& relayed : report.workers) {
            ASSIGN_OR_RETURN(const auto node, transaction.node(NodeId(relayed.report.node)));
            if (node && node->cluster != company.cluster.id)
                return fail(ErrorKind::permission_denied,
                            "not_yours",
                            "the report speaks for a node of another cluster");
        }
        ASSIGN_OR_RETURN(heard,
                         take_report(company.cluster,
                                     company.nodes,
                                     company.self,
                                     report,
                                     now,
                                     state_->options.silence));
        return {};
    };
    // Most reports say nothing new, and only read.
    RETURN_IF_ERROR(state_->store.read(hear));
    if (heard.nodes.empty() && heard.enrolled.empty() && heard.activity.empty()) return {};
    const auto keep = [&](store::Transaction& transaction) -> Result<void> {
        RETURN_IF_ERROR(hear(transaction));
        ASSIGN_OR_RETURN(const auto self, transaction.node(caller));
        if (!self) return unknown_node();
        ASSIGN_OR_RETURN(before, transaction.stamped(self->cluster));
        for (model::Node& node : heard.nodes) RETURN_IF_ERROR(transaction.put(node));
        for (const NodeId& id : heard.enrolled)
            RETURN_IF_ERROR(transaction.erase_secrets(token_secret(self->cluster, id)));
        for (auto& entry : heard.activity) RETURN_IF_ERROR(transaction.append(entry));
        ASSIGN_OR_RETURN(after, transaction.stamped(self->cluster));
        return {};
    };
    RETURN_IF_ERROR(state_->write(keep));
    const bool is_news =
        heard.matters || heard.members_change || !state_->hearsay.is_repeated(caller, digest);
    if (!is_news) state_->orders_stay(caller, before->stamp, after->stamp);
    const bool wrote_head = std::any_of(heard.nodes.begin(),
                                        heard.nodes.end(),
                                        [&](const model::Node& node) { return node.id == caller; });
    if (wrote_head) state_->hearsay.wrote(caller, digest, *after, now);
    if (heard.matters) state_->wake.wake_for(after->place.id);
    if (heard.members_change) state_->answer(caller);
    return {};
}

Result<nodewire::Orders> NodeSessions::orders(const NodeId& caller) {
    ASSIGN_OR_RETURN(const auto given, state_->orders(caller));
    return given->orders;
}

Result<std::optional<nodewire::Orders>> NodeSessions::newer_orders(const NodeId& caller,
                                                                   std::int64_t seen) {
    ASSIGN_OR_RETURN(const std::int64_t newest, state_->revision(caller));
    if (newest <= seen) return std::nullopt;
    ASSIGN_OR_RETURN(const auto given, state_->orders(caller));
    return given->orders;
}

Result<std::string> NodeSessions::init_script(const NodeId& caller) {
    std::string script;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const Company company, company_of_head(transaction, caller));
        script = company.cluster.spec.init_script.text;
        return {};
    };
    RETURN_IF_ERROR(state_->store.read(body));
    if (script.empty())
        return fail(ErrorKind::not_found, "no_init_script", "the cluster has no init script");
    return script;
}

void NodeSessions::ask_log(const NodeId& head,
                           const nodewire::LogRequest& request,
                           NodeLogs::Callback callback) {
    const Timestamp until = state_->clock.now() + state_->options.log_patience;
    state_->logs.ask(head, request, until, std::move(callback));
    for (const auto& seat : state_->room->look(head)) state_->room->call(seat.ticket);
}

std::vector<nodewire::LogRequest> NodeSessions::log_requests(const NodeId& head) {
    return state_->logs.take(head);
}

Result<void> NodeSessions::log_came(const NodeId& caller, const nodewire::LogReply& reply) {
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const Company company, company_of_head(transaction, caller));
        for (const model::Node& node : company.nodes)
            if (node.id.value == reply.node) return {};
        return fail(
            ErrorKind::permission_denied, "not_yours", "the log is of a node of another cluster");
    };
    RETURN_IF_ERROR(state_->store.read(body));
    state_->logs.came(reply, state_->clock.now());
    return {};
}

void NodeSessions::expire_logs() {
    state_->logs.expire(state_->clock.now());
}

void NodeSessions::orders_may_have_changed() {
    state_->answer(std::nullopt);
}

std::unique_ptr<NodeSessions::Subscription> NodeSessions::when_newer(
    const NodeId& caller, std::int64_t seen, std::function<void()> callback) {
    const std::int64_t ticket =
        state_->room->enter({.head = caller, .seen = seen, .callback = std::move(callback)});
    auto seat = std::make_unique<Seat>(state_->room, ticket);
    state_->answer(caller);
    return seat;
}

}  // namespace hopyard::control
