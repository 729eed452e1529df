#include "decide/scale/packing.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

#include "base/words.h"

namespace hopyard::decide::scale {
namespace {

using model::Request;
using model::Resources;

bool rests(const Kind& kind, Timestamp now) {
    return kind.rests_until && *kind.rests_until > now;
}

/// How much of the largest machine around it takes, in its scarcest dimension.
class Share {
  public:
    explicit Share(const Situation& situation) {
        for (const Worker& worker : situation.workers) widen(worker.size);
        for (const Kind& kind : situation.general.kinds) widen(kind.size);
        if (!situation.gpu) return;
        for (const Kind& kind : situation.gpu->kinds) widen(kind.size);
    }
    double operator()(const Resources& piece) const {
        return std::max({part(piece.cpus, largest_.cpus),
                         part(piece.memory_mb, largest_.memory_mb),
                         part(piece.gpus, largest_.gpus)});
    }

  private:
    void widen(const Resources& size) {
        largest_.cpus = std::max(largest_.cpus, size.cpus);
        largest_.memory_mb = std::max(largest_.memory_mb, size.memory_mb);
        largest_.gpus = std::max(largest_.gpus, size.gpus);
    }
    static double part(std::int64_t of, std::int64_t whole) {
        return static_cast<double>(of) / static_cast<double>(std::max<std::int64_t>(whole, 1));
    }

    Resources largest_;
};

/// Large ones first: what is small fits into what they leave. Those that bring GPU work come before
/// all, so that a request without does not take the room beside a free GPU first.
std::vector<std::size_t> by_size(const Situation& situation) {
    const Share share(situation);
    std::vector<std::pair<double, std::size_t>> keyed;
    keyed.reserve(situation.requests.size());
    for (std::size_t i = 0; i < situation.requests.size(); ++i) {
        const Request& request = situation.requests[i];
        const double whole = request.whole_machine ? 1 : share(request.each);
        keyed.emplace_back(-(request.each.gpus > 0 ? 1 + whole : whole), i);
    }
    std::sort(keyed.begin(), keyed.end());
    std::vector<std::size_t> order;
    order.reserve(keyed.size());
    for (const auto& [key, index] : keyed) order.push_back(index);
    return order;
}

/// Ready, coming, leaving; of equal ones the fullest first, those without GPUs before.
auto rank_of(const Worker& worker) {
    const Resources room = free_of(worker);
    return std::tuple(static_cast<int>(worker.state),
                      room.gpus,
                      room.cpus,
                      room.memory_mb,
                      std::string_view(worker.name));
}

}  // namespace

Resources free_of(const Worker& worker) {
    Resources room = worker.size - worker.used;
    room.cpus = std::max<std::int64_t>(room.cpus, 0);
    room.memory_mb = std::max<std::int64_t>(room.memory_mb, 0);
    room.gpus = std::max<std::int64_t>(room.gpus, 0);
    return room;
}

GroupName group_for(const Request& request) {
    return request.each.gpus > 0 ? GroupName::gpu : GroupName::general;
}

Packing::Packing(const Situation& situation) : situation_(situation), rooms_({}) {
    of(GroupName::general).group = &situation.general;
    if (situation.gpu) of(GroupName::gpu).group = &*situation.gpu;
    for (Tally& tally : tallies_)
        tally.all_rest = tally.group != nullptr &&
                         std::all_of(tally.group->kinds.begin(),
                                     tally.group->kinds.end(),
                                     [&](const Kind& kind) { return rests(kind, situation.now); });
    add_workers();
}

bool Packing::rolls_over(const Worker& worker) const {
    return worker.group && worker.is_outdated && !worker.is_protected &&
           !of(*worker.group).all_rest;
}

bool Packing::may_come_back(const Slot& slot) const {
    return slot.is_leaving && !slot.is_recalled && !rolls_over(situation_.workers[slot.worker]);
}

void Packing::add_workers() {
    std::vector<std::size_t> order(situation_.workers.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return rank_of(situation_.workers[a]) < rank_of(situation_.workers[b]);
    });
    std::vector<Resources> rooms;
    for (const std::size_t index : order) {
        const Worker& worker = situation_.workers[index];
        const bool leaves = worker.state == Worker::State::leaving;
        const bool is_gone = worker.state == Worker::State::gone;
        if (worker.group) {
            Tally& tally = of(*worker.group);
            ++tally.present;
            if (!leaves && !is_gone) ++tally.staying;
            tally.met_resting |= worker.is_outdated && tally.all_rest;
        }
        if (is_gone || !worker.takes_work) continue;
        slots_.push_back(
            {.worker = index, .group = worker.group, .size = worker.size, .is_leaving = leaves});
        rooms.push_back(free_of(worker));
    }
    rooms_ = Rooms(std::move(rooms));
}

