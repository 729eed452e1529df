// What became of a call, written into its row.
#include <algorithm>

#include "control/executor.h"
#include "decide/lifecycle/retry.h"

namespace hopyard::control {
namespace {

using decide::Call;
using model::PendingOperation;
using model::Resource;
using model::ResourceKind;
using Verb = PendingOperation::Verb;

/// Never equal to what is wanted: nobody knows what a failed change left.
constexpr const char* content_unknown = "?";
/// A removal that has ended waits for list and read, not for a look at its operation.
constexpr Timestamp never{Milliseconds(253'370'764'800'000)};  // the year 9999

Verb verb_of(Call::Kind kind) {
    switch (kind) {
        case Call::Kind::remove:
            return Verb::remove;
        case Call::Kind::start:
            return Verb::start;
        case Call::Kind::deallocate:
            return Verb::stop;
        case Call::Kind::restart:
            return Verb::restart;
        default:
            return Verb::put;
    }
}

Error left_failed(const Resource& row) {
    return {.kind = ErrorKind::internal,
            .code = "left_failed",
            .message = "the cloud left " + row.name.name + " in a failed state",
            .owner = Owner::cloud,
            .next_action = "Nothing: it is tried again."};
}

Error vanished(const Resource& row) {
    return {.kind = ErrorKind::not_found,
            .code = decide::machine_vanished,
            .message = "the cloud began to make " + row.name.name + " and does not have it",
            .owner = Owner::cloud,
            .next_action = "Nothing: another is made."};
}

bool in_motion(cloud::Provisioning state) {
    return state == cloud::Provisioning::creating || state == cloud::Provisioning::updating ||
           state == cloud::Provisioning::deleting;
}

}  // namespace

bool is_looked_at(const PendingOperation& operation) {
    return operation.verb != Verb::remove || !operation.url.empty();
}

void note_accepted(Resource& row,
                   const Call& call,
                   const cloud::Accepted& accepted,
                   Timestamp now,
                   Timestamp look_at) {
    const Verb verb = verb_of(call.kind);
    row.changed_at = now;
    if (call.kind == Call::Kind::put || call.kind == Call::Kind::resize) row.applied = call.content;
    if (accepted.operation) {
        row.operation = PendingOperation{
            .verb = verb, .url = accepted.operation->url, .started_at = now, .look_at = look_at};
        return;
    }
    const bool failed = accepted.seen && accepted.seen->provisioning == cloud::Provisioning::failed;
    if (failed && verb == Verb::put) {
        row.applied = content_unknown;
        note_failure(row, accepted.seen->failure.value_or(left_failed(row)), now);
        return;
    }
    note_success(row, verb, now);
}

void note_success(Resource& row, Verb verb, Timestamp now) {
    row.operation.reset();
    row.problem.reset();
    row.try_again_at.reset();
    row.failed_attempts = 0;
    row.changed_at = now;
    switch (verb) {
        case Verb::put:
            // A machine that is made runs; one that is resized keeps its power.
            if (row.name.kind == ResourceKind::machine && !row.made) {
                row.running = true;
                row.deallocated = false;
            }
            row.made = true;
            break;
        case Verb::remove:
            row.running = false;
            row.operation = PendingOperation{
                .verb = Verb::remove, .url = "", .started_at = now, .look_at = never};
            break;
        case Verb::start:
            row.running = true;
            row.deallocated = false;
            break;
        case Verb::stop:
            row.running = false;
            row.deallocated = true;
            break;
        case Verb::restart:
            break;
    }
}

void note_failure(Resource& row, const Error& error, Timestamp now) {
    const bool was_put = row.operation && row.operation->verb == Verb::put;
    if (row.made && was_put) row.applied = content_unknown;
    row.operation.reset();
    row.problem = error;
    row.problem->retry_after.reset();
    // Being asked to wait is no failed attempt.
    if (error.kind != ErrorKind::rate_limited) ++row.failed_attempts;
    row.try_again_at = now + decide::wait_after(error, std::max(row.failed_attempts, 1));
    // What is not there did not change: else a call repeated often would keep list and read from
    // ever counting.
    if (error.kind != ErrorKind::not_found) row.changed_at = now;
}

bool settle_by_read(Resource& row, const std::optional<cloud::Seen>& seen, Timestamp now) {
    if (!row.operation) return true;
    const Verb verb = row.operation->verb;
    if (!seen) {
        if (verb == Verb::remove) {
            note_success(row, verb, now);
        } else if (verb == Verb::put && row.name.kind == ResourceKind::machine && !row.made) {
            note_failure(row, vanished(row), now);
        } else {
            // It came to nothing; whether the resource is gone, list and read will say.
            row.operation.reset();
            row.changed_at = now;
        }
        return true;
    }
    if (in_motion(seen->provisioning)) return false;
    const bool on = seen->power == cloud::Power::running || seen->power == cloud::Power::starting;
    const bool came_to_nothing = verb == Verb::remove || (verb == Verb::start && !on) ||
                                 (verb == Verb::stop && seen->power != cloud::Power::deallocated);
    if (seen->provisioning == cloud::Provisioning::failed) {
        note_failure(row, seen->failure.value_or(left_failed(row)), now);
    } else if (came_to_nothing) {
        row.operation.reset();
        row.changed_at = now;
    } else {
        note_success(row, verb, now);
    }
    return true;
}

bool learn(model::Cluster& cluster,
           model::Node* node,
           const Resource& row,
           const cloud::Seen& seen) {
    const auto set = [](std::string& field, const std::string& value) {
        if (value.empty() || field == value) return false;
        field = value;
        return true;
    };
    switch (row.name.kind) {
        case ResourceKind::public_address:
            return set(cluster.access.head_public_ip, seen.public_ip);
        case ResourceKind::network_interface: {
            bool changed = node != nullptr && set(node->private_ip, seen.private_ip);
            if (row.node.empty())
                changed = set(cluster.access.head_private_ip, seen.private_ip) || changed;
            return changed;
        }
        case ResourceKind::machine:
            return node != nullptr && set(node->machine_id, seen.machine_id);
        default:
            return false;
    }
}

}  // namespace hopyard::control
