// Looking: the list of everything, operations under way, and suspected orphans.
#include <algorithm>

#include "base/log.h"
#include "control/durations.h"
#include "control/loops_state.h"
#include "decide/lifecycle/retry.h"

namespace hopyard::control {
namespace {

using cloud::OperationState;
using model::Resource;
using model::ResourceKind;
using model::ResourceName;

/// How long a suspect is left alone after something was tried.
constexpr Milliseconds suspect_pause = Seconds(60);

}  // namespace

// --- the list ----------------------------------------------------------------------------------

void Loops::State::list_when_due(Timestamp now) {
    {
        const std::lock_guard lock(mutex);
        if (const auto closed = held.find({.traffic = Bucket::Traffic::list}); closed != held.end())
            list_at = std::max(list_at, closed->second);
        if (list_under_way || list_at > now) return;
        list_under_way = true;
        list_began = now;
        list_at = now + options.list_every;
        ++calls_under_way;
    }
    runner.run([this] { perform_list(); });
}

void Loops::State::perform_list() {
    const Timestamp began = clock.now();
    const auto listing = cloud.list(options.installation);
    note_reach(listing ? nullptr : &listing.error());
    {
        const std::lock_guard lock(mutex);
        list_under_way = false;
        --calls_under_way;
        if (!listing) {
            const Timestamp again =
                clock.now() + decide::wait_after(listing.error(), ++list_failures);
            list_at = std::min(again, clock.now() + options.list_every);
            // Neither a plan that wants a list nor a new lease brings it forward.
            if (listing.error().kind == ErrorKind::rate_limited)
                held[{.traffic = Bucket::Traffic::list}] = list_at = again;
        } else {
            list_failures = 0;
            observer.note_list(began, *listing);
            for (const auto& [id, known] : clusters)
                if (known.waits_for_list || observer.deviates(known.expected)) plan_soon(id);
            std::set<ResourceName> rows;
            for (const auto& [id, known] : clusters)
                rows.insert(known.rows.begin(), known.rows.end());
            sweeper.note_list(began, observer.listing(), [&](const ResourceName& name) {
                return rows.contains(name);
            });
        }
    }
    notify();
}

// --- operations --------------------------------------------------------------------------------

void Loops::State::look_at_operations(Timestamp now) {
    std::vector<std::pair<ResourceName, Pending>> due;
    std::optional<store::Lease> fence;
    {
        const std::lock_guard lock(mutex);
        fence = lease;
        if (!fence || is_held({.traffic = Bucket::Traffic::look}, now)) return;
        std::size_t looking = 0;
        for (const auto& [name, look] : pending) {
            looking += look.under_way;
            if (!look.under_way && look.look_at <= now) due.emplace_back(name, look);
        }
        std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
            return a.second.look_at < b.second.look_at;
        });
        const std::size_t room = looks_at_once_max - std::min(looks_at_once_max, looking);
        if (due.size() > room) due.resize(room);
        for (const auto& [name, look] : due) pending[name].under_way = true;
        calls_under_way += due.size();
    }
    for (auto& [name, look] : due)
        runner.run([this, name = name, look = look, fence = *fence] {
            perform_look(name, look, fence);
            {
                const std::lock_guard lock(mutex);
                --calls_under_way;
            }
            notify();
        });
}

void Loops::State::perform_look(const ResourceName& name, const Pending& look, store::Lease fence) {
    // An operation without an address is told from its resource.
    if (look.url.empty()) return look_through_resource(name, look, fence);
    const Timestamp began = clock.now();
    const auto state = cloud.poll(look.url);
    note_reach(state ? nullptr : &state.error());
    if (!state && state.error().kind == ErrorKind::not_found) {
        store_look(name, look, fence, [&](Resource& row) {
            if (look.verb == model::PendingOperation::Verb::remove) {
                note_success(row, look.verb, clock.now());
            } else {
                row.operation->url.clear();
            }
        });
        return;
    }
    if (!state) {
        hold({.traffic = Bucket::Traffic::look}, state.error());
        const Milliseconds wait = decide::wait_after(state.error(), look.attempt + 1);
        return look_later(name, began, wait, look.url);
    }
    switch (state->status) {
        case OperationState::Status::running: {
            const std::string url = state->url.empty() ? look.url : state->url;
            if (url != look.url)
                store_look(name, look, fence, [&](Resource& row) { row.operation->url = url; });
            return look_later(name, began, state->look_after, url);
        }
        case OperationState::Status::succeeded:
            return store_look(name, look, fence, [&](Resource& row) {
                note_success(row, look.verb, clock.now());
            });
        case OperationState::Status::failed:
            return store_look(name, look, fence, [&](Resource& row) {
                const Error unnamed{.code = "operation_failed",
                                    .message = "the cloud gave up without saying why",
                                    .owner = Owner::cloud};
                note_failure(row, state->failure.value_or(unnamed), clock.now());
            });
    }
}

void Loops::State::look_through_resource(const ResourceName& name,
                                         const Pending& look,
                                         const store::Lease& fence) {
    const Timestamp began = clock.now();
    const auto seen = cloud.read(name);
    note_reach(seen ? nullptr : &seen.error());
    if (!seen) {
        hold({.traffic = Bucket::Traffic::look}, seen.error());
        const Milliseconds wait = decide::wait_after(seen.error(), look.attempt + 1);
        return look_later(name, began, wait, look.url);
    }
    {
        const std::lock_guard lock(mutex);
        observer.note_read(name, began, *seen);
    }
    bool settled = true;
    store_look(name, look, fence, [&](Resource& row) {
        settled = settle_by_read(row, *seen, clock.now());
    });
    if (!settled) look_later(name, began, std::nullopt, look.url);
}