void Packing::place_requests() {
    for (const std::size_t request : by_size(situation_)) place(request);
}

void Packing::place(std::size_t index) {
    const Request& request = situation_.requests[index];
    if (!request.machines.empty()) return place_named(index);
    const bool alike = request.pieces == 1 && !request.whole_machine;
    std::int64_t placed = alike ? place_alike(index) : 0;
    if (!alike)
        while (placed < request.count && place_one(index)) ++placed;
    if (placed > 0) has_packed_ = true;
    if (placed < request.count) refuse(index, request.count - placed);
}

/// A machine that was asked for by name is never bought: it is there, or it is not.
void Packing::place_named(std::size_t index) {
    const Request& request = situation_.requests[index];
    for (const std::string& name : request.machines) {
        const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& each) {
            return each.worker != Slot::fresh && situation_.workers[each.worker].name == name;
        });
        if (slot == slots_.end()) {
            unmet_.push_back({.request = request.name,
                              .why = Unmet::Why::machine,
                              .reason = fmt::format("it asks for the machine {}, which is not "
                                                    "there",
                                                    name)});
            return;
        }
        const auto at = static_cast<std::size_t>(slot - slots_.begin());
        if (request.each.fits_in(rooms_.at(at))) take(at, request, 1, index);
        has_packed_ = true;
    }
    undo_.clear();
}

std::size_t Packing::find(const Request& request, std::size_t from) {
    std::size_t at = from;
    for (;; ++at) {
        at = rooms_.first(request.each, at, rooms_.size());
        if (at == Rooms::none) return at;
        const Slot& slot = slots_[at];
        if (slot.is_leaving && !slot.is_recalled) {
            const Tally& tally = of(*slot.group);
            if (tally.group == nullptr || tally.staying >= tally.group->policy.max_workers ||
                !may_come_back(slot))
                continue;
        }
        if (!request.whole_machine || rooms_.at(at) == slot.size) return at;
    }
}

std::int64_t Packing::place_alike(std::size_t index) {
    const Request& request = situation_.requests[index];
    std::int64_t left = request.count;
    std::size_t at = 0;
    while (left > 0) {
        at = find(request, at);
        if (at == Rooms::none) at = open(request, index);
        if (at == Rooms::none) break;
        const std::int64_t taken = times_in(rooms_.at(at), request.each, left);
        take(at, request, taken, index);
        left -= taken;
        ++at;
    }
    undo_.clear();
    return request.count - left;
}

bool Packing::place_one(std::size_t index) {
    const Request& request = situation_.requests[index];
    const std::size_t fresh_from = slots_.size();
    std::int64_t left = request.pieces;
    std::size_t at = 0;
    while (left > 0) {
        at = find(request, at);
        if (at == Rooms::none) at = open(request, index);
        if (at == Rooms::none) {
            undo(fresh_from);
            return false;
        }
        const bool only_one = request.apart || request.whole_machine;
        const std::int64_t taken = only_one ? 1 : times_in(rooms_.at(at), request.each, left);
        take(at, request, taken, index);
        left -= taken;
        ++at;
    }
    undo_.clear();
    return true;
}

void Packing::take(std::size_t at, const Request& request, std::int64_t pieces, std::size_t by) {
    Slot& slot = slots_[at];
    const Resources before = rooms_.at(at);
    undo_.push_back({at, before, slot.pieces, slot.is_recalled});
    rooms_.set(at, request.whole_machine ? Resources{} : before - request.each * pieces);
    slot.pieces += pieces;
    if (slot.is_leaving && !slot.is_recalled) {
        slot.asked_by = by;
        recall(at, "request");
    }
}

void Packing::undo(std::size_t fresh_from) {
    for (auto entry = undo_.rbegin(); entry != undo_.rend(); ++entry) {
        Slot& slot = slots_[entry->slot];
        rooms_.set(entry->slot, entry->room);
        slot.pieces = entry->pieces;
        if (slot.is_recalled && !entry->was_recalled) {
            slot.is_recalled = false;
            --of(*slot.group).staying;
        }
    }
    while (slots_.size() > fresh_from) {
        Tally& tally = of(*slots_.back().group);
        --tally.staying;
        --tally.present;
        slots_.pop_back();
    }
    rooms_.shorten(fresh_from);
    undo_.clear();
}

