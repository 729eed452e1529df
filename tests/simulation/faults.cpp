#include "simulation/faults.h"

#include "base/check.h"

namespace hopyard::simulation {
namespace {

struct Kind {
    Fault fault;
    std::string_view word;
    double most;  ///< the highest rate where it can happen: per call, per commit, per machine …
};

// Rates of machines and links are per machine and minute.
constexpr std::array<Kind, fault_kinds> kinds{{
    {Fault::refused_before, "refused_before", 0.2},
    {Fault::reply_lost, "reply_lost", 0.2},
    {Fault::throttled, "throttled", 0.03},
    {Fault::conflict, "conflict", 0.1},
    {Fault::slow_call, "slow_call", 0.1},
    {Fault::outage, "outage", 0.003},
    {Fault::stale_read, "stale_read", 0.4},
    {Fault::stale_list, "stale_list", 0.4},
    {Fault::short_list, "short_list", 0.3},
    {Fault::empty_list, "empty_list", 0.15},
    {Fault::wide_list, "wide_list", 0.5},
    {Fault::operation_forgotten, "operation_forgotten", 0.15},
    {Fault::slow_operation, "slow_operation", 0.2},
    {Fault::capacity, "capacity", 0.15},
    {Fault::quota, "quota", 0.1},
    {Fault::half_made, "half_made", 0.15},
    {Fault::boot_fails, "boot_fails", 0.15},
    {Fault::slow_node, "slow_node", 0.3},
    {Fault::machine_stops, "machine_stops", 0.15},
    {Fault::machine_vanishes, "machine_vanishes", 0.15},
    {Fault::disk_left_behind, "disk_left_behind", 0.4},
    {Fault::head_cut_off, "head_cut_off", 0.5},
    {Fault::worker_cut_off, "worker_cut_off", 0.4},
    {Fault::enrol_reply_lost, "enrol_reply_lost", 0.4},
    {Fault::crash_before_commit, "crash_before_commit", 0.02},
    {Fault::crash_after_commit, "crash_after_commit", 0.02},
    {Fault::crash_before_call, "crash_before_call", 0.03},
    {Fault::crash_after_call, "crash_after_call", 0.03},
    {Fault::takeover, "takeover", 0.3},
    {Fault::storage_fails, "storage_fails", 0.3},
    {Fault::catalog_fails, "catalog_fails", 0.05},
    {Fault::request_lost, "request_lost", 0.2},
    {Fault::answer_lost, "answer_lost", 0.4},
    {Fault::second_replica, "second_replica", 1.5},
    {Fault::spot_capacity, "spot_capacity", 0.5},
    {Fault::evicted, "evicted", 0.5},
}};

}  // namespace

std::string_view to_string(Fault fault) {
    return kinds[static_cast<std::size_t>(fault)].word;
}

std::optional<Fault> fault_from(std::string_view word) {
    for (const Kind& kind : kinds)
        if (kind.word == word) return kind.fault;
    return std::nullopt;
}

SeededRandom& Faults::stream_of(Fault fault) {
    return fault == Fault::spot_capacity || fault == Fault::evicted ? of_spot_ : random_;
}

Faults::Faults(std::uint64_t seed) : random_(seed), of_spot_(~seed) {
    // One seed in sixteen has none: what goes wrong then goes wrong by itself.
    const bool calm = below(random_, 16) == 0;
    const double breadth = 0.1 + 0.05 * static_cast<double>(below(random_, 10));
    for (std::size_t i = 0; i < fault_kinds; ++i) {
        CHECK(static_cast<std::size_t>(kinds[i].fault) == i);
        SeededRandom& random = stream_of(kinds[i].fault);
        const bool present = chance(random, breadth);
        const double share = static_cast<double>(1 + below(random, 4)) / 4;
        if (present && !calm) rates_[i] = kinds[i].most * share;
    }
}

double Faults::rate(Fault fault) const {
    return over_ ? 0 : rates_[static_cast<std::size_t>(fault)];
}

bool Faults::happens(Fault fault) {
    const bool drawn = chance(stream_of(fault), rates_[static_cast<std::size_t>(fault)]);
    return drawn && !over_;
}

Milliseconds Faults::between(Milliseconds least, Milliseconds most) {
    return simulation::between(random_, least, most);
}

Milliseconds between(Random& random, Milliseconds least, Milliseconds most) {
    const auto span = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + Milliseconds(static_cast<std::int64_t>(below(random, span)));
}

}  // namespace hopyard::simulation
