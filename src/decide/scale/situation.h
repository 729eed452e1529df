// What a decision of the autoscaler is made from: the policy, the workers, what waits, and the
// time. Plain values that know no cloud, no workload manager and no rows, so that a recorded
// situation can be decided again anywhere (record.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/autoscale.h"
#include "model/demand.h"
#include "model/experience.h"

namespace hopyard::decide::scale {

/// A kind of machine that a group may get.
struct Kind {
    model::GroupKey key;
    model::Resources size;
    /// The cloud refused one for want of capacity or quota: not asked for again before then.
    std::optional<Timestamp> rests_until;
    bool operator==(const Kind&) const = default;
};

enum class GroupName { general, gpu };
const char* to_string(GroupName name);

struct Group {
    model::ScaleSpec policy;
    std::vector<Kind> kinds;                                     ///< in order of preference
    std::optional<model::Experience> experience = std::nullopt;  ///< `adaptive` only
    bool operator==(const Group&) const = default;
};

struct Worker {
    /// `leaving`: it drains because the autoscaler wants it gone, and can still be called back.
    /// `gone`: beyond recall, but its machine may still be there and counts for the maximum.
    enum class State { ready, coming, leaving, gone };

    std::string name;
    model::GroupKey key;
    model::Resources size;
    model::Resources used;
    int jobs = 0;
    State state = State::ready;
    std::optional<GroupName> group;  ///< of which the autoscaler may take it; none: never
    bool is_outdated = false;        ///< made for a type, disk or price that was changed since
    bool is_protected = false;       ///< somebody wants it to stay
    bool takes_work = true;          ///< nobody drains it by hand
    std::optional<Timestamp> idle_since;
    /// By the time limits of all that runs there; none where one has no limit.
    std::optional<Timestamp> busy_until = std::nullopt;
    bool is_idle() const { return jobs == 0 && used.is_zero(); }
    bool operator==(const Worker&) const = default;
};

const char* to_string(Worker::State state);

struct Situation {
    model::AutoscaleMode mode = model::AutoscaleMode::standard;
    Group general;
    std::optional<Group> gpu;
    std::vector<Worker> workers;  ///< all but the head, by ordinal
    std::vector<model::Request> requests;
    Timestamp now;
    bool operator==(const Situation&) const = default;
};

}  // namespace hopyard::decide::scale
