// Azure throttles by bucket: per subscription, kind of request and resource provider. Once it says
// "come back in n seconds", every request of that bucket would be refused too, and would prolong
// the wait; so none is sent until then. Nobody sleeps here: callers are told when to return.
// Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace hopyard::azure {

/// `look` is a poll of an operation, which Azure counts apart from other reads.
enum class Traffic { read, write, remove, act, look };

struct Bucket {
    std::string subscription;
    Traffic traffic = Traffic::read;
    std::string provider;  ///< "microsoft.compute"; "" for the Resource Manager's own
    auto operator<=>(const Bucket&) const = default;
};
/// The bucket of a request by method and URL.
Bucket bucket_of(std::string_view method, std::string_view url, bool is_poll);

class Throttle {
  public:
    /// Nothing goes out of that bucket before `until`. A bucket of provider "*" covers all.
    void hold(const Bucket& bucket, Timestamp until);
    /// How long this bucket is held from `now` on; nothing when it is free.
    std::optional<Milliseconds> held(const Bucket& bucket, Timestamp now) const;

  private:
    mutable std::mutex mutex_;
    std::map<Bucket, Timestamp> until_;
};

}  // namespace hopyard::azure
