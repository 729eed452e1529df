// What a cluster's workload manager is asked for and has not begun: the demand that the autoscaler
// meets. Whichever product the manager is, it says it in these words. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace hopyard::model {

/// What a machine offers, a worker has free, or a piece of a request takes.
struct Resources {
    std::int64_t cpus = 0;
    std::int64_t memory_mb = 0;
    std::int64_t gpus = 0;  ///< whole cards

    // Here, not in the .cpp file: deciding looks at them a million times.
    Resources& operator+=(const Resources& other) {
        cpus += other.cpus;
        memory_mb += other.memory_mb;
        gpus += other.gpus;
        return *this;
    }
    Resources& operator-=(const Resources& other) {
        cpus -= other.cpus;
        memory_mb -= other.memory_mb;
        gpus -= other.gpus;
        return *this;
    }
    friend Resources operator+(Resources a, const Resources& b) { return a += b; }
    friend Resources operator-(Resources a, const Resources& b) { return a -= b; }
    friend Resources operator*(const Resources& a, std::int64_t times) {
        return {.cpus = a.cpus * times, .memory_mb = a.memory_mb * times, .gpus = a.gpus * times};
    }
    /// In every dimension.
    bool fits_in(const Resources& room) const {
        return cpus <= room.cpus && memory_mb <= room.memory_mb && gpus <= room.gpus;
    }
    bool is_zero() const { return cpus == 0 && memory_mb == 0 && gpus == 0; }
    auto operator<=>(const Resources&) const = default;
};

/// "16 cores, 64 GiB, 2 GPUs"
std::string in_words(const Resources& resources);

/// Equal requests that wait, as one.
struct Request {
    std::string name;        ///< of the first, in the manager's words: "31", "40_3"
    std::int64_t count = 1;  ///< so many of them, each by itself
    /// One request is so many pieces that begin together; `apart`: no two on one machine.
    int pieces = 1;
    bool apart = false;
    Resources each;                     ///< takes of its machine; one piece never spans two
    bool whole_machine = false;         ///< shares its machine with nobody
    std::string gpu_type;               ///< "a100"; empty: any
    std::vector<std::string> features;  ///< its machines must have them all
    std::vector<std::string> machines;  ///< only these will do; empty: any
    Timestamp waiting_since;            ///< of the first: since when it could have begun
    std::int64_t limit_s = 0;           ///< it ends within that time; 0: not said
    bool operator==(const Request&) const = default;
};

/// Requests beyond that many kinds are left out of a report; `cut` says so.
inline constexpr std::size_t requests_max = 2000;

struct Demand {
    std::vector<Request> requests;  ///< by priority, first served first
    bool cut = false;
    bool operator==(const Demand&) const = default;
};

}  // namespace hopyard::model
