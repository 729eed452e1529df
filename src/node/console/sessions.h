// Who is signed in to the head's page. Accounts are the cluster's Unix accounts with a password;
// the hash comes with the orders, so a changed password or a removed account ends its sessions.
//
// Guessing: after a few free tries each further one must wait, twice as long each time, counted by
// account and by address; a try that comes too early is refused without looking at the password. An
// unknown name costs the same work as a known one. A session is a random token of which only the
// digest is kept, in memory: a restart of the program signs everybody out.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "nodewire/wire.h"

namespace hopyard::node::console {

struct Session {
    std::string user;
    bool administrator = false;
    /// What a form of this session must hold, so that no other site can send one in its name.
    std::string form_token;
    Timestamp expires_at;
};

struct Credentials {
    std::string user;
    Secret password;
    std::string address;  ///< where the try comes from
};

/// True when crypt(5) of the password gives that hash; false for an empty or locked one, in the
/// same time.
bool password_fits(const Secret& password, const std::string& hash);

class Sessions {
  public:
    static constexpr Seconds lifetime{12 * 3600};
    static constexpr Seconds idle_most{2 * 3600};
    static constexpr int free_tries = 5;

    Sessions(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

    /// The token of a new session. `unauthenticated`, or `rate_limited` with the time to wait.
    Result<Secret> sign_in(const std::vector<nodewire::User>& users,
                           const Credentials& credentials);
    /// Nothing when the token is unknown or expired, or the account is not what it was.
    std::optional<Session> find(const std::vector<nodewire::User>& users, const Secret& token);
    void sign_out(const Secret& token);

  private:
    struct Kept {
        std::string user;
        std::string password_hash;
        Timestamp began_at, used_at;
    };
    struct Tries {
        int failed = 0;
        Timestamp next_at;
    };
    /// Counts a try before its password is looked at, so that tries side by side count too.
    std::optional<Milliseconds> count_try(const std::string& key, Seconds longest_wait);
    void forget_old_locked(Timestamp now);

    const Clock& clock_;
    Random& random_;
    std::mutex mutex_;
    std::map<std::string, Kept> sessions_;  ///< by digest of the token
    std::map<std::string, Tries> tries_;
};

}  // namespace hopyard::node::console
