// Calls about one resource or one container: sent by whoever runs them, and their outcome stored.
#include <algorithm>

#include "base/backoff.h"
#include "base/log.h"
#include "control/loops_state.h"
#include "control/secrets.h"
#include "decide/lifecycle/retry.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using cloud::Accepted;
using decide::Call;
using model::Node;
using model::PendingOperation;
using model::Resource;
using model::ResourceKind;

/// Between two looks at an operation, when the cloud asks for nothing: it may hold the answer until
/// something happens, so the wait counts from the beginning of the look before.
constexpr Backoff look_backoff{.first = Milliseconds(50), .most = Milliseconds(1000)};
constexpr Milliseconds look_gap{5};

bool is_about_container(Call::Kind kind) {
    return kind == Call::Kind::claim_container || kind == Call::Kind::grant_storage ||
           kind == Call::Kind::revoke_storage;
}

/// What a person wants to see of the requests that the cloud took.
const char* accepted_code(Call::Kind kind) {
    switch (kind) {
        case Call::Kind::put:
            return "resource_requested";
        case Call::Kind::remove:
            return "removal_requested";
        case Call::Kind::start:
            return "start_requested";
        case Call::Kind::deallocate:
            return "stop_requested";
        case Call::Kind::restart:
            return "restart_requested";
        case Call::Kind::resize:
            return "resize_requested";
        default:
            return "";
    }
}

model::Activity entry_of(const Job& job, const model::Cluster& cluster, const Resource& row) {
    return {.organisation = cluster.organisation,
            .cluster = cluster.id,
            .node = row.node,
            .code = accepted_code(job.call.kind),
            .message = std::string(to_string(row.name.kind)) + " " + row.name.name,
            .reason = job.call.reason,
            .actor = "hopyard"};
}

}  // namespace

Bucket bucket_of(const Call& call) {
    const bool of_machines =
        call.name.kind == ResourceKind::machine || call.name.kind == ResourceKind::disk;
    switch (call.kind) {
        case Call::Kind::put:
        case Call::Kind::resize:
            return {Bucket::Traffic::put, of_machines};
        case Call::Kind::remove:
            return {Bucket::Traffic::remove, of_machines};
        case Call::Kind::start:
        case Call::Kind::deallocate:
        case Call::Kind::restart:
            return {Bucket::Traffic::act, of_machines};
        case Call::Kind::read:
            return {Bucket::Traffic::read, of_machines};
        case Call::Kind::claim_container:
        case Call::Kind::grant_storage:
        case Call::Kind::revoke_storage:
            break;
    }
    return {Bucket::Traffic::storage, false};
}

void Loops::State::hold(const Bucket& bucket, const Error& error) {
    if (error.kind != ErrorKind::rate_limited) return;
    const Timestamp until = clock.now() + decide::wait_after(error, 1);
    const std::lock_guard lock(mutex);
    Timestamp& end = held.try_emplace(bucket, until).first->second;
    end = std::max(end, until);
}

bool Loops::State::is_held(const Bucket& bucket, Timestamp now) const {
    const auto found = held.find(bucket);
    return found != held.end() && found->second > now;
}

/// Null: an answer came. What was not sent because its bucket is held says nothing.
void Loops::State::note_reach(const Error* error) {
    if (error != nullptr && error->code == "bucket_held") return;
    tell(LoopEvent::call, error == nullptr ? "done" : to_string(error->kind));
    const bool silent = error != nullptr && (error->kind == ErrorKind::unavailable ||
                                             error->kind == ErrorKind::timed_out);
    const Timestamp now = clock.now();
    const std::lock_guard lock(mutex);
    if (!silent) {
        cloud_problem.reset();
        cloud_problem_since.reset();
        return;
    }
    cloud_problem = *error;
    if (!cloud_problem_since) cloud_problem_since = now;
}

/// The cloud's own wish, else ours; 0 is no wish.
Timestamp Loops::State::look_time(Timestamp began, int attempt, std::optional<Milliseconds> asked) {
    const Timestamp now = clock.now();
    if (asked && asked->count() > 0) return now + *asked;
    return std::max(began + wait_before(look_backoff, attempt, random), now + look_gap);
}

void Loops::State::hand_over(Job job) {
    {
        const Timestamp now = clock.now();
        const std::lock_guard lock(mutex);
        const Bucket bucket = bucket_of(job.call);
        if (is_held(bucket, now)) {
            // Planned again when the bucket is open.
            agenda.put(job.cluster, held[bucket]);
            return;
        }
        if (is_about_container(job.call.kind)) {
            clusters[job.cluster].storage_busy = true;
        } else {
            busy.insert(job.call.name);
            if (job.call.kind != Call::Kind::read) pending.erase(job.call.name);
        }
        ++calls_under_way;
    }
    runner.run([this, job = std::move(job)] { perform(job); });
}

