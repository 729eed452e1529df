// Errors as values. An Error says what went wrong in a closed vocabulary that code can branch on,
// and in words an operator can act on: the cause, who can mend it, and what to do next. It is
// stored, shown, injected by tests and compared; it never holds a secret.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace hopyard {

/// The closed vocabulary of failure (style E2). Code branches on this, people read the message.
enum class ErrorKind {
    invalid_argument,
    unauthenticated,
    permission_denied,
    not_found,
    already_exists,
    conflict,
    quota_exceeded,
    capacity_unavailable,
    rate_limited,
    timed_out,
    unavailable,
    cancelled,
    internal,
};

/// The word of a kind as it stands in replies and in the store, for example "quota_exceeded".
std::string_view to_string(ErrorKind kind);
/// The reverse of to_string; nothing for an unknown word.
std::optional<ErrorKind> error_kind_from(std::string_view word);

/// Who can mend a failure.
enum class Owner { user, administrator, cloud, hopyard };
std::string_view to_string(Owner owner);
std::optional<Owner> owner_from(std::string_view word);

struct Error {
    ErrorKind kind = ErrorKind::internal;
    /// Stable and finer than the kind, lower-case words with underscores: "container_not_empty".
    std::string code;
    /// The cause in one sentence, for a person.
    std::string message;
    /// JSON pointer into the request that caused it ("/workers/0/count"); empty when none is to
    /// blame.
    std::string field;
    Owner owner = Owner::hopyard;
    /// What that owner does next, in the imperative; empty when nothing is known.
    std::string next_action;
    /// How long the other side asked us to wait before we come back.
    std::optional<std::chrono::milliseconds> retry_after;

    bool operator==(const Error&) const = default;
};

template <class T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

/// A failure of that kind: `return fail(ErrorKind::not_found, "no_such_cluster", "...")`.
Failure fail(ErrorKind kind, std::string code, std::string message);
/// A refusal of one field of a request, with the rule it breaks and the remedy. Owner: the user.
Failure refuse(std::string field,
               std::string code,
               std::string rule,
               std::string remedy,
               ErrorKind kind = ErrorKind::invalid_argument);
/// Passes an error on with one layer of context in front of its message (style E3).
Failure with_context(std::string_view context, Error error);
/// Passes an error on as it is.
inline Failure pass(Error error) {
    return Failure(std::move(error));
}

/// True when the same call may succeed later without anybody doing anything.
bool is_transient(ErrorKind kind);

}  // namespace hopyard

/// Returns the error of a Result<void>-like expression from the enclosing function, if there is
/// one.
#define RETURN_IF_ERROR(expression)                              \
    do {                                                         \
        if (auto outcome_ = (expression); !outcome_)             \
            return ::hopyard::pass(std::move(outcome_).error()); \
    } while (false)

#define HOPYARD_CONCAT_INNER(a, b) a##b
#define HOPYARD_CONCAT(a, b) HOPYARD_CONCAT_INNER(a, b)
/// `ASSIGN_OR_RETURN(const auto cluster, store.get(id));` unwraps a Result or returns its error.
#define ASSIGN_OR_RETURN(declaration, expression)                                     \
    auto HOPYARD_CONCAT(result_, __LINE__) = (expression);                            \
    if (!HOPYARD_CONCAT(result_, __LINE__))                                           \
        return ::hopyard::pass(std::move(HOPYARD_CONCAT(result_, __LINE__)).error()); \
    declaration = std::move(*HOPYARD_CONCAT(result_, __LINE__))
