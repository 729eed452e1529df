// How people come in: the first owner by a link that is printed once, everybody else by an
// invitation, and after that with address, password and, where it is set up, a one-time code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/people/guesses.h"
#include "api/people/outbox.h"
#include "api/people/passwords.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"
#include "model/access.h"
#include "store/store.h"

namespace hopyard::api::people {

/// What signing in works with.
struct Entrance {
    Passwords passwords;
    Outbox outbox;
    Guesses guesses = {};
};

/// The token of the first owner's link: a new one, and the one before is void. Nothing when there
/// is somebody already.
Result<std::optional<Secret>> make_setup_token(store::Store& store, Random& random);
Result<bool> is_set_up(store::Transaction& t);
/// `unauthenticated` ("setup_token_unknown") also when somebody is there already.
Result<void> check_setup_token(store::Transaction& t, const Secret& token);
Result<void> void_setup_token(store::Transaction& t);

/// Tries the password of a known person or of nobody, and counts it as a guess of both the address
/// that asks and the account. `unauthenticated` ("credentials_wrong"), or too_many_attempts.
Result<void> try_password(Entrance& entrance,
                          const Guesses::Who& who,
                          const std::string& stored,
                          const Secret& password,
                          Timestamp now);
/// Whom guesses at that address of e-mail are counted for.
Guesses::Who guesser(const http::Request& request, const std::string& email);

/// Where the secret of one-time codes lies, sealed; the second one until its first code was shown.
std::string totp_secret_name(const PersonId& person);
std::string wanted_totp_secret_name(const PersonId& person);
/// Takes a one-time or a recovery code; neither works twice, which changes the person's row (to be
/// stored by the caller). `unauthenticated` ("code_wrong").
Result<void> use_code(store::Transaction& t,
                      model::Person& person,
                      const std::string& code,
                      Timestamp now);

struct RecoveryCodes {
    std::vector<std::string> codes;  ///< to be shown once
    std::vector<std::string> hashes;
};
RecoveryCodes make_recovery_codes(Random& random);

}  // namespace hopyard::api::people
