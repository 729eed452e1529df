// Trying a connection to a cloud: whether it signs in, what it sees, and which rights it lacks in
// each resource group, before somebody builds on it. Reads only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cloud/clouds.h"
#include "control/facts.h"

namespace hopyard::control {

/// What we may do in one resource group.
struct GroupRights {
    std::string name;
    std::string location;
    std::optional<Error> unread;              ///< our permissions there could not be read
    std::vector<cloud::NeededRight> missing;  ///< of what was asked for
    bool usable() const { return !unread && missing.empty(); }
};

struct AccountReport {
    /// Set: it cannot sign in, or the subscription is not to be seen. Nothing else is known then.
    std::optional<Error> problem;
    /// The groups we see, in the cloud's order; at most `groups_checked_max` of them are weighed.
    std::vector<GroupRights> groups;
    std::size_t groups_unchecked = 0;
    /// What belongs to no group. Without it clusters work, but sizes and quotas stay unchecked.
    std::optional<Error> sizes_problem;
    std::optional<Error> quotas_problem;

    /// A cluster can be made in one group at least.
    bool usable() const;
};

inline constexpr std::size_t groups_checked_max = 25;

/// `group`: only that one; empty for all.
AccountReport check_account(const cloud::Connected& connected,
                            const cloud::Features& features,
                            const std::string& group,
                            const RunAll& run_all);

}  // namespace hopyard::control
