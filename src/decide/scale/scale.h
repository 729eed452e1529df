// How many workers there should be, and why: the rules of product.md B1 (seed), D4, D5, D15 and
// D16.
//
// In `standard`, for each group, in this order:
//   1. The maximum holds always; beyond it the surplus leaves, idle workers first, and a used one
//      only once its work is done. Those that leave or are going count for it as well.
//   2. Roll-over: workers made for a type, disk or price that was changed since take no new work,
//      and leave when theirs is done; not before the minimum holds without them. A new one is
//      ready before the old one goes; only where the maximum has no room for both, one goes first,
//      one at a time. While the cloud has none of the new kinds the old ones work on.
//   3. What waits is packed into what is free, then into what is coming, then into new workers of
//      the first kind that fits and does not rest. What no allowed worker could ever hold buys
//      nothing and is named.
//   4. The minimum holds always.
//   5. Standby: as long as anything is used, waits or the minimum is above 0, what is free on all
//      workers that can do such work (gpu: those with GPUs), coming ones included, less what is
//      packed there, is at least `standby_workers` times one worker, in every dimension.
//   6. A worker leaves when nothing was allocated to it for the whole wait, nothing that waits is
//      packed onto it, and minimum and standby hold without it.
// In `adaptive`, 1 to 5 hold as well. Of 3, a request may be put off for as long as a new worker
// takes to come, when what runs probably ends before and standby is 0. In place of 6, with no wait:
// as many workers without work stay as are worth it, by what the cluster's past has taught
// (experience.h), and those that are still coming are the first to be given up.
//
// A worker that leaves and is needed again, or got work meanwhile, is called back before any new
// one is asked for.
#pragma once

#include <string>
#include <vector>

#include "decide/scale/situation.h"

namespace hopyard::decide::scale {

struct Step {
    enum class Kind { recall, add, remove };
    Kind kind = Kind::add;
    GroupName group = GroupName::general;
    std::string worker;   ///< recall and remove: which
    model::GroupKey key;  ///< add: what
    int count = 1;        ///< add: how many
    /// "request", "minimum", "standby", "maximum", "idle", "work", "rollover", "worth"
    std::string rule;
    std::string reason;  ///< one sentence with the numbers
    bool operator==(const Step&) const = default;
};
const char* to_string(Step::Kind kind);

/// A request that buys nothing, and what would have to change.
struct Unmet {
    std::string request;
    std::int64_t count = 1;  ///< of equal ones
    /// no_kind: no allowed worker is large enough; too_many: it needs more of them at once than
    /// there may ever be; machine: it asks for a machine by name. These are never met as things
    /// stand. maximum: it waits until others end; resting: the cloud refused all kinds that would
    /// do a moment ago. soon: what runs probably ends before a new worker would be there.
    enum class Why { no_kind, too_many, machine, maximum, resting, soon } why = Why::no_kind;
    std::string reason;
    bool is_hopeless() const {
        return why == Why::no_kind || why == Why::too_many || why == Why::machine;
    }
    bool operator==(const Unmet&) const = default;
};
const char* to_string(Unmet::Why why);

/// What a group's part of the decision was made with.
struct Balance {
    GroupName group = GroupName::general;
    int present = 0;  ///< before the steps
    int wanted = 0;   ///< after them
    int idle = 0;
    model::Resources free;      ///< on ready and coming workers that count for its standby
    model::Resources coming;    ///< of that: on those that are coming
    model::Resources packed;    ///< of that: what waiting requests will take
    model::Resources standby;   ///< to be kept free
    bool standby_holds = true;  ///< false: minimum 0 and nothing is used
    int demand = 0;  ///< workers that are used or that waiting requests take, new ones included
    std::optional<int> worth_keeping;  ///< `adaptive`: of those without work
    bool operator==(const Balance&) const = default;
};

struct Decision {
    std::vector<Step> steps;  ///< recalls, then additions, then removals
    std::vector<Unmet> unmet;
    std::vector<Balance> balances;
    /// When the passing of time alone would change it; none: never.
    std::optional<Timestamp> look_again_at;
    std::string next;  ///< what that would be: "w3 leaves at …, unless it is used"
    bool operator==(const Decision&) const = default;
};

/// Pure and repeatable: the same situation gives the same decision. n log n in requests and
/// workers; equal ones cost once.
Decision decide(const Situation& situation);

}  // namespace hopyard::decide::scale
