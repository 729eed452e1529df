#include "decide/scale/scale.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "decide/scale/adaptive.h"
#include "decide/scale/packing.h"
#include "decide/scale/reasons.h"
#include "decide/scale/schedule.h"

namespace hopyard::decide::scale {
namespace {

using model::Resources;

/// What a group keeps free: so many times one worker, in every dimension, and so many whole shapes.
struct Spare {
    Resources free;
    std::int64_t shapes = 0;
};

/// What no worker could ever hold buys nothing.
std::optional<model::StandbyShape> shape_of(const Group& group) {
    const auto& shape = group.policy.standby_shape;
    const bool fits =
        shape && std::any_of(group.kinds.begin(), group.kinds.end(), [&](const Kind& kind) {
            return shape->each.fits_in(kind.size);
        });
    return fits ? shape : std::nullopt;
}

/// One group's part of a decision, made on the packing that both groups share.
class GroupDecision {
  public:
    GroupDecision(const Situation& situation,
                  GroupName name,
                  const Group& group,
                  Packing& packing,
                  Decision& out)
        : situation_(situation),
          name_(name),
          policy_(group.policy),
          one_worker_(group.kinds.empty() ? Resources{} : group.kinds.front().size),
          shape_(shape_of(group)),
          min_(std::min(min_workers_at(policy_, situation.now), policy_.max_workers)),
          packing_(packing),
          out_(out) {
        if (situation.mode == model::AutoscaleMode::adaptive)
            adaptive_.emplace(situation, name, group);
    }

    /// Once all is packed: what of it is better off waiting for what runs is not bought for.
    void weigh_requests() {
        demand_ = count_demand();
        // Where something is to stay free, whatever waits has used it up: that is bought anyhow.
        const bool keeps_free = policy_.standby_workers > 0 || policy_.standby_shape;
        if (adaptive_ && !keeps_free) put_off();
    }

    void grow() {
        const int old = count_rolling();
        while (packing_.staying(name_) - old < min_)
            if (!packing_.one_more(name_, "minimum")) break;
        const bool in_use = std::any_of(situation_.workers.begin(),
                                        situation_.workers.end(),
                                        [](const Worker& worker) { return !worker.is_idle(); });
        standby_holds_ = min_ > 0 || in_use || packing_.has_packed();
        Spare spare = what_is_spare();
        while (standby_holds_ && !is_enough(spare)) {
            const auto slot = has_shapes(spare) ? packing_.one_more(name_, "standby")
                                                : packing_.one_more(name_, "standby", shape_->each);
            if (!slot) break;
            add(spare, packing_.room(*slot));
        }
        recall_the_used();
    }

    void shrink() {
        if (adaptive_)
            leave_not_worth_it();
        else
            leave_unused();
        recall_the_used();
    }

    // Before anything is packed: what waits is not for those that leave.
    void roll_over();
    void leave_beyond_maximum();

    Balance balance() const;

  private:
    bool counts(const Slot& slot) const {
        if (slot.is_let_go || (slot.is_leaving && !slot.is_recalled)) return false;
        return name_ == GroupName::general || slot.size.gpus > 0;
    }
    std::int64_t shapes_in(const Resources& room) const {
        return shape_ ? times_in(room, shape_->each, shape_->count) : 0;
    }
    void add(Spare& spare, const Resources& room) const {
        spare.free += room;
        spare.shapes += shapes_in(room);
    }
    Spare less(Spare spare, const Resources& room) const {
        spare.free -= room;
        spare.shapes -= shapes_in(room);
        return spare;
    }
    Spare what_is_spare() const {
        Spare spare;
        for (std::size_t at = 0; at < packing_.slots().size(); ++at)
            if (counts(packing_.slots()[at])) add(spare, packing_.room(at));
        return spare;
    }
    bool has_shapes(const Spare& spare) const { return !shape_ || spare.shapes >= shape_->count; }
    bool is_enough(const Spare& spare) const {
        const auto covers = [&](std::int64_t free, std::int64_t one) {
            constexpr double rounding = 1e-9;
            return static_cast<double>(free) + rounding >=
                   policy_.standby_workers * static_cast<double>(one);
        };
        return has_shapes(spare) && covers(spare.free.cpus, one_worker_.cpus) &&
               covers(spare.free.memory_mb, one_worker_.memory_mb) &&
               covers(spare.free.gpus, one_worker_.gpus);
    }
    bool is_mine(const Slot& slot) const {
        return slot.worker != Slot::fresh && slot.group == name_ && !slot.is_let_go;
    }
    const Worker& worker(const Slot& slot) const { return situation_.workers[slot.worker]; }

