#include "cloud/roles.h"

#include <algorithm>
#include <iterator>

namespace hopyard::cloud {
namespace {

void append(std::vector<NeededRight>& rights, const std::vector<NeededRight>& more) {
    rights.insert(rights.end(), more.begin(), more.end());
}

}  // namespace

std::vector<NeededRight> rights_for(const NeededRights& needed, const Features& features) {
    std::vector<NeededRight> rights = needed.always;
    if (features.networks) append(rights, needed.for_network);
    if (features.networks) append(rights, needed.for_subnet);
    if (features.security_groups) append(rights, needed.for_security_group);
    if (features.security_groups) append(rights, needed.for_security_rules);
    if (features.public_addresses) append(rights, needed.for_public_address);
    append(rights, needed.for_checks);
    return rights;
}

std::vector<NeededRight> missing_rights(const std::vector<NeededRight>& needed,
                                        const std::vector<Permission>& permissions) {
    std::vector<NeededRight> missing;
    std::copy_if(
        needed.begin(), needed.end(), std::back_inserter(missing), [&](const NeededRight& right) {
            return !allows(permissions, right.action);
        });
    return missing;
}

}  // namespace hopyard::cloud
