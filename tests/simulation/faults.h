// What goes wrong. Every seed draws its own mix: which kinds of fault there are at all, and how
// often each. A mix of everything all the time would hide what needs a quiet moment in between.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace hopyard::simulation {

enum class Fault {
    refused_before,  ///< the call fails and nothing was done
    reply_lost,      ///< the call fails and all was done
    throttled,       ///< 429 with Retry-After, for every call for a while
    conflict,        ///< somebody else works on the same thing
    slow_call,       ///< the reply takes up to a minute
    outage,          ///< nothing reaches the cloud for minutes
    stale_read,      ///< a read shows what was a moment ago
    stale_list,      ///< a list shows what was up to a minute ago
    short_list,      ///< some are missing in it
    empty_list,      ///< all are missing in it
    wide_list,       ///< no fault that ends: lists of this cloud show what is others', too
    operation_forgotten,
    slow_operation,
    capacity,    ///< there is no such machine to be had right now
    quota,       ///< the quota is smaller than what is wanted, for a while
    half_made,   ///< provisioning fails and leaves something behind
    boot_fails,  ///< the machine runs and never reports
    slow_node,
    machine_stops,  ///< by itself
    machine_vanishes,
    disk_left_behind,
    head_cut_off,    ///< between head and control plane
    worker_cut_off,  ///< between worker and head
    enrol_reply_lost,
    crash_before_commit,
    crash_after_commit,
    crash_before_call,  ///< the request may still have left
    crash_after_call,   ///< the reply was there and nobody read it
    takeover,           ///< the leader stands still, another replica takes the lease
    storage_fails,
    catalog_fails,
    request_lost,    ///< between a user and the control plane: it never arrives
    answer_lost,     ///< the control plane did what it was asked, and its answer is lost
    second_replica,  ///< two of them serve at once, until one dies or stands still for a while
    spot_capacity,   ///< there is no such machine as a spot machine right now
    evicted,         ///< the cloud takes a spot machine back
    count_,
};
inline constexpr auto fault_kinds = static_cast<std::size_t>(Fault::count_);
std::string_view to_string(Fault fault);
std::optional<Fault> fault_from(std::string_view word);

class Faults {
  public:
    /// The mix of that seed.
    explicit Faults(std::uint64_t seed);

    /// Whether it happens now. Always draws, so that one kind does not shift the others.
    bool happens(Fault fault);
    /// How often it happens where it can, in [0, 1]; 0 when the faults are over.
    double rate(Fault fault) const;
    /// Whether this seed has that kind at all, also when the faults are over.
    bool present(Fault fault) const { return rates_[static_cast<std::size_t>(fault)] > 0; }
    void set(Fault fault, double rate) { rates_[static_cast<std::size_t>(fault)] = rate; }
    /// None of any kind: for scenarios that set their own.
    void clear() { rates_.fill(0); }
    /// No faults any more.
    void end() { over_ = true; }
    bool over() const { return over_; }

    Random& random() { return random_; }
    Milliseconds between(Milliseconds least, Milliseconds most);

  private:
    SeededRandom& stream_of(Fault fault);

    SeededRandom random_;
    SeededRandom of_spot_;  ///< so that faults of spot machines do not shift the others
    std::array<double, fault_kinds> rates_{};
    bool over_ = false;
};

/// Uniform in [least, most].
Milliseconds between(Random& random, Milliseconds least, Milliseconds most);

}  // namespace hopyard::simulation
