#include "decide/lifecycle/retry.h"

#include <algorithm>

namespace hopyard::decide {
namespace {

Milliseconds doubling(Milliseconds first, Milliseconds most, int attempts) {
    Milliseconds wait = first;
    for (int i = 1; i < attempts && wait < most; ++i) wait *= 2;
    return std::min(wait, most);
}

}  // namespace

bool needs_somebody(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::timed_out:
        case ErrorKind::unavailable:
        case ErrorKind::rate_limited:
        case ErrorKind::conflict:
        case ErrorKind::cancelled:
        case ErrorKind::not_found:
            return false;
        default:
            return true;
    }
}

bool retires_machine(ErrorKind kind) {
    return kind == ErrorKind::quota_exceeded || kind == ErrorKind::capacity_unavailable ||
           kind == ErrorKind::internal || kind == ErrorKind::invalid_argument;
}

Milliseconds wait_after(const Error& error, int attempts) {
    // Who is told when to come back comes back then: waiting longer each time helps nobody.
    if (error.kind == ErrorKind::rate_limited && error.retry_after) return *error.retry_after;
    Milliseconds wait{0};
    switch (error.kind) {
        // Capacity comes back within the hour, quota when somebody raised it or freed some.
        case ErrorKind::quota_exceeded:
        case ErrorKind::capacity_unavailable:
#ifdef HOPYARD_DEFECT_retry_quota_blindly
            wait = Seconds(2);
#else
            wait = doubling(Seconds(600), Seconds(3600), attempts);
#endif
            break;
        // A role takes minutes to act once it is granted.
        case ErrorKind::permission_denied:
        case ErrorKind::unauthenticated:
            wait = doubling(Seconds(60), Seconds(600), attempts);
            break;
        case ErrorKind::invalid_argument:
        case ErrorKind::already_exists:
        case ErrorKind::internal:
            wait = doubling(Seconds(30), Seconds(900), attempts);
            break;
        case ErrorKind::rate_limited:
        case ErrorKind::conflict:
        case ErrorKind::cancelled:
        case ErrorKind::not_found:
        case ErrorKind::timed_out:
        case ErrorKind::unavailable:
            wait = doubling(Milliseconds(250), Seconds(30), attempts);
            break;
    }
    return error.retry_after ? std::max(wait, *error.retry_after) : wait;
}

}  // namespace hopyard::decide