    /// A job landed on it before it was drained: it stays, unless the group is too large anyhow.
    void recall_the_used() {
        for (std::size_t at = 0; at < packing_.slots().size(); ++at) {
            const Slot& slot = packing_.slots()[at];
            if (!is_mine(slot) || !slot.is_leaving || slot.is_recalled) continue;
            if (worker(slot).is_idle() || packing_.rolls_over(worker(slot))) continue;
            if (packing_.staying(name_) >= policy_.max_workers) continue;
            packing_.recall(at, "work");
        }
    }
    bool is_rolling(const Slot& slot) const {
        return is_mine(slot) && !slot.is_leaving && packing_.rolls_over(worker(slot));
    }
    int count_rolling() const {
        return static_cast<int>(std::count_if(packing_.slots().begin(),
                                              packing_.slots().end(),
                                              [&](const Slot& slot) { return is_rolling(slot); }));
    }
    /// Those that are there and stay: one that is on its way does not hold the minimum yet.
    int count_ready() const {
        return static_cast<int>(
            std::count_if(packing_.slots().begin(), packing_.slots().end(), [&](const Slot& slot) {
                return is_mine(slot) && !slot.is_leaving && is_ready(slot);
            }));
    }
    bool is_ready(const Slot& slot) const { return worker(slot).state == Worker::State::ready; }
    int kept_for_minimum() const;
    template <class Good>
    std::vector<std::size_t> least_disturbing(Good is_candidate) const;
    void leave_unused();
    void leave_not_worth_it();
    void put_off();
    int count_demand() const;
    void look_again(Timestamp at, std::string what);
    std::vector<std::size_t> leave_candidates() const;
    std::vector<std::size_t> coming_for_nothing() const;

