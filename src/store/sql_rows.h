// Documents out of queries, and the version rule. Private to this module; SOCI's exceptions pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <soci/soci.h>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::store {

inline long long ms(Timestamp time) {
    return time.time_since_epoch().count();
}

template <class Row>
using Reader = Result<Row> (*)(std::string_view);

/// Runs a query whose one column is a document; `bind` adds the parameters.
template <class Row, class Bind>
Result<std::vector<Row>> documents(soci::session& sql,
                                   const std::string& query,
                                   Reader<Row> reader,
                                   Bind bind) {
    std::string document;
    soci::statement statement(sql);
    statement.exchange(soci::into(document));
    bind(statement);
    statement.alloc();
    statement.prepare(query);
    statement.define_and_bind();
    statement.execute(false);
    std::vector<Row> rows;
    while (statement.fetch()) {
        ASSIGN_OR_RETURN(auto row, reader(document));
        rows.push_back(std::move(row));
    }
    return rows;
}

template <class Row, class Bind>
Result<std::optional<Row>> document(soci::session& sql,
                                    const std::string& query,
                                    Reader<Row> reader,
                                    Bind bind) {
    ASSIGN_OR_RETURN(auto rows, documents<Row>(sql, query, reader, bind));
    if (rows.empty()) return std::optional<Row>();
    return std::optional<Row>(std::move(rows.front()));
}

/// Raises a row's version for a write, and lowers it again unless the write was kept.
class Raise {
  public:
    explicit Raise(std::int64_t& version) : version_(version) { ++version_; }
    ~Raise() {
        if (!kept_) --version_;
    }
    Raise(const Raise&) = delete;
    Raise& operator=(const Raise&) = delete;
    void keep() { kept_ = true; }

  private:
    std::int64_t& version_;
    bool kept_ = false;
};

}  // namespace hopyard::store
