// Slowing down who guesses: after some failures the next attempt has to wait, twice as long each
// time, up to a limit that never locks anybody out for good. Counted for the account and for the
// address it comes from, so that neither many addresses nor many accounts help. Many people may
// share an address, so it is given more attempts, and a longer wait after them. Of IPv6 the network
// counts: whoever has one address of it has all.
//
// Kept in memory, for each replica: a restart forgives.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::api::people {

struct GuessLimit {
    int free = 5;  ///< failures without a wait
    Milliseconds first{2'000};
    Milliseconds most{60'000};
};
inline constexpr GuessLimit account_limit{};
inline constexpr GuessLimit address_limit{.free = 20, .most = Milliseconds(900'000)};

/// How long after a failure the next attempt has to wait, when there were so many.
Milliseconds wait_after(int failures, const GuessLimit& limit);

class Guesses {
  public:
    struct Who {
        std::string account;
        std::string address;
    };
    /// Counts the attempt as failed, before it is judged, so that many at once are many.
    /// `rate_limited` ("too_many_attempts") with the time to wait; that one does not count.
    Result<void> begin(const Who& who, Timestamp now);
    /// It was right: the account's failures are forgotten, the address's are one fewer.
    void right(const Who& who);
    /// It was neither right nor wrong.
    void undo(const Who& who);
    std::size_t remembered() const;

  private:
    struct Failures {
        int count = 0;
        Timestamp last;
    };
    using Table = std::map<std::string, Failures>;
    static void less(Table& table, const std::string& key);
    static void make_room(Table& table, Timestamp now);

    mutable std::mutex mutex_;
    Table accounts_;  // guarded by mutex_, as the next one
    Table addresses_;
};

}  // namespace hopyard::api::people
