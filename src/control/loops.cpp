#include "control/loops.h"

#include <algorithm>

#include "base/log.h"
#include "control/loops_state.h"

namespace hopyard::control {
namespace {

/// A cloud that does not answer for so long is worth telling.
constexpr Milliseconds outage_told_after = Seconds(15);

std::string lease_of(const model::CloudAccountKey& account) {
    if (account == model::CloudAccountKey()) return "loops";
    return "loops/" + account.organisation.value + "/" + account.name;
}

}  // namespace

Loops::State::State(store::Store& the_store,
                    cloud::Cloud& the_cloud,
                    cloud::Storage& the_storage,
                    CallRunner& the_runner,
                    const Clock& the_clock,
                    Random& the_random,
                    LoopOptions the_options)
    : store(the_store),
      cloud(the_cloud),
      storage(the_storage),
      runner(the_runner),
      clock(the_clock),
      random(the_random),
      options(std::move(the_options)),
      origin{options.installation, options.node_url, options.node_ca_pem},
      lease_name(lease_of(options.account)),
      stepped_at(clock.now()),
      sweeper(options.installation,
              {.resources = options.orphan_patience, .disks = options.orphan_disk_patience}) {}

bool Loops::State::runs_here(const model::Cluster& cluster) const {
    return model::cloud_account_key(cluster.organisation, cluster.spec.cloud_account) ==
           options.account;
}

Timestamp Loops::State::step() {
    const Timestamp now = clock.now();
    {
        const std::lock_guard lock(mutex);
        wake_asked = false;
        stepped_at = now;
    }
    const bool leads = keep_lease(now);
    tell(LoopEvent::step, leads ? "leading" : "standby");
    if (!leads) return now + std::min(options.lease_validity / 3, Milliseconds(1000));
    tell_of_outages(now);
    list_when_due(now);
    look_at_operations(now);
    plan_what_is_due(now);
    sweep(now);
    return next_step(now);
}

Timestamp Loops::State::next_step(Timestamp now) const {
    const std::lock_guard lock(mutex);
    if (!lease || all_due) return now;
    Timestamp next = std::min(look_around_at, lease->expires_at - options.lease_validity * 2 / 3);
    if (!list_under_way) next = std::min(next, list_at);
    if (const auto due = agenda.next()) next = std::min(next, *due);
    if (const auto look = next_look()) next = std::min(next, *look);
    if (const auto suspect = sweeper.next()) next = std::min(next, *suspect);
    if (cloud_problem_since && !outage_told)
        next = std::min(next, *cloud_problem_since + outage_told_after);
    return std::max(next, now);
}

std::optional<Timestamp> Loops::State::next_look() const {
    std::optional<Timestamp> next;
    std::size_t looking = 0;
    for (const auto& [name, look] : pending) {
        looking += look.under_way;
        if (!look.under_way) next = std::min(next.value_or(look.look_at), look.look_at);
    }
    if (looking >= looks_at_once_max) return std::nullopt;  // one that ends wakes us
    const auto until = held.find({.traffic = Bucket::Traffic::look});
    return next && until != held.end() ? std::max(*next, until->second) : next;
}

bool Loops::State::keep_lease(Timestamp now) {
    std::optional<store::Lease> mine;
    {
        const std::lock_guard lock(mutex);
        mine = lease;
    }
    if (mine && now < mine->expires_at - options.lease_validity * 2 / 3) return true;
    const auto taken = store.acquire(lease_name, options.holder, now, options.lease_validity);
    if (!taken) {
        log::warning("the lease of the loops could not be kept",
                     {{"error", taken.error().message}});
        return mine && now < mine->expires_at;
    }
    const bool begins = *taken && (!mine || mine->generation != (*taken)->generation);
    {
        const std::lock_guard lock(mutex);
        lease = *taken;
        if (begins) start_anew(now);
    }
    if (begins) log::info("this replica holds the loops");
    if (mine && !*taken) log::info("another replica holds the loops");
    return taken->has_value();
}

/// What another holder did meanwhile is in the store; what was seen before is old.
void Loops::State::start_anew(Timestamp now) {
    listening_since = now;
    look_around_at = list_at = now;
    all_due = true;
    clusters.clear();
    elsewhere.clear();
    agenda.clear();
    looked_up_to = 0;
    pending.clear();
    observer.forget_all();
    sweeper.forget_all();
    list_began.reset();
}

void Loops::State::tell_of_outages(Timestamp now) {
    std::optional<Error> problem;
    store::Lease fence;
    {
        const std::lock_guard lock(mutex);
        const bool begins =
            !outage_told && cloud_problem_since && now - *cloud_problem_since >= outage_told_after;
        const bool ends = outage_told && !cloud_problem;
        if (!begins && !ends) return;
        outage_told = begins;
        problem = cloud_problem;
        fence = *lease;
    }
    const auto told = write(fence, [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto all, t.clusters());
        for (const model::Cluster& cluster : all) {
            if (!runs_here(cluster)) continue;
            model::Activity entry{.at = now,
                                  .organisation = cluster.organisation,
                                  .cluster = cluster.id,
                                  .actor = "hopyard"};
            entry.severity = problem ? model::Severity::warning : model::Severity::info;
            entry.code = problem ? "cloud_unreachable" : "cloud_reachable";
            entry.message = problem ? "the cloud does not answer; nothing is lost, and everything "
                                      "goes on when it does"
                                    : "the cloud answers again";
            entry.error = problem;
            RETURN_IF_ERROR(t.append(entry));
        }
        return {};
    });
    if (!told) log::warning("an outage could not be told", {{"error", told.error().message}});
    tell_changed();
}

