// What a security group lets through, by Azure's rules: the rule of the smallest priority that
// covers the traffic decides. A rule that covers only some addresses lets those in and stops nobody
// else.
#pragma once

#include <optional>

#include "cloud/catalog.h"
#include "model/validate.h"

namespace hopyard::decide {

/// Traffic of a machine in the subnet on one TCP port of the destination.
struct Traffic {
    enum class Peer {
        internet,  ///< anybody, and the cloud's own services
        subnet,    ///< the other machines of the cluster
    };
    bool inbound = true;
    Peer peer = Peer::internet;
    int port = 443;
};

enum class Verdict { allowed, denied, unmentioned };

/// `subnet` is that of the machines; nothing when it is not known, then only rules for whole
/// networks count.
Verdict verdict(const std::vector<cloud::SecurityRule>& rules,
                const Traffic& traffic,
                const std::optional<model::Cidr>& subnet);

}  // namespace hopyard::decide
