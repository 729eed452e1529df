// What is left free on a row of machines, and which is the first that holds a piece: a tree of
// maxima over the row, so that looking costs the logarithm of its length in all but contrived
// cases. Private to this folder.
#pragma once

#include <cstddef>
#include <vector>

#include "model/demand.h"

namespace hopyard::decide::scale {

class Rooms {
  public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit Rooms(std::vector<model::Resources> rooms);

    std::size_t size() const { return size_; }
    const model::Resources& at(std::size_t index) const { return tree_[leaves_ + index]; }
    void set(std::size_t index, const model::Resources& room);
    /// It holds nothing any more, not even a piece of nothing.
    void close(std::size_t index);
    /// At the end of the row.
    void append(const model::Resources& room);
    /// Those at the end are there no more.
    void shorten(std::size_t size);
    /// The first at or after `from` and before `to` that holds it; `none` when none does.
    std::size_t first(const model::Resources& piece, std::size_t from, std::size_t to) const;

  private:
    void build(std::vector<model::Resources> rooms);
    std::size_t search(std::size_t node,
                       std::size_t low,
                       std::size_t width,
                       const model::Resources& piece,
                       std::size_t from,
                       std::size_t to) const;

    std::size_t size_ = 0;
    std::size_t leaves_ = 1;              ///< a power of two
    std::vector<model::Resources> tree_;  ///< leaves at [leaves_, 2 leaves_), parents hold maxima
};

/// How often it fits; 0 when not even once. A piece of nothing fits without end: at most `most`.
std::int64_t times_in(const model::Resources& room,
                      const model::Resources& piece,
                      std::int64_t most);

}  // namespace hopyard::decide::scale