void Loops::State::mark_due(const ClusterId& cluster) {
    {
        const std::lock_guard lock(mutex);
        if (elsewhere.contains(cluster)) return;
        plan_soon(cluster);
    }
    notify();
}

void Loops::State::forget_cluster(const ClusterId& cluster) {
    clusters.erase(cluster);
    agenda.erase(cluster);
}

void Loops::State::mark_all_due() {
    {
        const std::lock_guard lock(mutex);
        all_due = true;
    }
    notify();
}

void Loops::State::notify() {
    {
        const std::lock_guard lock(mutex);
        wake_asked = true;
    }
    woken.notify_all();
}

void Loops::State::tell_changed() {
    std::function<void()> callback;
    {
        const std::lock_guard lock(mutex);
        callback = changed;
    }
    if (callback) callback();
}

Result<void> Loops::State::write(const store::Lease& fence, const store::Store::Body& body) {
#ifdef HOPYARD_DEFECT_ignore_fence
    (void)fence;
    auto written = store.write(body);
#else
    auto written = store.write(fence, body);
#endif
    if (!written && written.error().code == "lease_lost") {
        const std::lock_guard lock(mutex);
        if (lease && lease->generation == fence.generation) lease.reset();
    }
    return written;
}

// --- the face ----------------------------------------------------------------------------------

Loops::Loops(store::Store& store,
             cloud::Cloud& cloud,
             cloud::Storage& storage,
             CallRunner& runner,
             const Clock& clock,
             Random& random,
             LoopOptions options)
    : state_(std::make_unique<State>(
          store, cloud, storage, runner, clock, random, std::move(options))) {}

Loops::~Loops() = default;

void Loops::wake() {
    state_->mark_all_due();
}

void Loops::wake_for(const ClusterId& cluster) {
    state_->mark_due(cluster);
}

void Loops::on_change(std::function<void()> callback) {
    const std::lock_guard lock(state_->mutex);
    state_->changed = std::move(callback);
}

Timestamp Loops::step() {
    return state_->step();
}

void Loops::wait(Timestamp until, std::stop_token stop) {
    std::unique_lock lock(state_->mutex);
    const Milliseconds patience =
        std::clamp(until - state_->clock.now(), Milliseconds(0), Milliseconds(Seconds(60)));
    state_->woken.wait_for(lock, stop, patience, [this] { return state_->wake_asked; });
}

void Loops::release() {
    std::optional<store::Lease> mine;
    {
        const std::lock_guard lock(state_->mutex);
        mine = std::exchange(state_->lease, std::nullopt);
    }
    if (!mine) return;
    if (const auto released = state_->store.release(*mine); !released)
        log::warning("the lease of the loops could not be given back",
                     {{"error", released.error().message}});
}

LoopStatus Loops::status() const {
    const std::lock_guard lock(state_->mutex);
    return {.holds_lease = state_->lease.has_value(),
            .cloud_problem = state_->cloud_problem,
            .cloud_problem_since = state_->cloud_problem_since,
            .stepped_at = state_->stepped_at,
            .calls_under_way = state_->calls_under_way};
}

}  // namespace hopyard::control
