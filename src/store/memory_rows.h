// Finding and copying rows of the maps that a store in memory consists of. Private to this module.
#pragma once

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::store {

template <class Map, class Key>
Result<std::optional<typename Map::mapped_type>> find_row(const Map& map, const Key& key) {
    // Made where it is returned: rows are large.
    Result<std::optional<typename Map::mapped_type>> row;
    if (const auto found = map.find(key); found != map.end()) row->emplace(found->second);
    return row;
}

/// Copies are made last, of what is wanted, in the order in which it is wanted.
template <class Map, class Keep>
auto rows_where(const Map& map, Keep keep) {
    std::vector<const typename Map::mapped_type*> found;
    for (const auto& [key, row] : map)
        if (keep(row)) found.push_back(&row);
    return found;
}

template <class Row>
std::vector<Row> copies(const std::vector<const Row*>& found) {
    std::vector<Row> rows;
    rows.reserve(found.size());
    for (const Row* row : found) rows.push_back(*row);
    return rows;
}

/// The rows by that time, and by id where it is the same.
template <class Row>
std::vector<Row> in_order(std::vector<const Row*> found, Timestamp Row::*at) {
    std::sort(found.begin(), found.end(), [&](const Row* a, const Row* b) {
        return std::tie(a->*at, a->id) < std::tie(b->*at, b->id);
    });
    return copies(found);
}

template <class Map, class Wanted>
Result<std::optional<typename Map::mapped_type>> first_where(const Map& map, Wanted wanted) {
    Result<std::optional<typename Map::mapped_type>> row;
    for (const auto& [key, each] : map)
        if (wanted(each)) {
            row->emplace(each);
            break;
        }
    return row;
}

}  // namespace hopyard::store
