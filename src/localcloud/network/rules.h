// Security rules as nftables text, in two steps: `compile` turns the words of a rule into sets of
// numbers, `render` writes them down. A table stands in the namespace of one port, so it sees true
// source addresses before any translation of the network, and holds from the machine's first
// packet. A packet takes the first rule that matches; what no rule matches is dropped; replies to
// what was accepted pass. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "localcloud/machine_host.h"
#include "localcloud/network/addresses.h"

namespace hopyard::localcloud::network {

/// One rule in numbers. A packet matches when it is in all four sets; an empty port set means any.
struct Filter {
    std::string name;
    bool inbound = true;
    bool allow = true;
    std::vector<int> protocols;    ///< IP protocol numbers; empty means any
    Ranges sources, destinations;  ///< of addresses; never empty
    Ranges source_ports, destination_ports;
    bool operator==(const Filter&) const = default;
};

/// `prefixes` are the network's, what the tag "VirtualNetwork" stands for; "Internet" is the rest.
/// Rules for IPv6 addresses only match nothing here and are left out. invalid_argument names the
/// rule and the word that was not understood.
Result<std::vector<Filter>> compile(const std::vector<SecurityRule>& rules,
                                    const std::vector<std::string>& prefixes);

/// A script for `nft -f` that replaces the port's whole table at once.
std::string render(const std::vector<Filter>& filters);

}  // namespace hopyard::localcloud::network
