// The accounts of people on this machine, as lines of passwd, group and shadow. Pure. Entries that
// bear our mark are ours: they come and go with the orders; all others are left alone.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "nodewire/wire.h"

namespace hopyard::node::access {

/// The comment field of an account that orders made.
inline constexpr const char* account_mark = "Hopyard user";

struct AccountFiles {
    std::string passwd;
    std::string group;
    Secret shadow;
};

/// The files with exactly these users of ours. An account of that name that people made before is
/// taken over; a system's account, or a number that belongs to somebody else, is a `conflict`.
Result<AccountFiles> with_users(const AccountFiles& now, const std::vector<nodewire::User>& users);

std::string home_of(const std::string& name);

}  // namespace hopyard::node::access
