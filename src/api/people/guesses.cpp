#include "api/people/guesses.h"

#include <algorithm>
#include <vector>

#include <arpa/inet.h>

namespace hopyard::api::people {
namespace {

constexpr std::size_t entries_max = 10'000;
constexpr Seconds forgotten_after{3600};

/// The part of an address that its holder cannot change: all of IPv4, 64 bits of IPv6 (RFC 4291
/// section 2.5.4).
std::string holder_of(const std::string& address) {
    in6_addr bytes{};
    if (inet_pton(AF_INET6, address.c_str(), &bytes) != 1) return address;
    std::fill(std::begin(bytes.s6_addr) + 8, std::end(bytes.s6_addr), std::uint8_t{0});
    char text[INET6_ADDRSTRLEN] = {};
    return inet_ntop(AF_INET6, &bytes, text, sizeof text);
}

}  // namespace

Milliseconds wait_after(int failures, const GuessLimit& limit) {
    if (failures < limit.free) return Milliseconds(0);
    Milliseconds wait = limit.first;
    for (int i = limit.free; i < failures && wait < limit.most; ++i) wait *= 2;
    return std::min(wait, limit.most);
}

void Guesses::make_room(Table& table, Timestamp now) {
    std::erase_if(table,
                  [&](const auto& entry) { return now - entry.second.last > forgotten_after; });
    if (table.size() < entries_max) return;
    std::vector<Timestamp> times;
    for (const auto& [key, failures] : table) times.push_back(failures.last);
    const auto quarter = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 4);
    std::nth_element(times.begin(), quarter, times.end());
    std::erase_if(table, [&](const auto& entry) { return entry.second.last <= *quarter; });
}

Result<void> Guesses::begin(const Who& who, Timestamp now) {
    const std::string holder = holder_of(who.address);
    const std::lock_guard lock(mutex_);
    const std::pair<Table*, std::pair<const std::string*, const GuessLimit*>> counted[] = {
        {&accounts_, {&who.account, &account_limit}}, {&addresses_, {&holder, &address_limit}}};
    Milliseconds left{0};
    for (const auto& [table, what] : counted) {
        const auto found = table->find(*what.first);
        if (found == table->end()) continue;
        if (now - found->second.last > forgotten_after) {
            table->erase(found);
            continue;
        }
        const Milliseconds wait = wait_after(found->second.count, *what.second);
        left = std::max(left, found->second.last + wait - now);
    }
    if (left > Milliseconds(0))
        return pass(Error{.kind = ErrorKind::rate_limited,
                          .code = "too_many_attempts",
                          .message = "too many attempts failed",
                          .owner = Owner::user,
                          .next_action = "Wait " + to_human(left) + " before the next one.",
                          .retry_after = left});
    for (const auto& [table, what] : counted) {
        if (table->size() >= entries_max) make_room(*table, now);
        Failures& failures = (*table)[*what.first];
        ++failures.count;
        failures.last = now;
    }
    return {};
}

void Guesses::less(Table& table, const std::string& key) {
    const auto found = table.find(key);
    if (found != table.end() && --found->second.count <= 0) table.erase(found);
}

void Guesses::right(const Who& who) {
    const std::lock_guard lock(mutex_);
    accounts_.erase(who.account);
    less(addresses_, holder_of(who.address));
}

void Guesses::undo(const Who& who) {
    const std::lock_guard lock(mutex_);
    less(accounts_, who.account);
    less(addresses_, holder_of(who.address));
}

std::size_t Guesses::remembered() const {
    const std::lock_guard lock(mutex_);
    return accounts_.size() + addresses_.size();
}

}  // namespace hopyard::api::people
