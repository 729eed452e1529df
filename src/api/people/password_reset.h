// A lost password: a link that sets a new one, once, within an hour. The newest link of a person is
// the only one; of its token the row keeps the digest. It says who somebody is by one factor, so
// nobody is signed in by it, and a one-time code is asked for at the next sign-in as ever.
#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/access.h"
#include "store/store.h"

namespace hopyard::api::people {

/// Writes into the row, which the caller stores; the link before is void.
Secret make_reset_token(model::Person& person, Random& random, Timestamp now);
/// What somebody opens: `origin` is scheme, host and port of the page.
std::string reset_link(const std::string& origin, const Secret& token);
/// Whose link that is. `not_found` ("reset_unknown").
Result<model::Person> person_of_reset(store::Transaction& t, const Secret& token, Timestamp now);
/// Stores the password's hash, uses the link up, and ends every session of the person.
Result<void> reset_password(store::Transaction& t,
                            model::Person& person,
                            const std::string& password_hash);

/// For who has the machine and no way in: makes a link for the person with that address.
/// `not_found` ("no_such_member").
Result<Secret> make_reset_token_for(store::Store& store,
                                    Random& random,
                                    const std::string& email,
                                    Timestamp now);

}  // namespace hopyard::api::people