    const Situation& situation_;
    const GroupName name_;
    const model::ScaleSpec& policy_;
    const Resources one_worker_;
    const std::optional<model::StandbyShape> shape_;  ///< none when no kind could hold it
    const int min_;
    Packing& packing_;
    Decision& out_;
    bool standby_holds_ = true;
    int demand_ = 0;
    std::optional<Adaptive> adaptive_;
    std::optional<int> worth_keeping_;
};

/// Idle ones first, those that are not even there before them.
template <class Good>
std::vector<std::size_t> GroupDecision::least_disturbing(Good is_candidate) const {
    std::vector<std::size_t> candidates;
    for (std::size_t at = 0; at < packing_.slots().size(); ++at)
        if (is_candidate(packing_.slots()[at])) candidates.push_back(at);
    const auto disturbance = [&](std::size_t at) {
        const Slot& slot = packing_.slots()[at];
        const Worker& one = worker(slot);
        return std::tuple(!one.is_idle(),
                          one.state != Worker::State::coming,
                          one.jobs,
                          one.used.cpus,
                          one.idle_since.value_or(situation_.now),
                          at);
    };
    std::sort(candidates.begin(), candidates.end(), [&](std::size_t a, std::size_t b) {
        return disturbance(a) < disturbance(b);
    });
    return candidates;
}

void GroupDecision::leave_beyond_maximum() {
    int surplus = packing_.staying(name_) - policy_.max_workers;
    if (surplus <= 0) return;
    const auto may_leave = [&](const Slot& slot) {
        return is_mine(slot) && !slot.is_leaving && !worker(slot).is_protected;
    };
    for (const std::size_t at : least_disturbing(may_leave)) {
        if (surplus-- <= 0) break;
        packing_.let_go(at, "maximum");
    }
}

/// So many outdated workers go on working until new ones are ready. Where the maximum has no room
/// for a new one beside them and nobody is on the way in or out, one of them makes room.
int GroupDecision::kept_for_minimum() const {
#ifdef HOPYARD_DEFECT_scale_roll_at_once
    return 0;
#endif
    int old = 0;
    int others = 0;
    bool is_under_way = false;
    for (const Worker& one : situation_.workers) {
        if (one.group != name_) continue;
        const bool is_ready = one.state == Worker::State::ready;
        is_under_way |= !is_ready;
        // One that went down for a moment is nearer than a new one.
        if (packing_.rolls_over(one) && one.takes_work)
            old += is_ready || one.state == Worker::State::coming;
        else
            others += is_ready;
    }
    const int kept = std::clamp(min_ - others, 0, old);
    const bool is_full = packing_.present(name_) >= policy_.max_workers;
    const bool must_make_room = kept == old && is_full && !is_under_way;
    return must_make_room ? std::max(kept - 1, 0) : kept;
}

void GroupDecision::roll_over() {
    const auto candidates = least_disturbing([&](const Slot& slot) { return is_rolling(slot); });
    if (candidates.empty()) return;
    const auto kept = static_cast<std::size_t>(kept_for_minimum());
    for (std::size_t i = 0; i + kept < candidates.size(); ++i)
        packing_.let_go(candidates[i], "rollover");
}

/// Ready, idle, held by nobody and nothing: the longest idle first.
std::vector<std::size_t> GroupDecision::leave_candidates() const {
    std::vector<std::size_t> candidates;
    for (std::size_t at = 0; at < packing_.slots().size(); ++at) {
        const Slot& slot = packing_.slots()[at];
        if (!is_mine(slot) || slot.is_leaving || slot.pieces > 0 || is_rolling(slot)) continue;
        const Worker& one = worker(slot);
#ifdef HOPYARD_DEFECT_scale_take_used
        const bool is_idle = true;
#else
        const bool is_idle = one.is_idle() && one.idle_since;
#endif
        if (one.state == Worker::State::ready && is_idle && !one.is_protected)
            candidates.push_back(at);
    }
    std::sort(candidates.begin(), candidates.end(), [&](std::size_t a, std::size_t b) {
        const Worker& first = worker(packing_.slots()[a]);
        const Worker& second = worker(packing_.slots()[b]);
        return std::tuple(first.idle_since, second.name) <
               std::tuple(second.idle_since, first.name);
    });
    return candidates;
}

void GroupDecision::leave_unused() {
#ifdef HOPYARD_DEFECT_scale_keep_idle
    return;
#endif
#ifdef HOPYARD_DEFECT_scale_below_minimum
    const int least = 0;
#else
    const int least = min_;
#endif
    Spare spare = what_is_spare();
    int ready = count_ready();
    for (const std::size_t at : leave_candidates()) {
        if (ready <= least) return;
        const Spare without = less(spare, packing_.room(at));
        if (standby_holds_ && !is_enough(without)) continue;
        const Worker& one = worker(packing_.slots()[at]);
        // A clock that was set back does not make it idle from the future on.
        const Timestamp idle_since = std::min(one.idle_since.value_or(Timestamp()), situation_.now);
#ifdef HOPYARD_DEFECT_scale_skip_wait
        const Timestamp over = idle_since;
#else
        const Timestamp over = idle_since + Seconds(policy_.downscale_wait_s);
#endif
        if (over > situation_.now) {
            look_again(over, leaves_at(one, over));
            continue;
        }
        packing_.let_go(at, "idle");
        spare = without;
        --ready;
    }
}

void GroupDecision::look_again(Timestamp at, std::string what) {
    if (out_.look_again_at && *out_.look_again_at <= at) return;
    out_.look_again_at = at;
    out_.next = std::move(what);
}

// --- adaptive ----------------------------------------------------------------------------------

int GroupDecision::count_demand() const {
    return static_cast<int>(
        std::count_if(packing_.slots().begin(), packing_.slots().end(), [&](const Slot& slot) {
            if (slot.group != name_ || slot.is_let_go) return false;
            return slot.pieces > 0 || (slot.worker != Slot::fresh && !worker(slot).is_idle());
        }));
}

/// Of the new workers that a request asks for, those it is better off without.
void GroupDecision::put_off() {
    std::map<std::size_t, std::vector<std::size_t>> bought;
    for (std::size_t at = 0; at < packing_.slots().size(); ++at) {
        const Slot& slot = packing_.slots()[at];
        if (slot.worker == Slot::fresh && slot.group == name_ && slot.pieces > 0)
            bought[slot.asked_by].push_back(at);
    }
    for (const auto& [index, slots] : bought) {
        const model::Request& request = situation_.requests[index];
        const auto missing = static_cast<std::int64_t>(slots.size());
        // Single pieces take whatever worker is free; a whole job takes all of its at once.
        const std::int64_t jobs = request.pieces == 1 ? missing : std::min(missing, request.count);
        const std::int64_t each = (missing + jobs - 1) / jobs;
        const std::int64_t waits =
            adaptive_->better_wait(static_cast<int>(each), jobs, request.waiting_since);
        if (waits == 0) continue;
        const std::int64_t unbought = std::min(missing, waits * each);
        for (std::int64_t i = 0; i < unbought; ++i)
            packing_.put_off(slots[static_cast<std::size_t>(missing - 1 - i)]);
        packing_.note_put_off(index, waits);
        look_again(adaptive_->look_again_at(), weighed_again());
    }
}

/// On their way, and what they were asked for has found room elsewhere. One that only restarts may
/// hold work.
std::vector<std::size_t> GroupDecision::coming_for_nothing() const {
    const auto holds_nothing = [](const Worker& one) {
#ifdef HOPYARD_DEFECT_scale_give_up_used
        return one.state == Worker::State::coming;
#else
        return one.state == Worker::State::coming && one.is_idle();
#endif
    };
    std::vector<std::size_t> candidates;
    for (std::size_t at = packing_.slots().size(); at-- > 0;) {
        const Slot& slot = packing_.slots()[at];
        if (!is_mine(slot) || slot.is_leaving || slot.pieces > 0) continue;
        if (holds_nothing(worker(slot)) && !worker(slot).is_protected) candidates.push_back(at);
    }
    return candidates;
}

void GroupDecision::leave_not_worth_it() {
    int without_work = 0;
    int taken = 0;
    for (const Slot& slot : packing_.slots()) {
        if (slot.group != name_ || slot.is_let_go || (slot.is_leaving && !slot.is_recalled))
            continue;
        if (slot.worker != Slot::fresh && !worker(slot).is_idle()) continue;
        ++(slot.pieces > 0 ? taken : without_work);
    }
    worth_keeping_ = adaptive_->worth_keeping(without_work + taken);
    const int keep = std::max(0, *worth_keeping_ - taken);
    std::vector<std::size_t> candidates = coming_for_nothing();
    const std::vector<std::size_t> idle = leave_candidates();
    candidates.insert(candidates.end(), idle.begin(), idle.end());
    // Those that roll over hold the minimum only until the new ones are there: these are for that.
#ifdef HOPYARD_DEFECT_scale_give_up_replacements
    const int least = min_;
#else
    const int least = min_ + count_rolling();
#endif
    Spare spare = what_is_spare();
    int ready = count_ready();
    for (const std::size_t at : candidates) {
        if (without_work <= keep || packing_.staying(name_) <= least) break;
        const bool was_ready = is_ready(packing_.slots()[at]);
        if (was_ready && ready <= min_) break;
        const Spare without = less(spare, packing_.room(at));
        if (standby_holds_ && !is_enough(without)) continue;
        packing_.let_go(at, "worth");
        spare = without;
        ready -= was_ready;
        --without_work;
    }
    if (without_work > 0) look_again(adaptive_->look_again_at(), weighed_again());
}

// --- what it was made with ---------------------------------------------------------------------

Balance GroupDecision::balance() const {
    Balance balance{.group = name_,
                    .standby_holds = standby_holds_,
                    .demand = demand_,
                    .worth_keeping = worth_keeping_};
    for (const Worker& one : situation_.workers) {
        if (one.group != name_) continue;
        if (one.state == Worker::State::coming || one.state == Worker::State::ready)
            ++balance.present;
        balance.idle += one.state == Worker::State::ready && one.is_idle();
    }
    balance.wanted = packing_.staying(name_);
    balance.standby = share_of(one_worker_, standby_holds_ ? policy_.standby_workers : 0);
    for (std::size_t at = 0; at < packing_.slots().size(); ++at) {
        const Slot& slot = packing_.slots()[at];
        if (slot.worker == Slot::fresh || slot.is_leaving || slot.is_let_go) continue;
        if (name_ == GroupName::gpu && slot.size.gpus == 0) continue;
        const Resources free = free_of(worker(slot));
        balance.free += free;
        balance.packed += free - packing_.room(at);
        if (worker(slot).state == Worker::State::coming) balance.coming += free;
    }
    return balance;
}

/// A kind that the cloud refused is asked for again when it has rested; a minimum changes with the
/// hour.
void look_when_time_changes_it(const Situation& situation,
                               const Group& group,
                               bool met_resting,
                               Decision& decision) {
    const auto consider = [&](std::optional<Timestamp> at, std::string what) {
        if (!at || *at <= situation.now) return;
        if (decision.look_again_at && *decision.look_again_at <= *at) return;
        decision.look_again_at = at;
        decision.next = std::move(what);
    };
    consider(next_schedule_change(group.policy, situation.now), "the schedule changes the minimum");
    if (!met_resting) return;
    for (const Kind& kind : group.kinds)
        consider(kind.rests_until,
                 fmt::format("{}{} is asked for again",
                             kind.key.instance_type,
                             kind.key.spot ? " as a spot machine" : ""));
}

}  // namespace

Decision decide(const Situation& situation) {
    Decision decision;
    Packing packing(situation);
    std::vector<GroupDecision> groups;
    // What the GPU group gets has cores that count for general work.
    if (situation.gpu)
        groups.emplace_back(situation, GroupName::gpu, *situation.gpu, packing, decision);
    groups.emplace_back(situation, GroupName::general, situation.general, packing, decision);
    for (GroupDecision& group : groups) group.roll_over();
    for (GroupDecision& group : groups) group.leave_beyond_maximum();
    packing.place_requests();
    for (GroupDecision& group : groups) group.weigh_requests();
    for (GroupDecision& group : groups) group.grow();
    for (GroupDecision& group : groups) group.shrink();
    for (auto group = groups.rbegin(); group != groups.rend(); ++group)
        decision.balances.push_back(group->balance());
    decision.unmet = packing.unmet();
    decision.steps = steps_of(situation, packing, decision.balances);
    look_when_time_changes_it(
        situation, situation.general, packing.met_resting(GroupName::general), decision);
    if (situation.gpu)
        look_when_time_changes_it(
            situation, *situation.gpu, packing.met_resting(GroupName::gpu), decision);
    return decision;
}

}  // namespace hopyard::decide::scale
