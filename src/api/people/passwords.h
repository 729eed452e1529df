// Passwords: what one must be (OWASP ASVS 5.0 section 6.2: length and a list of the common ones, no
// composition), and how it is kept (argon2id, RFC 9106, through libsodium).
//
// To try a password costs the same whether or not there is somebody of that name: without a stored
// text one of our own is tried, which nothing matches.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace hopyard::api::people {

inline constexpr std::size_t password_min = 12;  ///< characters
inline constexpr std::size_t password_max = 128;

/// Whose it is: a password must not hold the name, a word of it, or the address.
struct PasswordOwner {
    std::string name;
    std::string email;
};
/// `invalid_argument` at `field` with password_short, password_long, password_common or
/// password_personal.
Result<void> check_password(const std::string& field,
                            const Secret& password,
                            const PasswordOwner& owner);
/// One of the list that is shipped, without regard to case.
bool is_common(std::string_view password);
/// How many that list has.
std::size_t common_count();

enum class HashCost {
    interactive,  ///< two passes over 64 MiB (libsodium's INTERACTIVE)
    least,        ///< for tests
};

/// Makes and tries stored texts. One costs a processor and much memory for a tenth of a second, so
/// that few run at a time; the others wait shortly or are refused with `unavailable`
/// ("sign_in_busy"), and threads stay free for everything else.
class Passwords {
  public:
    explicit Passwords(HashCost cost);

    Result<std::string> hash(const Secret& password);
    /// Whether it is the password of that stored text; never, but as slowly, for an empty text.
    Result<bool> matches(const std::string& stored, const Secret& password);

  private:
    class Turn;
    Result<void> take_turn();
    void end_turn();
    Result<std::string> make(const Secret& password) const;
    Result<std::string> nobody();

    const HashCost cost_;
    std::mutex nobody_mutex_;
    std::string nobody_;  // guarded by nobody_mutex_
    std::mutex mutex_;
    std::condition_variable freed_;
    int running_ = 0;  // guarded by mutex_, as the next one
    int waiting_ = 0;
};

}  // namespace hopyard::api::people
