#include "api/people/passwords.h"

#include <algorithm>
#include <vector>

#include <sodium.h>

#include "api/people/common_passwords.h"
#include "base/check.h"
#include "base/encoding.h"
#include "base/time.h"

namespace hopyard::api::people {
namespace {

constexpr int running_max = 2;
constexpr int waiting_max = 1;
/// A shorter part of a name says too little about who it is.
constexpr std::size_t personal_part_min = 4;

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::vector<std::string> personal_parts(const PasswordOwner& owner) {
    std::vector<std::string> parts = {to_lower(owner.email),
                                      to_lower(owner.email.substr(0, owner.email.find('@')))};
    std::string word;
    for (const char c : to_lower(owner.name) + " ") {
        if (c != ' ') {
            word += c;
        } else {
            parts.push_back(std::exchange(word, {}));
        }
    }
    std::erase_if(parts,
                  [](const std::string& part) { return characters(part) < personal_part_min; });
    return parts;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (!line.empty() && line.front() != '#') lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

const std::vector<std::string_view>& common_ones() {
    static const std::vector<std::string_view> list = lines_of(common_passwords());
    return list;
}

}  // namespace

bool is_common(std::string_view password) {
    const std::string lower = to_lower(password);
    const auto& list = common_ones();
    return std::binary_search(list.begin(), list.end(), std::string_view(lower));
}

std::size_t common_count() {
    return common_ones().size();
}

Result<void> check_password(const std::string& field,
                            const Secret& password,
                            const PasswordOwner& owner) {
    const std::string& text = password.reveal();
    if (characters(text) < password_min)
        return refuse(field,
                      "password_short",
                      "a password has at least " + std::to_string(password_min) + " characters",
                      "Take some words that nobody would put together.");
    if (characters(text) > password_max)
        return refuse(field,
                      "password_long",
                      "a password has at most " + std::to_string(password_max) + " characters",
                      "Shorten it.");
    if (is_common(text))
        return refuse(field,
                      "password_common",
                      "this password is one of the most common ones",
                      "Take some words that nobody would put together.");
    const std::string lower = to_lower(text);
    for (const std::string& part : personal_parts(owner))
        if (lower.find(part) != std::string::npos)
            return refuse(field,
                          "password_personal",
                          "a password does not hold your name or e-mail address",
                          "Leave them out.");
    return {};
}

class Passwords::Turn {
  public:
    explicit Turn(Passwords& passwords) : passwords_(passwords) {}
    ~Turn() { passwords_.end_turn(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    Passwords& passwords_;
};

Passwords::Passwords(HashCost cost) : cost_(cost) {
    CHECK(sodium_init() >= 0);
}

Result<void> Passwords::take_turn() {
    std::unique_lock lock(mutex_);
    if (running_ >= running_max) {
        if (waiting_ >= waiting_max)
            return pass(Error{.kind = ErrorKind::unavailable,
                              .code = "sign_in_busy",
                              .message = "too many people sign in at this moment",
                              .owner = Owner::user,
                              .next_action = "Try again in a second.",
                              .retry_after = Seconds(1)});
        ++waiting_;
        freed_.wait(lock, [&] { return running_ < running_max; });
        --waiting_;
    }
    ++running_;
    return {};
}

void Passwords::end_turn() {
    {
        const std::lock_guard lock(mutex_);
        --running_;
    }
    freed_.notify_one();
}

Result<std::string> Passwords::hash(const Secret& password) {
    RETURN_IF_ERROR(take_turn());
    const Turn turn(*this);
    return make(password);
}

Result<std::string> Passwords::make(const Secret& password) const {
    const bool least = cost_ == HashCost::least;
    char text[crypto_pwhash_STRBYTES] = {};
    if (crypto_pwhash_str(
            text,
            password.reveal().data(),
            password.reveal().size(),
            least ? crypto_pwhash_OPSLIMIT_MIN : crypto_pwhash_OPSLIMIT_INTERACTIVE,
            least ? crypto_pwhash_MEMLIMIT_MIN : crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return fail(ErrorKind::unavailable, "no_memory", "no memory to keep a password with");
    return std::string(text);
}

Result<std::string> Passwords::nobody() {
    const std::lock_guard lock(nobody_mutex_);
    if (nobody_.empty()) {
        ASSIGN_OR_RETURN(nobody_, make(Secret("nobody")));
    }
    return nobody_;
}

Result<bool> Passwords::matches(const std::string& stored, const Secret& password) {
    RETURN_IF_ERROR(take_turn());
    const Turn turn(*this);
    // Made by whoever tries first, known or not, so that nothing is told by it.
    ASSIGN_OR_RETURN(const std::string of_nobody, nobody());
    const std::string& text = stored.empty() ? of_nobody : stored;
    const bool equal = crypto_pwhash_str_verify(
                           text.c_str(), password.reveal().data(), password.reveal().size()) == 0;
    return equal && !stored.empty();
}

}  // namespace hopyard::api::people
