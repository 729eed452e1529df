#include "base/result.h"

#include <array>

namespace hopyard {
namespace {

struct KindWord {
    ErrorKind kind;
    std::string_view word;
};

constexpr std::array<KindWord, 13> kind_words{{
    {ErrorKind::invalid_argument, "invalid_argument"},
    {ErrorKind::unauthenticated, "unauthenticated"},
    {ErrorKind::permission_denied, "permission_denied"},
    {ErrorKind::not_found, "not_found"},
    {ErrorKind::already_exists, "already_exists"},
    {ErrorKind::conflict, "conflict"},
    {ErrorKind::quota_exceeded, "quota_exceeded"},
    {ErrorKind::capacity_unavailable, "capacity_unavailable"},
    {ErrorKind::rate_limited, "rate_limited"},
    {ErrorKind::timed_out, "timed_out"},
    {ErrorKind::unavailable, "unavailable"},
    {ErrorKind::cancelled, "cancelled"},
    {ErrorKind::internal, "internal"},
}};

struct OwnerWord {
    Owner owner;
    std::string_view word;
};

constexpr std::array<OwnerWord, 4> owner_words{{
    {Owner::user, "user"},
    {Owner::administrator, "administrator"},
    {Owner::cloud, "cloud"},
    {Owner::hopyard, "hopyard"},
}};

}  // namespace

std::string_view to_string(ErrorKind kind) {
    for (const auto& entry : kind_words)
        if (entry.kind == kind) return entry.word;
    return "internal";
}

std::optional<ErrorKind> error_kind_from(std::string_view word) {
    for (const auto& entry : kind_words)
        if (entry.word == word) return entry.kind;
    return std::nullopt;
}

std::string_view to_string(Owner owner) {
    for (const auto& entry : owner_words)
        if (entry.owner == owner) return entry.word;
    return "hopyard";
}

std::optional<Owner> owner_from(std::string_view word) {
    for (const auto& entry : owner_words)
        if (entry.word == word) return entry.owner;
    return std::nullopt;
}

Failure fail(ErrorKind kind, std::string code, std::string message) {
    return Failure(Error{.kind = kind, .code = std::move(code), .message = std::move(message)});
}

Failure refuse(
    std::string field, std::string code, std::string rule, std::string remedy, ErrorKind kind) {
    return Failure(Error{.kind = kind,
                         .code = std::move(code),
                         .message = std::move(rule),
                         .field = std::move(field),
                         .owner = Owner::user,
                         .next_action = std::move(remedy)});
}

Failure with_context(std::string_view context, Error error) {
    error.message = std::string(context) + ": " + error.message;
    return Failure(std::move(error));
}

bool is_transient(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::conflict:
        case ErrorKind::rate_limited:
        case ErrorKind::timed_out:
        case ErrorKind::unavailable:
            return true;
        default:
            return false;
    }
}

}  // namespace hopyard
