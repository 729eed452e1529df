#include "api/people/entrance.h"

#include <algorithm>

#include "api/keys.h"
#include "api/people/sessions.h"
#include "api/people/totp.h"
#include "base/encoding.h"

namespace hopyard::api::people {
namespace {

constexpr const char* setup_setting = "setup-token-hash";
constexpr int recovery_codes = 10;
constexpr std::size_t recovery_characters = 12;

Failure not_in(std::string code, std::string message, std::string next) {
    return pass(Error{.kind = ErrorKind::unauthenticated,
                      .code = std::move(code),
                      .message = std::move(message),
                      .owner = Owner::user,
                      .next_action = std::move(next)});
}

/// As it is compared: people leave hyphens out, or write capitals.
std::string bare(const std::string& code) {
    std::string out = to_lower(code);
    std::erase_if(out, [](char c) { return c == '-' || c == ' '; });
    return out;
}

std::string hash_of_code(const std::string& code) {
    return to_hex(sha256(bare(code)));
}

}  // namespace

Result<bool> is_set_up(store::Transaction& t) {
    ASSIGN_OR_RETURN(const auto persons, t.persons(default_organisation()));
    return !persons.empty();
}

Result<std::optional<Secret>> make_setup_token(store::Store& store, Random& random) {
    const Secret token = make_token(random);
    bool made = false;
    RETURN_IF_ERROR(store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const bool somebody, is_set_up(t));
        made = !somebody;
        return somebody ? void_setup_token(t) : t.put_setting(setup_setting, hash_of_token(token));
    }));
    if (!made) return std::nullopt;
    return token;
}

Result<void> check_setup_token(store::Transaction& t, const Secret& token) {
    ASSIGN_OR_RETURN(const bool somebody, is_set_up(t));
    ASSIGN_OR_RETURN(const auto stored, t.setting(setup_setting));
    if (!somebody && stored && equal_in_constant_time(*stored, hash_of_token(token))) return {};
    return not_in("setup_token_unknown",
                  "this link was used, or a newer one was printed",
                  somebody ? "Sign in, or ask an administrator for an invitation."
                           : "Restart 'hopyard serve' and use the link that it prints.");
}

Result<void> void_setup_token(store::Transaction& t) {
    return t.put_setting(setup_setting, "");
}

Guesses::Who guesser(const http::Request& request, const std::string& email) {
    return {.account = to_hex(sha256(model::email_key(email))), .address = request.peer.address};
}

Result<void> try_password(Entrance& entrance,
                          const Guesses::Who& who,
                          const std::string& stored,
                          const Secret& password,
                          Timestamp now) {
    RETURN_IF_ERROR(entrance.guesses.begin(who, now));
    const auto right = entrance.passwords.matches(stored, password);
    if (!right) {
        entrance.guesses.undo(who);
        return pass(right.error());
    }
    if (*right) return {};
    return not_in("credentials_wrong",
                  "address or password is wrong",
                  "Check both; an administrator can invite you again.");
}

std::string totp_secret_name(const PersonId& person) {
    return "person/" + person.value + "/totp";
}

std::string wanted_totp_secret_name(const PersonId& person) {
    return "person/" + person.value + "/wanted-totp";
}

Result<void> use_code(store::Transaction& t,
                      model::Person& person,
                      const std::string& code,
                      Timestamp now) {
    ASSIGN_OR_RETURN(const auto secret, t.secret(totp_secret_name(person.id)));
    if (secret)
        if (const auto step = match_totp(*secret, bare(code), now, person.totp_step)) {
            person.totp_step = *step;
            return {};
        }
    const auto recovery =
        std::find(person.recovery_hashes.begin(), person.recovery_hashes.end(), hash_of_code(code));
    if (recovery != person.recovery_hashes.end()) {
        person.recovery_hashes.erase(recovery);
        return {};
    }
    return not_in("code_wrong",
                  "the code is wrong, or was used already",
                  "Wait for the next code of your app, or use a recovery code.");
}

RecoveryCodes make_recovery_codes(Random& random) {
    RecoveryCodes made;
    for (int i = 0; i < recovery_codes; ++i) {
        std::string code = random_word(random, recovery_characters);
        made.hashes.push_back(hash_of_code(code));
        for (const std::size_t at : {std::size_t(8), std::size_t(4)}) code.insert(at, "-");
        made.codes.push_back(std::move(code));
    }
    return made;
}

}  // namespace hopyard::api::people
