#include "control/account_check.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"

namespace hopyard::control {
namespace {

void run(const RunAll& run_all, std::vector<std::function<void()>> reads) {
    if (run_all) return run_all(std::move(reads));
    for (const auto& read : reads) read();
}

void read_rights(const cloud::Connected& connected,
                 const std::vector<cloud::NeededRight>& needed,
                 GroupRights& group) {
    const auto permissions = connected.catalog.own_permissions(group.name);
    if (permissions)
        group.missing = cloud::missing_rights(needed, *permissions);
    else
        group.unread = permissions.error();
}

template <class T>
std::optional<Error> problem_of(const Result<T>& outcome) {
    return outcome ? std::nullopt : std::optional(outcome.error());
}

}  // namespace

bool AccountReport::usable() const {
    return !problem &&
           std::any_of(groups.begin(), groups.end(), [](const auto& g) { return g.usable(); });
}

AccountReport check_account(const cloud::Connected& connected,
                            const cloud::Features& features,
                            const std::string& group,
                            const RunAll& run_all) {
    AccountReport report;
    auto groups = connected.catalog.groups();
    if (!groups) {
        report.problem = groups.error();
        return report;
    }
    for (const cloud::ResourceGroup& seen : *groups)
        if (group.empty() || to_lower(seen.name) == to_lower(group))
            report.groups.push_back(
                {.name = seen.name, .location = seen.location, .unread = {}, .missing = {}});
    if (report.groups.empty()) return report;
    if (report.groups.size() > groups_checked_max) {
        report.groups_unchecked = report.groups.size() - groups_checked_max;
        report.groups.resize(groups_checked_max);
    }
    const auto needed = cloud::rights_for(connected.needed, features);
    const std::string location = report.groups.front().location;
    std::vector<std::function<void()>> reads;
    for (GroupRights& entry : report.groups)
        reads.push_back([&] { read_rights(connected, needed, entry); });
    reads.push_back([&] { report.sizes_problem = problem_of(connected.catalog.sizes(location)); });
    reads.push_back(
        [&] { report.quotas_problem = problem_of(connected.catalog.usages(location)); });
    run(run_all, std::move(reads));
    return report;
}

}  // namespace hopyard::control