/// A replica that stood still may have lost the loops without knowing it.
bool Loops::State::still_holds(const store::Lease& fence) const {
#ifdef HOPYARD_DEFECT_ignore_fence
    (void)fence;
    return true;
#else
    const Timestamp now = clock.now();
    const std::lock_guard lock(mutex);
    return lease && lease->generation == fence.generation && now < lease->expires_at;
#endif
}

void Loops::State::perform(const Job& job) {
    if (!still_holds(job.fence)) return finish(job);
    bool stores = true;
    if (is_about_container(job.call.kind)) {
        perform_storage(job);
    } else if (job.call.kind == Call::Kind::read) {
        stores = perform_read(job);
    } else {
        const auto outcome = ask(job);
        note_reach(outcome ? nullptr : &outcome.error());
        if (!outcome) hold(bucket_of(job.call), outcome.error());
        store_outcome(job, outcome);
    }
    finish(job);
    if (stores) tell_changed();
}

void Loops::State::finish(const Job& job) {
    {
        const std::lock_guard lock(mutex);
        if (is_about_container(job.call.kind)) {
            if (const auto known = clusters.find(job.cluster); known != clusters.end())
                known->second.storage_busy = false;
        } else {
            busy.erase(job.call.name);
        }
        --calls_under_way;
        if (clusters.contains(job.cluster)) plan_soon(job.cluster);
    }
    notify();
}

Result<Accepted> Loops::State::ask(const Job& job) {
    switch (job.call.kind) {
        case Call::Kind::put:
            return cloud.put(*job.request);
        case Call::Kind::remove:
            return cloud.remove(job.call.name);
        case Call::Kind::start:
            return cloud.power(job.call.name, cloud::PowerAction::start);
        case Call::Kind::deallocate:
            return cloud.power(job.call.name, cloud::PowerAction::deallocate);
        case Call::Kind::restart:
            return cloud.power(job.call.name, cloud::PowerAction::restart);
        case Call::Kind::resize:
            return cloud.resize(job.call.name, job.call.content);
        default:
            return fail(ErrorKind::internal, "unknown_call", "a call that nobody can send");
    }
}

void Loops::State::store_outcome(const Job& job, const Result<Accepted>& outcome) {
    const Timestamp now = clock.now();
    Timestamp look_at = now;
    if (outcome && outcome->operation) look_at = look_time(now, 0, outcome->operation->look_after);
    std::optional<Resource> stored;
    const auto written = write(job.fence, [&](store::Transaction& t) -> Result<void> {
        stored.reset();
        ASSIGN_OR_RETURN(auto row, t.resource(job.call.name));
        if (!row || row->cluster != job.cluster) return {};
        ASSIGN_OR_RETURN(const auto cluster, t.cluster(job.cluster));
        if (!cluster) return {};
        model::Activity entry = entry_of(job, *cluster, *row);
        entry.at = now;
        if (outcome) {
            note_accepted(*row, job.call, *outcome, now, look_at);
            entry.cloud_request_id = outcome->request_id;
        } else {
            note_failure(*row, outcome.error(), now);
            entry.code = "request_failed";
            entry.severity = model::Severity::warning;
            entry.error = row->problem;
        }
        RETURN_IF_ERROR(t.put(*row));
        // Whoever throttles or was not reached is told of once, not with every request.
        if (outcome || !is_transient(outcome.error().kind)) RETURN_IF_ERROR(t.append(entry));
        if (outcome && outcome->seen) RETURN_IF_ERROR(put_learned(t, *row, *outcome->seen));
        stored = row;
        return {};
    });
    if (!written)
        log::warning("an outcome could not be stored",
                     {{"resource", job.call.name.name}, {"error", written.error().message}});
    if (!stored || !written || !stored->operation || !is_looked_at(*stored->operation)) return;
    const std::lock_guard lock(mutex);
    pending[stored->name] = {.cluster = job.cluster,
                             .verb = stored->operation->verb,
                             .url = stored->operation->url,
                             .look_at = look_at};
}

