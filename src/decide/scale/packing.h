// Packing of what waits into machines: into what is free, then into what is coming, then into what
// is leaving and can be called back, then into new ones. Large requests first, each into the first
// machine that holds it, the fullest machines first. Private to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decide/scale/rooms.h"
#include "decide/scale/scale.h"

namespace hopyard::decide::scale {

/// A machine that may hold waiting work.
struct Slot {
    static constexpr std::size_t fresh = static_cast<std::size_t>(-1);

    std::size_t worker = fresh;  ///< index in Situation::workers
    std::optional<GroupName> group;
    std::size_t kind = 0;  ///< of a fresh one: index in the group's kinds
    model::Resources size;
    std::int64_t pieces = 0;   ///< of waiting requests, packed there
    std::size_t asked_by = 0;  ///< of a fresh or recalled one: index of the first request in it
    bool is_leaving = false;   ///< taking it means calling it back
    bool is_recalled = false;
    bool is_let_go = false;
    const char* rule = "";  ///< why it is fresh, recalled or let go
    /// Fresh or recalled: it costs more than before.
    bool is_bought() const { return worker == fresh || is_recalled; }
};

class Packing {
  public:
    explicit Packing(const Situation& situation);

    /// All requests, and what of them could not be placed.
    void place_requests();
    /// One more worker for the group: one that leaves is called back, else a new one of the first
    /// kind that does not rest. `least` finds room on it. Its slot; none when the maximum or
    /// resting kinds forbid it.
    std::optional<std::size_t> one_more(GroupName group,
                                        const char* rule,
                                        const model::Resources& least = {});
    void recall(std::size_t slot, const char* rule);
    /// Its room counts no more.
    void let_go(std::size_t slot, const char* rule);
    /// A new one is not asked for after all; what was packed there waits.
    void put_off(std::size_t slot);
    void note_put_off(std::size_t request, std::int64_t count);

    const std::vector<Slot>& slots() const { return slots_; }
    const model::Resources& room(std::size_t slot) const { return rooms_.at(slot); }
    const std::vector<Unmet>& unmet() const { return unmet_; }
    /// Workers that stay: coming, ready, recalled and fresh, without those let go.
    int staying(GroupName group) const { return of(group).staying; }
    bool has_packed() const { return has_packed_; }
    /// It is to be replaced: its group's kinds were changed since. Not while the cloud has none of
    /// the new ones: an old worker is better than none.
    bool rolls_over(const Worker& worker) const;
    /// Those that leave and those whose machine may still be there included.
    int present(GroupName group) const { return of(group).present; }
    /// A refused kind was passed over.
    bool met_resting(GroupName group) const { return of(group).met_resting; }

  private:
    struct Tally {
        const Group* group = nullptr;
        int staying = 0;
        int present = 0;  ///< with those that leave or are gone: counts for the maximum
        bool met_resting = false;
        bool all_rest = false;
    };
    struct Undo {
        std::size_t slot;
        model::Resources room;
        std::int64_t pieces;
        bool was_recalled;
    };

    bool may_come_back(const Slot& slot) const;
    Tally& of(GroupName group) { return tallies_[static_cast<std::size_t>(group)]; }
    const Tally& of(GroupName group) const { return tallies_[static_cast<std::size_t>(group)]; }
    void add_workers();
    void place(std::size_t request);
    void place_named(std::size_t request);
    bool place_one(std::size_t request);
    std::int64_t place_alike(std::size_t request);
    std::size_t find(const model::Request& request, std::size_t from);
    /// Room for one piece on a new worker of the piece's group; `Rooms::none` when there may be
    /// none.
    std::size_t open(const model::Request& request, std::size_t request_index);
    void take(std::size_t slot, const model::Request& request, std::int64_t pieces, std::size_t by);
    void undo(std::size_t fresh_from);
    void refuse(std::size_t request, std::int64_t count);
    Unmet why_not(const model::Request& request) const;

    const Situation& situation_;
    std::vector<Slot> slots_;
    Rooms rooms_;
    Tally tallies_[2];
    std::vector<Unmet> unmet_;
    std::vector<Undo> undo_;
    bool has_packed_ = false;
};

/// What is unallocated on it; never negative.
model::Resources free_of(const Worker& worker);

/// The group whose workers may be bought for it: those with GPUs for what asks for GPUs.
GroupName group_for(const model::Request& request);

}  // namespace hopyard::decide::scale