std::size_t Packing::open(const Request& request, std::size_t index) {
    const GroupName name = group_for(request);
    Tally& tally = of(name);
    if (tally.group == nullptr) return Rooms::none;
#ifndef HOPYARD_DEFECT_scale_above_maximum
    if (tally.present >= tally.group->policy.max_workers) return Rooms::none;
#endif
    const std::vector<Kind>& kinds = tally.group->kinds;
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        if (!request.each.fits_in(kinds[kind].size)) continue;
        if (rests(kinds[kind], situation_.now)) {
            tally.met_resting = true;
            continue;
        }
        slots_.push_back({.group = name,
                          .kind = kind,
                          .size = kinds[kind].size,
                          .asked_by = index,
                          .rule = "request"});
        rooms_.append(kinds[kind].size);
        ++tally.staying;
        ++tally.present;
        return slots_.size() - 1;
    }
    return Rooms::none;
}

void Packing::recall(std::size_t at, const char* rule) {
    Slot& slot = slots_[at];
    slot.is_recalled = true;
    slot.rule = rule;
    ++of(*slot.group).staying;
}

void Packing::let_go(std::size_t at, const char* rule) {
    Slot& slot = slots_[at];
    slot.is_let_go = true;
    slot.rule = rule;
    rooms_.close(at);
    --of(*slot.group).staying;
}

void Packing::put_off(std::size_t at) {
    let_go(at, "request");
    --of(*slots_[at].group).present;
}

void Packing::note_put_off(std::size_t request, std::int64_t count) {
    unmet_.push_back({.request = situation_.requests[request].name,
                      .count = count,
                      .why = Unmet::Why::soon,
                      .reason = "what runs will probably end before a new worker would be there"});
}

std::optional<std::size_t> Packing::one_more(GroupName name,
                                             const char* rule,
                                             const Resources& least) {
    Tally& tally = of(name);
    if (tally.group == nullptr || tally.staying >= tally.group->policy.max_workers)
        return std::nullopt;
    for (std::size_t at = 0; at < slots_.size(); ++at) {
        const Slot& slot = slots_[at];
        if (slot.group != name || !may_come_back(slot) || !least.fits_in(rooms_.at(at))) continue;
        recall(at, rule);
        return at;
    }
    Resources piece = least;
    // The piece tells the group.
    piece.gpus = name == GroupName::gpu ? std::max<std::int64_t>(piece.gpus, 1) : 0;
    const std::size_t at = open({.each = piece}, 0);
    if (at == Rooms::none) return std::nullopt;
    slots_[at].rule = rule;
    return at;
}

// --- what could not be placed -------------------------------------------------------------------

void Packing::refuse(std::size_t index, std::int64_t count) {
    const Request& request = situation_.requests[index];
    Unmet unmet = why_not(request);
    unmet.request = request.name;
    unmet.count = count;
    if (!unmet.is_hopeless()) has_packed_ = true;
    unmet_.push_back(std::move(unmet));
}

Unmet Packing::why_not(const Request& request) const {
    const GroupName name = group_for(request);
    const Group* group = of(name).group;
    const auto pieces_on = [&](const Resources& size) {
        const std::int64_t most = request.apart || request.whole_machine ? 1 : request.pieces;
        return times_in(size, request.each, most);
    };
    std::int64_t on_a_new_one = 0;
    bool all_rest = true;
    if (group != nullptr)
        for (const Kind& kind : group->kinds) {
            const std::int64_t pieces = pieces_on(kind.size);
            on_a_new_one = std::max(on_a_new_one, pieces);
            if (pieces > 0) all_rest = all_rest && rests(kind, situation_.now);
        }
    const int max = group == nullptr ? 0 : group->policy.max_workers;
    std::int64_t at_best = on_a_new_one * max;
    // With the machines that the group does not count: they are there anyhow.
    for (const Worker& worker : situation_.workers) {
        if (at_best >= request.pieces) break;
        if (worker.group != name && worker.state != Worker::State::gone)
            at_best += pieces_on(worker.size);
    }
    if (at_best == 0)
        return {.why = Unmet::Why::no_kind,
                .reason = fmt::format("it needs {} on one machine; {}",
                                      in_words(request.each),
                                      group == nullptr ? "there is no group with GPUs"
                                                       : "no worker that may be had is so large")};
    if (at_best < request.pieces)
        return {.why = Unmet::Why::too_many,
                .reason = fmt::format("it needs {} with {} at once; the group may have {}",
                                      counted(request.pieces, "machine"),
                                      in_words(request.each),
                                      max)};
    if (on_a_new_one > 0 && all_rest)
        return {.why = Unmet::Why::resting,
                .reason = "the cloud refused every type that would do; it is asked again later"};
    return {.why = Unmet::Why::maximum,
            .reason = fmt::format("the group has the {} that it may have", counted(max, "worker"))};
}

}  // namespace hopyard::decide::scale
