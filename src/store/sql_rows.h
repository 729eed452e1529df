// Documents out of queries, and the version rule. Private to this module; SOCI's exceptions pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/connection.h"

namespace hopyard::store {

inline long long ms(Timestamp time) {
    return time.time_since_epoch().count();
}

template <class Row>
using Reader = Result<Row> (*)(std::string_view);

/// Runs a statement with what it uses and what it gives, which is one row at most; true when it
/// gave one.
template <class... Exchanged>
bool run_prepared(Connection& sql, const std::string& query, const Exchanged&... exchanged) {
    Prepared statement(sql, query);
    (statement->exchange(exchanged), ...);
    statement->define_and_bind();
    const bool gave = statement->execute(true);
    // Up to the end: one that stops at a row would hold what it reads.
    if (gave && statement->fetch()) return true;
    statement.done();
    return gave;
}

/// Runs a query whose one column is a document; `bind` adds the parameters.
template <class Row, class Bind>
Result<std::vector<Row>> documents(Connection& sql,
                                   const std::string& query,
                                   Reader<Row> reader,
                                   Bind bind) {
    std::string document;
    Prepared statement(sql, query);
    statement->exchange(soci::into(document));
    bind(*statement);
    statement->define_and_bind();
    statement->execute(false);
    std::vector<Row> rows;
    while (statement->fetch()) {
        ASSIGN_OR_RETURN(auto row, reader(document));
        rows.push_back(std::move(row));
    }
    statement.done();
    return rows;
}

template <class Row, class Bind>
Result<std::optional<Row>> document(Connection& sql,
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