Result<void> Loops::State::put_learned(store::Transaction& t,
                                       const Resource& row,
                                       const cloud::Seen& seen) {
    ASSIGN_OR_RETURN(auto cluster, t.cluster(row.cluster));
    if (!cluster) return {};
    std::optional<Node> node;
    if (!row.node.empty()) {
        ASSIGN_OR_RETURN(node, t.node(row.node));
    } else if (row.name.kind == ResourceKind::network_interface) {
        ASSIGN_OR_RETURN(const auto nodes, t.nodes(row.cluster));
        for (const Node& one : nodes)
            if (one.is_head && one.wanted != model::NodeWanted::removed) node = one;
    }
    const model::Cluster cluster_before = *cluster;
    const std::optional<Node> node_before = node;
    if (!learn(*cluster, node ? &*node : nullptr, row, seen)) return {};
    if (*cluster != cluster_before) RETURN_IF_ERROR(t.put(*cluster));
    if (node && *node != *node_before) RETURN_IF_ERROR(t.put(*node));
    return {};
}

/// True when something may have been stored.
bool Loops::State::perform_read(const Job& job) {
    const Timestamp began = clock.now();
    const auto seen = cloud.read(job.call.name);
    note_reach(seen ? nullptr : &seen.error());
    if (!seen) {
        hold(bucket_of(job.call), seen.error());
        const std::lock_guard lock(mutex);
        auto& [until, attempts] = read_again_at[job.call.name];
        until = clock.now() + decide::wait_after(seen.error(), ++attempts);
        return false;
    }
    {
        const std::lock_guard lock(mutex);
        read_again_at.erase(job.call.name);
        observer.note_read(job.call.name, began, *seen);
    }
    if (!*seen) return false;
    // Mostly there is nothing new in it, and nothing to write.
    bool is_new = false;
    const auto looked = store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto row, t.resource(job.call.name));
        if (!row) return {};
        ASSIGN_OR_RETURN(auto cluster, t.cluster(row->cluster));
        if (!cluster) return {};
        std::optional<Node> node;
        if (!row->node.empty()) {
            ASSIGN_OR_RETURN(node, t.node(row->node));
        }
        is_new = learn(*cluster, node ? &*node : nullptr, *row, **seen);
        return {};
    });
    if (!looked || !is_new) return false;
    const auto written = write(job.fence, [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto row, t.resource(job.call.name));
        if (!row) return {};
        return put_learned(t, *row, **seen);
    });
    if (!written)
        log::warning("what was seen could not be stored", {{"error", written.error().message}});
    return true;
}

void Loops::State::perform_storage(const Job& job) {
    const Timestamp expires_at = clock.now() + options.timing.grant;
    const std::string policy = access_policy(job.cluster);
    Result<void> outcome;
    std::optional<cloud::ContainerGrant> grant;
    switch (job.call.kind) {
        case Call::Kind::claim_container:
            outcome = storage.create_container(job.container);
            if (outcome)
                outcome =
                    storage.claim(job.container, claim_owner(options.installation, job.cluster));
            break;
        case Call::Kind::grant_storage: {
            auto given = storage.grant(job.container, policy, expires_at);
            if (given)
                grant = std::move(*given);
            else
                outcome = pass(given.error());
            break;
        }
        default:
            outcome = storage.revoke(job.container, policy);
    }
    note_reach(outcome ? nullptr : &outcome.error());
    if (!outcome) hold(bucket_of(job.call), outcome.error());
    const Timestamp now = clock.now();
    const auto written = write(job.fence, [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto cluster, t.cluster(job.cluster));
        if (!cluster) return {};
        const bool answered = outcome || !(outcome.error().kind == ErrorKind::timed_out ||
                                           outcome.error().kind == ErrorKind::unavailable);
        if (answered) cluster->storage_unsure_until = job.unsure_until;
        if (!outcome) {
            cluster->storage_problem = outcome.error();
            cluster->storage_problem->retry_after.reset();
            if (outcome.error().kind != ErrorKind::rate_limited) ++cluster->storage_attempts;
            cluster->storage_try_again_at =
                now + decide::wait_after(outcome.error(), std::max(cluster->storage_attempts, 1));
            return t.put(*cluster);
        }
        cluster->storage_problem.reset();
        cluster->storage_attempts = 0;
        cluster->storage_try_again_at.reset();
        if (job.call.kind == Call::Kind::claim_container) cluster->container_claimed = true;
        if (job.call.kind == Call::Kind::revoke_storage) cluster->storage_policy_set = false;
        if (grant) {
            cluster->storage_policy_set = true;
            cluster->storage_grant_expires_at = grant->expires_at;
            RETURN_IF_ERROR(t.put_secret(storage_grant_secret(job.cluster), grant->sas_url));
        } else if (job.call.kind == Call::Kind::revoke_storage) {
            cluster->storage_grant_expires_at.reset();
        }
        return t.put(*cluster);
    });
    if (!written)
        log::warning("an outcome could not be stored",
                     {{"cluster", job.cluster.value}, {"error", written.error().message}});
}

}  // namespace hopyard::control
