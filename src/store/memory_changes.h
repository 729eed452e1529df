// Changes of the maps of a store in memory, which are taken back unless they are kept. Private to
// this module.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "store/row_rules.h"

namespace hopyard::store {

class RowChanges {
  public:
    explicit RowChanges(bool writes) : writes_(writes) {}
    ~RowChanges() {
        if (kept_) return;
        for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) (*step)();
    }
    RowChanges(const RowChanges&) = delete;
    RowChanges& operator=(const RowChanges&) = delete;
    void keep() { kept_ = true; }

    bool may_write() const { return writes_; }
    /// How to take back what was just changed otherwise; runs when whoever inherits this is gone.
    void undo_by(std::function<void()> step) { undo_.push_back(std::move(step)); }
    template <class Map>
    Result<void> set(Map& map,
                     const typename Map::key_type& key,
                     const typename Map::mapped_type& value) {
        if (!writes_) return write_in_read();
        if (const auto old = map.find(key); old != map.end()) take_out(map, old);
        const auto* added = &map.emplace(key, value).first->first;
        undo_.push_back([&map, added] { map.erase(map.find(*added)); });
        return {};
    }
    template <class Map, class Row>
    Result<void> put_row(Map& map, const typename Map::key_type& key, Row& row, const char* what) {
        if (!writes_) return write_in_read();
        const auto found = map.find(key);
        std::optional<std::int64_t> stored;
        if (found != map.end()) stored = found->second.version;
        RETURN_IF_ERROR(check_version(row.version, stored, what));
        ++row.version;
        return set(map, key, row);
    }
    template <class Map>
    Result<void> erase_row(Map& map, const typename Map::key_type& key) {
        if (!writes_) return write_in_read();
        if (const auto row = map.find(key); row != map.end()) take_out(map, row);
        return {};
    }
    template <class Map, class Unwanted>
    Result<void> erase_where(Map& map, Unwanted unwanted) {
        if (!writes_) return write_in_read();
        for (auto row = map.begin(); row != map.end();) {
            const auto one = row++;
            if (unwanted(*one)) take_out(map, one);
        }
        return {};
    }

  private:
    /// Takes the row out of the map, to be put back when nothing comes of it.
    template <class Map>
    void take_out(Map& map, typename Map::iterator row) {
        // The node itself is kept: neither key nor row is copied.
        undo_.push_back([&map, node = std::make_shared<typename Map::node_type>(map.extract(row))] {
            map.insert(std::move(*node));
        });
    }

    const bool writes_;
    bool kept_ = false;
    std::vector<std::function<void()>> undo_;
};

}  // namespace hopyard::store
