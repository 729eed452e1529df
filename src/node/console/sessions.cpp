#include "node/console/sessions.h"

#include <algorithm>

#include <crypt.h>
#include <string.h>

#include "base/encoding.h"

namespace hopyard::node::console {
namespace {

/// Costs as much as the hashes that accounts have, and fits no password.
constexpr const char* nobodys_hash = "$6$hopyardnobody$";
constexpr std::size_t password_bytes_max = 256;
/// An account's owner must not be kept out for long by others who guess.
constexpr Seconds account_wait_most{30}, address_wait_most{300};
constexpr Seconds tries_kept{3600};
constexpr std::size_t sessions_most = 1'000, tries_most = 10'000;

const nodewire::User* find_user(const std::vector<nodewire::User>& users, const std::string& name) {
    const auto found = std::find_if(
        users.begin(), users.end(), [&](const auto& user) { return user.name == name; });
    return found == users.end() ? nullptr : &*found;
}

}  // namespace

bool password_fits(const Secret& password, const std::string& hash) {
    const bool usable = hash.starts_with("$");
    const auto& setting = usable ? hash : std::string(nobodys_hash);
    crypt_data data{};
    const char* result = crypt_r(password.reveal().c_str(), setting.c_str(), &data);
    const std::string made = result == nullptr ? "*" : result;
    explicit_bzero(&data, sizeof data);
    const bool equal = equal_in_constant_time(made, hash);
    return usable && equal && password.reveal().find('\0') == std::string::npos;
}

std::optional<Milliseconds> Sessions::count_try(const std::string& key, Seconds longest_wait) {
    const auto now = clock_.now();
    const std::lock_guard lock(mutex_);
    forget_old_locked(now);
    auto& tries = tries_[key];
    if (now < tries.next_at) return tries.next_at - now;
    ++tries.failed;
    const int beyond = std::min(tries.failed - free_tries, 16);
    if (beyond >= 0) tries.next_at = now + std::min(Seconds(1 << beyond), longest_wait);
    return std::nullopt;
}

Result<Secret> Sessions::sign_in(const std::vector<nodewire::User>& users,
                                 const Credentials& credentials) {
    if (credentials.user.size() > 64 || credentials.password.reveal().size() > password_bytes_max) {
        return fail(ErrorKind::unauthenticated, "wrong_password", "name and password do not fit");
    }
    const auto by_account = "account " + credentials.user;
    const auto by_address = "address " + credentials.address;
    auto wait = count_try(by_address, address_wait_most);
    if (!wait) wait = count_try(by_account, account_wait_most);
    if (wait) {
        return pass(Error{.kind = ErrorKind::rate_limited,
                          .code = "too_many_tries",
                          .message = "too many wrong passwords; wait before the next try",
                          .owner = Owner::user,
                          .next_action = "Wait " + to_human(*wait) + " and try again.",
                          .retry_after = *wait});
    }
    const auto* user = find_user(users, credentials.user);
    if (!password_fits(credentials.password, user == nullptr ? "" : user->password_hash)) {
        return pass(Error{.kind = ErrorKind::unauthenticated,
                          .code = "wrong_password",
                          .message = "name and password do not fit",
                          .owner = Owner::user,
                          .next_action = "Use an account of this cluster."});
    }
    const Secret token(to_base64url(random_bytes(random_, 32)));
    const auto now = clock_.now();
    const std::lock_guard lock(mutex_);
    tries_.erase(by_account);
    tries_.erase(by_address);
    sessions_[sha256(token.reveal())] = {
        .user = user->name, .password_hash = user->password_hash, .began_at = now, .used_at = now};
    return token;
}

std::optional<Session> Sessions::find(const std::vector<nodewire::User>& users,
                                      const Secret& token) {
    const auto now = clock_.now();
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(sha256(token.reveal()));
    if (found == sessions_.end()) return std::nullopt;
    auto& kept = found->second;
    const auto* user = find_user(users, kept.user);
    if (user == nullptr || user->password_hash != kept.password_hash ||
        now >= kept.began_at + lifetime || now >= kept.used_at + idle_most) {
        sessions_.erase(found);
        return std::nullopt;
    }
    kept.used_at = now;
    return Session{.user = user->name,
                   .administrator = user->administrator,
                   .form_token = to_base64url(hmac_sha256(token.reveal(), "form")),
                   .expires_at = std::min(kept.began_at + lifetime, now + idle_most)};
}

void Sessions::sign_out(const Secret& token) {
    const std::lock_guard lock(mutex_);
    sessions_.erase(sha256(token.reveal()));
}

void Sessions::forget_old_locked(Timestamp now) {
    if (tries_.size() >= tries_most) {
        std::erase_if(tries_, [&](const auto& each) { return each.second.next_at <= now; });
    }
    std::erase_if(tries_, [&](const auto& each) {
        const auto& tries = each.second;
        return tries.next_at != Timestamp{} && tries.next_at + tries_kept < now;
    });
    std::erase_if(sessions_, [&](const auto& each) {
        return now >= each.second.began_at + lifetime || now >= each.second.used_at + idle_most;
    });
    while (sessions_.size() >= sessions_most) sessions_.erase(sessions_.begin());
}

}  // namespace hopyard::node::console
