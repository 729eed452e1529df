#include "control/facts.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::control {
namespace {

using Reads = std::vector<std::function<void()>>;

void run(const FactSources& sources, Reads reads) {
    if (sources.run_all) return sources.run_all(std::move(reads));
    for (const auto& read : reads) read();
}

/// The fact of a question that has no answer because another is missing.
Failure not_asked(const char* why) {
    return fail(ErrorKind::not_found, "not_asked", why);
}

/// Case does not count in Azure's names.
template <class T>
const T* named(const Result<std::vector<T>>& list, const std::string& name) {
    if (!list) return nullptr;
    const auto found = std::find_if(list->begin(), list->end(), [&](const T& entry) {
        return to_lower(entry.name) == to_lower(name);
    });
    return found == list->end() ? nullptr : &*found;
}

void ask_in_group(Reads& reads,
                  cloud::Catalog& catalog,
                  const model::ClusterSpec& spec,
                  decide::Facts& facts) {
    const std::string& group = spec.resource_group;
    if (group.empty()) {
        const Failure unnamed = not_asked("no resource group is named");
        facts.ssh_keys = unnamed;
        facts.identities = unnamed;
        facts.own_permissions = unnamed;
    } else {
        reads.push_back([&, group] { facts.ssh_keys = catalog.ssh_keys(group); });
        reads.push_back([&, group] { facts.identities = catalog.identities(group); });
        reads.push_back([&, group] { facts.own_permissions = catalog.own_permissions(group); });
    }
    const std::string theirs =
        spec.network.resource_group.empty() ? group : spec.network.resource_group;
    if (to_lower(theirs) != to_lower(group))
        reads.push_back(
            [&, theirs] { facts.network_permissions = catalog.own_permissions(theirs); });
    if (spec.network.security_group.empty()) return;
    reads.push_back([&, theirs] { facts.security_groups = catalog.security_groups(theirs); });
}

void ask_sizes(Reads& reads,
               cloud::Catalog& catalog,
               const std::string& location,
               decide::Facts& facts) {
    reads.push_back([&, location] { facts.sizes = catalog.sizes(location); });
    reads.push_back([&, location] { facts.usages = catalog.usages(location); });
}

void ask_identity(Reads& reads,
                  cloud::Catalog& catalog,
                  const model::ClusterSpec& spec,
                  decide::Facts& facts) {
    const auto* identity = named(facts.identities, spec.identity);
    const auto* account = named(facts.accounts, spec.storage.account);
    if (identity == nullptr || account == nullptr) {
        facts.identity_permissions = not_asked("the identity or the account is not known");
        return;
    }
    reads.push_back([&, principal = identity->principal_id, scope = account->id] {
        facts.identity_permissions = catalog.permissions_of(principal, scope);
    });
}

}  // namespace

decide::Facts gather_facts(const FactSources& sources,
                           const model::ClusterSpec& spec,
                           const std::string& container_owner) {
    cloud::Catalog& catalog = sources.catalog;
    decide::Facts facts;
    facts.needed = sources.needed;
    facts.container_owner = container_owner;
    Reads first;
    first.push_back([&] { facts.groups = catalog.groups(); });
    if (!spec.location.empty()) first.push_back([&] { facts.locations = catalog.locations(); });
    first.push_back([&] { facts.accounts = catalog.accounts(); });
    first.push_back([&] { facts.networks = catalog.networks(); });
    ask_in_group(first, catalog, spec, facts);
    run(sources, std::move(first));

    Reads second;
    const auto* group = named(facts.groups, spec.resource_group);
    const std::string location =
        spec.location.empty() && group != nullptr ? group->location : spec.location;
    if (location.empty()) {
        facts.sizes = not_asked("the location is not known");
        facts.usages = not_asked("the location is not known");
    } else {
        ask_sizes(second, catalog, location, facts);
    }
    ask_identity(second, catalog, spec, facts);
    // A container that gets its name from us cannot be there yet.
    if (!spec.storage.container.empty() && named(facts.accounts, spec.storage.account) != nullptr)
        second.push_back([&] {
            facts.container = sources.storage.inspect(
                {.account = spec.storage.account, .container = spec.storage.container});
        });
    run(sources, std::move(second));
    return facts;
}

decide::Facts gather_size_facts(const FactSources& sources, const std::string& location) {
    decide::Facts facts;
    Reads reads;
    ask_sizes(reads, sources.catalog, location, facts);
    run(sources, std::move(reads));
    return facts;
}

}  // namespace hopyard::control
