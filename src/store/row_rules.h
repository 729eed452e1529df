// The rules that every store keeps, in one place. Private to this module.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace hopyard::store {

/// The version rule of store.h; `stored` is the version of the row that is there, if one is.
inline Result<void> check_version(std::int64_t given,
                                  std::optional<std::int64_t> stored,
                                  const char* what) {
    if (given == 0 && stored)
        return fail(ErrorKind::already_exists, "row_exists", std::string(what) + " exists already");
    if (given != 0 && stored != given)
        return fail(ErrorKind::conflict,
                    "changed_meanwhile",
                    std::string(what) + " was changed by somebody else");
    return {};
}

inline Failure name_taken(const std::string& name) {
    return refuse("/name",
                  "name_taken",
                  "another cluster is named '" + name + "'",
                  "Choose another name.",
                  ErrorKind::already_exists);
}

inline Failure key_taken() {
    return fail(ErrorKind::already_exists, "key_exists", "another API key has the same hash");
}

inline Failure email_taken() {
    return refuse("/email",
                  "email_taken",
                  "somebody signs in with this address already",
                  "Use another address, or sign in.",
                  ErrorKind::already_exists);
}

inline Failure token_taken() {
    return fail(ErrorKind::already_exists, "token_exists", "another row has the same token");
}

inline Failure cluster_gone() {
    return fail(ErrorKind::conflict, "cluster_gone", "its cluster is not there any more");
}

inline Failure resources_left(const std::string& name) {
    return fail(ErrorKind::conflict, "resources_left", "the cluster still has '" + name + "'");
}

inline Failure lease_lost() {
    return fail(ErrorKind::conflict, "lease_lost", "another replica holds the loops");
}

inline Failure write_in_read() {
    return fail(ErrorKind::internal, "write_in_read", "a reading transaction tried to write");
}

}  // namespace hopyard::store
