// What all nodes of a cluster stand on. Everything that does not need another goes out at once.
#include <set>

#include <fmt/format.h>

#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/ports.h"

namespace hopyard::decide {
namespace {

using model::Resource;
using model::ResourceName;

void provide(Draft& draft, const ResourceName& name, const char* what, const std::string& content) {
    Resource& row = draft.ensure(name, NodeId());
    row.wanted = true;
    if (removal_ended(row)) {
        // It is wanted again before its end was confirmed, and is made anew.
        row.operation.reset();
        row.made = false;
    }
    if (row.made && row.applied == content) return draft.all_well(row);
    draft.content_differs = true;
    if (!draft.free(row)) return;
    draft.call(Call::Kind::put,
               name,
               row.made ? fmt::format("the {} differs from what is wanted", what)
                        : fmt::format("the cluster needs its {}", what),
               content);
}

// Rules of ours in a group of the user come and go one by one.
void provide_rules(Draft& draft) {
    std::set<ResourceName> wanted;
    for (const PortRule& rule : port_rules(draft.cluster)) {
        const auto name = rule_name(draft.cluster, draft.shared.security_group, rule.name);
        provide(draft, *wanted.insert(name).first, "security rule", content_of({rule}));
    }
    for (auto& [name, row] : draft.resources)
        if (name.kind == model::ResourceKind::security_rule && !wanted.contains(name))
            row.wanted = false;
}

void provide_grant(Draft& draft) {
    const model::Cluster& cluster = draft.cluster;
    const bool fresh =
        cluster.storage_policy_set && cluster.storage_grant_expires_at &&
        !draft.reached(*cluster.storage_grant_expires_at - draft.seen.timing.grant / 2);
    if (fresh || !storage_free(draft)) return;
    // Written down first: a right that was given although the reply was lost is ended, too.
    draft.cluster.storage_policy_set = true;
    draft.cluster.storage_unsure_until = draft.now + draft.seen.timing.late;
    draft.call(Call::Kind::grant_storage,
               ResourceName(),
               "machines need a right on the container that does not run out");
}

/// The container is claimed at the same time as what costs nothing is made; interfaces and machines
/// wait for it.
void provide_container(Draft& draft) {
    if (draft.cluster.container_claimed) {
        provide_grant(draft);
    } else if (storage_free(draft)) {
        draft.call(Call::Kind::claim_container,
                   ResourceName(),
                   "nobody else may use the cluster's container");
    }
}

}  // namespace

void provide_shared(Draft& draft) {
    const SharedNames& names = draft.shared;
    provide_container(draft);
    if (names.makes_security_group)
        provide(
            draft, names.security_group, "security group", content_of(port_rules(draft.cluster)));
    else
        provide_rules(draft);
    if (names.makes_network) provide(draft, names.network, "virtual network", "");
    if (names.makes_subnet) provide(draft, names.subnet, "subnet", "");
    if (names.makes_public_address) {
        provide(draft, names.public_address, "public address", "");
        if (draft.made(names.public_address) && draft.cluster.access.head_public_ip.empty())
            draft.read(names.public_address, "its address is not known yet");
    }
}

}  // namespace hopyard::decide
