// The table of wrong set-ups (table.yaml): a cloud and a request that are sound, and entries that
// say what is wrong in one or both. An entry's `cloud` and `spec` are JSON merge patches (RFC
// 7396).
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace hopyard::wrong_setups {

/// What the dry run must find; words are parts of the cause and of the remedy.
struct Finding {
    std::string weight;  ///< "blocking", "unchecked", "warning"
    std::string field, code, cause, remedy;
    bool made = true;  ///< of what does not block: whether create makes the cluster all the same
};

struct Setting {
    nlohmann::json cloud, spec;
};

struct Entry {
    std::string name;
    Setting given;  ///< patches that are no fault: what must be there for the fault to be one
    Setting fault;  ///< patches
    std::vector<Finding> findings;
    bool refused() const { return !findings.empty() && findings[0].weight == "blocking"; }
};

struct Table {
    Setting base;
    std::vector<Entry> entries;
};

Result<Table> read_table(const std::string& yaml);
/// What forbids to use the table: too few that are refused, names that stand twice. Empty when
/// good.
std::vector<std::string> faults_of(const Table& table);

Setting patched(Setting setup, const Setting& patch);

}  // namespace hopyard::wrong_setups
