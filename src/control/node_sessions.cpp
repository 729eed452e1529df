#include "control/node_sessions.h"

#include <algorithm>
#include <set>

#include "control/node_sessions_state.h"
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

std::vector<WaitingRoom::Seat> WaitingRoom::look(const NodeId& head) const {
    const std::lock_guard lock(mutex_);
    std::vector<Seat> seats;
    if (const auto found = of_head_.find(head); found != of_head_.end())
        for (const std::int64_t ticket : found->second)
            seats.push_back({.ticket = ticket, .seen = waiting_.at(ticket).seen});
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

// --- whose orders were composed when ------------------------------------------------------------

void LookedOrders::put(const NodeId& head, LookedAt at) {
    heads_[at.cluster].insert(head);
    of_head_[head] = std::move(at);
}

LookedAt* LookedOrders::find(const NodeId& head) {
    const auto found = of_head_.find(head);
    return found == of_head_.end() ? nullptr : &found->second;
}

std::vector<NodeId> LookedOrders::outdated(const ClusterId& cluster, std::int64_t stamp) const {
    std::vector<NodeId> heads;
    if (const auto found = heads_.find(cluster); found != heads_.end())
        for (const NodeId& head : found->second)
            if (of_head_.at(head).stamp != stamp) heads.push_back(head);
    return heads;
}

void LookedOrders::forget_before(Timestamp time) {
    std::erase_if(of_head_, [&](const auto& entry) {
        const auto& [head, looked] = entry;
        if (looked.at >= time) return false;
        const auto heads = heads_.find(looked.cluster);
        heads->second.erase(head);
        if (heads->second.empty()) heads_.erase(heads);
        return true;
    });
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
        if (const LookedAt* found = looked.find(head)) known = *found;
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
                                      std::int64_t stamp_before,
                                      std::int64_t stamp_after) {
    const std::lock_guard lock(looked_mutex);
    LookedAt* known = looked.find(head);
    if (known != nullptr && known->stamp == stamp_before) known->stamp = stamp_after;
}

std::set<NodeId> NodeSessions::State::heads_to_look_at() {
    std::set<NodeId> heads;
    std::int64_t since = 0;
    {
        const std::lock_guard lock(looked_mutex);
        heads.swap(look_again);
        since = looked_up_to;
    }
    std::vector<store::StampedCluster> written;
    const auto read = store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(written, t.written_since(since, std::nullopt));
        return {};
    });
    const std::lock_guard lock(looked_mutex);
    for (const store::StampedCluster& cluster : written) {
        for (NodeId& head : looked.outdated(cluster.place.id, cluster.stamp))
            heads.insert(std::move(head));
        if (read) looked_up_to = std::max(looked_up_to, cluster.stamp);
    }
    // Those that ask no more; whoever asks is looked at in time.
    if (const Timestamp now = clock.now(); now >= forget_looks_at) {
        looked.forget_before(now - look_again_after - look_again_after);
        forget_looks_at = now + look_again_after;
    }
    return heads;
}

void NodeSessions::State::answer(const std::optional<NodeId>& one) {
    for (const NodeId& head : one ? std::set{*one} : heads_to_look_at()) {
        const auto waiting = room->look(head);
        if (waiting.empty()) continue;
        const auto newest = revision(head);
        if (!newest && is_transient(newest.error().kind)) {
            const std::lock_guard lock(looked_mutex);
            look_again.insert(head);
            continue;
        }
        // Whoever is not known any more shall hear it.
        const std::int64_t revision = newest.value_or(std::numeric_limits<std::int64_t>::max());
        for (const auto& seat : waiting)
            if (revision > seat.seen) room->call(seat.ticket);
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
    const Received received{
        .head = caller, .report = report, .digest = state_->hearsay.digest_of(report), .at = now};
    ASSIGN_OR_RETURN(const bool is_old_news, state_->says_nothing_new(received));
    if (is_old_news) return {};
    Taken taken;
    RETURN_IF_ERROR(state_->store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(taken, state_->hear(t, received));
        return {};
    }));
    // The first one after a start of this program mostly says what the rows say. It is written soon
    // all the same, so that another replica which heard the head before knows that it moved.
    if (!taken.heard.is_news) {
        state_->hearsay.note_rows(caller, received.digest, taken.before, Timestamp());
        state_->keep_time(received);
        return {};
    }
    RETURN_IF_ERROR(state_->write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(taken, state_->take(t, received));
        return {};
    }));
    state_->note(received, taken);
    return {};
}

void NodeSessions::write_old_rows() {
    state_->write_old_rows();
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
