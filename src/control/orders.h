// What the machines of a cluster should be, told from its rows and secrets: pure. The same rows
// give the same orders, so a repeated message changes nothing.
//
// A worker's part names the head and itself only: it needs no more, and what happens to another
// worker does not concern it.
//
// Revisions: orders are compared with what was given out last, by digest; a change of any part
// takes the next number. What was given is stored (secrets.h), so that the numbers go on rising
// through restarts of the control plane, and past what a node says it has.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "control/node_sessions.h"
#include "model/cluster.h"
#include "nodewire/wire.h"

namespace hopyard::control {

struct OrderSecrets {
    Secret workload_key;
    std::string password_hash;  ///< of the first administrator
    std::optional<Secret> storage_grant;
    Secret page_certificate_pem;
    Secret page_key_pem;
};

/// Without revisions. `head` is one of `nodes`.
nodewire::Orders compose_orders(const model::Cluster& cluster,
                                const std::vector<model::Node>& nodes,
                                const model::Node& head,
                                const OrderSecrets& secrets,
                                const SessionOptions& options);

struct GivenRevision {
    std::int64_t number = 0;
    std::string digest;  ///< hex
    bool operator==(const GivenRevision&) const = default;
};
/// By node.
using GivenRevisions = std::map<std::string, GivenRevision>;
std::string to_json(const GivenRevisions& given);
Result<GivenRevisions> given_revisions_from_json(const std::string& text);

/// Numbers the orders and brings `given` up to date: equal ones keep their number, others get the
/// next, which is above what the node has carried out already. Nodes that are gone are forgotten.
/// Workers named in `unchanged` are known to have the orders they were given last.
void number_orders(nodewire::Orders& orders,
                   const std::vector<model::Node>& nodes,
                   GivenRevisions& given,
                   const std::set<std::string>& unchanged = {});

/// What a node is for the workload manager; its state's reason for people.
nodewire::Member member_of(const model::Node& node);
/// What it says of itself counts: it has spoken since it was last told to go down.
bool speaks(const model::Node& node);

}  // namespace hopyard::control