void Loops::State::look_later(const ResourceName& name,
                              Timestamp began,
                              std::optional<Milliseconds> asked,
                              std::string url) {
    const std::lock_guard lock(mutex);
    const auto found = pending.find(name);
    if (found == pending.end()) return;
    Pending& look = found->second;
    look.look_at = look_time(began, look.attempt++, asked);
    look.url = std::move(url);
    look.under_way = false;
}

Result<void> Loops::State::note_made(store::Transaction& t,
                                     const Resource& row,
                                     Milliseconds took) {
    ASSIGN_OR_RETURN(const auto cluster, t.cluster(row.cluster));
    if (!cluster) return {};
    std::string instance_type;
    if (row.name.kind == model::ResourceKind::machine) {
        ASSIGN_OR_RETURN(const auto node, t.node(row.node));
        if (node) instance_type = node->group.instance_type;
    }
    return note_making(t, cluster->spec.location, row.name.kind, instance_type, took);
}

/// Writes what a look told, unless the row has moved on since.
void Loops::State::store_look(const ResourceName& name,
                              const Pending& look,
                              const store::Lease& fence,
                              const std::function<void(Resource&)>& apply) {
    std::optional<Resource> stored;
    const auto written = write(fence, [&](store::Transaction& t) -> Result<void> {
        stored.reset();
        ASSIGN_OR_RETURN(auto row, t.resource(name));
        if (!row || !row->operation || row->operation->url != look.url ||
            row->operation->verb != look.verb)
            return {};
        const Resource before = *row;
        apply(*row);
        if (*row != before) RETURN_IF_ERROR(t.put(*row));
        if (row->made && !before.made)
            RETURN_IF_ERROR(note_made(t, *row, clock.now() - before.operation->started_at));
        if (row->problem && row->problem != before.problem && !is_transient(row->problem->kind)) {
            ASSIGN_OR_RETURN(const auto cluster, t.cluster(row->cluster));
            if (cluster) {
                model::Activity entry{.at = clock.now(),
                                      .organisation = cluster->organisation,
                                      .cluster = cluster->id,
                                      .node = row->node,
                                      .severity = model::Severity::warning,
                                      .code = "operation_failed",
                                      .message = name.name + ": " + row->problem->message,
                                      .actor = "hopyard",
                                      .error = row->problem};
                RETURN_IF_ERROR(t.append(entry));
            }
        }
        stored = std::move(row);
        return {};
    });
    if (!written) {
        log::warning("what became of an operation could not be stored",
                     {{"resource", name.name}, {"error", written.error().message}});
        return look_later(name, clock.now(), Milliseconds(1000), look.url);
    }
    {
        const std::lock_guard lock(mutex);
        const auto found = pending.find(name);
        const bool same = found != pending.end() && found->second.url == look.url &&
                          found->second.verb == look.verb;
        const bool goes_on = stored && stored->operation && is_looked_at(*stored->operation);
        if (same && !goes_on) pending.erase(found);
        if (same && goes_on) {
            found->second.url = stored->operation->url;
            found->second.under_way = false;
        }
        if (clusters.contains(look.cluster)) plan_soon(look.cluster);
    }
    tell_changed();
}

// --- orphans -----------------------------------------------------------------------------------

void Loops::State::sweep(Timestamp now) {
    std::vector<Suspect> due;
    {
        const std::lock_guard lock(mutex);
        if (is_held({.traffic = Bucket::Traffic::remove}, now)) return;
        due = sweeper.take_due(now);
        calls_under_way += due.size();
    }
    for (const Suspect& suspect : due)
        runner.run([this, suspect] {
            sweep_one(suspect);
            const std::lock_guard lock(mutex);
            --calls_under_way;
        });
}

void Loops::State::sweep_one(const Suspect& suspect) {
    const auto come_back = [&] {
        const std::lock_guard lock(mutex);
        sweeper.come_back(suspect.name, clock.now() + suspect_pause);
    };
    const auto clear = [&] {
        const std::lock_guard lock(mutex);
        sweeper.clear(suspect.name);
    };
    const auto row = has_row(store, suspect.name);
    if (!row) return come_back();
    if (*row) return clear();
    const auto seen = cloud.read(suspect.name);
    note_reach(seen ? nullptr : &seen.error());
    if (!seen) return come_back();
    if (!*seen || !sweeper.may_remove(**seen)) return clear();
    if (!suspect.told)
        log::warning(options.sweep_removes ? "an orphan is removed" : "an orphan was found",
                     {{"name", suspect.name.name}, {"cluster", suspect.cluster.value}});
    if (!options.sweep_removes) return come_back();
    const auto accepted = cloud.remove(suspect.name);
    note_reach(accepted ? nullptr : &accepted.error());
    if (!accepted) {
        hold({.traffic = Bucket::Traffic::remove}, accepted.error());
        log::warning("an orphan could not be removed",
                     {{"name", suspect.name.name}, {"error", accepted.error().message}});
    }
    come_back();
}

}  // namespace hopyard::control
