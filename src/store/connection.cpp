#include "store/connection.h"

namespace hopyard::store {

Prepared::Prepared(Connection& connection, const std::string& query)
    : connection_(connection), query_(query) {
    if (auto known = connection.prepared_.extract(query)) {
        statement_ = std::move(known.mapped());
        return;
    }
    statement_ = std::make_unique<soci::statement>(connection);
    statement_->alloc();
    statement_->prepare(query);
}

Prepared::~Prepared() = default;

void Prepared::done() {
    statement_->bind_clean_up();
    connection_.prepared_.insert_or_assign(query_, std::move(statement_));
}

}  // namespace hopyard::store
