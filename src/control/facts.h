// Asking the cloud for what preflight weighs. Reads only. A fact that could not be read is the
// error of reading it; deciding what that means is preflight's.
//
// Two rounds: what needs only the request, then what needs the answers (the location of the group,
// the id of the identity). The calls of a round are independent, so a program hands in a way to run
// them at once; this module has no threads of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cloud/catalog.h"
#include "cloud/storage.h"
#include "decide/preflight/facts.h"
#include "model/spec.h"

namespace hopyard::control {

/// Runs all of them, in any order or at once, and returns when the last has ended.
using RunAll = std::function<void(std::vector<std::function<void()>>)>;

struct FactSources {
    cloud::Catalog& catalog;
    cloud::Storage& storage;
    const cloud::NeededRights& needed;
    const RunAll& run_all;  ///< empty: one after the other
};

/// Everything but whether the name is taken, which the store knows.
decide::Facts gather_facts(const FactSources& sources,
                           const model::ClusterSpec& spec,
                           const std::string& container_owner);
/// Sizes and quotas of a location, for a cluster that is there already.
decide::Facts gather_size_facts(const FactSources& sources, const std::string& location);

}  // namespace hopyard::control
