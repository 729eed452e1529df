#include "decide/scale/rooms.h"

#include <algorithm>

namespace hopyard::decide::scale {
namespace {

using model::Resources;

/// Smaller than every room, so that an empty leaf holds not even nothing.
constexpr Resources nowhere{.cpus = -1, .memory_mb = -1, .gpus = -1};

Resources larger(const Resources& a, const Resources& b) {
    return {.cpus = std::max(a.cpus, b.cpus),
            .memory_mb = std::max(a.memory_mb, b.memory_mb),
            .gpus = std::max(a.gpus, b.gpus)};
}

}  // namespace

Rooms::Rooms(std::vector<Resources> rooms) {
    build(std::move(rooms));
}

void Rooms::build(std::vector<Resources> rooms) {
    size_ = rooms.size();
    while (leaves_ < size_) leaves_ *= 2;
    tree_.assign(2 * leaves_, nowhere);
    std::copy(rooms.begin(), rooms.end(), tree_.begin() + static_cast<std::ptrdiff_t>(leaves_));
    for (std::size_t node = leaves_ - 1; node > 0; --node)
        tree_[node] = larger(tree_[2 * node], tree_[2 * node + 1]);
}

void Rooms::set(std::size_t index, const Resources& room) {
    std::size_t node = leaves_ + index;
    tree_[node] = room;
    for (node /= 2; node > 0; node /= 2) tree_[node] = larger(tree_[2 * node], tree_[2 * node + 1]);
}

void Rooms::close(std::size_t index) {
    set(index, nowhere);
}

void Rooms::append(const Resources& room) {
    if (size_ == leaves_) {
        std::vector<Resources> rooms(tree_.begin() + static_cast<std::ptrdiff_t>(leaves_),
                                     tree_.end());
        rooms.push_back(room);
        leaves_ *= 2;
        build(std::move(rooms));
        return;
    }
    set(size_++, room);
}

void Rooms::shorten(std::size_t size) {
    for (; size_ > size; --size_) close(size_ - 1);
}

std::size_t Rooms::search(std::size_t node,
                          std::size_t low,
                          std::size_t width,
                          const Resources& piece,
                          std::size_t from,
                          std::size_t to) const {
    if (low >= to || low + width <= from || !piece.fits_in(tree_[node])) return none;
    if (width == 1) return low;
    const std::size_t half = width / 2;
    const std::size_t left = search(2 * node, low, half, piece, from, to);
    return left != none ? left : search(2 * node + 1, low + half, half, piece, from, to);
}

std::size_t Rooms::first(const Resources& piece, std::size_t from, std::size_t to) const {
    return search(1, 0, leaves_, piece, from, std::min(to, size_));
}

std::int64_t times_in(const Resources& room, const Resources& piece, std::int64_t most) {
    if (!piece.fits_in(room)) return 0;
    if (most <= 1) return most;
    if (piece.cpus > 0) most = std::min(most, room.cpus / piece.cpus);
    if (piece.memory_mb > 0) most = std::min(most, room.memory_mb / piece.memory_mb);
    if (piece.gpus > 0) most = std::min(most, room.gpus / piece.gpus);
    return most;
}

}  // namespace hopyard::decide::scale
