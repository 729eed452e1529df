// One strong type per entity (style N3), so that a node's id cannot be passed for a cluster's.
#pragma once

#include <compare>
#include <functional>
#include <string>

namespace hopyard {

template <class Tag>
struct Id {
    std::string value;

    Id() = default;
    explicit Id(std::string text) : value(std::move(text)) {}
    bool empty() const { return value.empty(); }
    auto operator<=>(const Id&) const = default;
};

using InstallationId = Id<struct InstallationTag>;  ///< UUID, made once and kept with the database
using OrganisationId = Id<struct OrganisationTag>;
using ClusterId = Id<struct ClusterTag>;  ///< "c-" and 8 characters of base32
using NodeId = Id<struct NodeTag>;        ///< also the machine's name in the cloud
using ApiKeyId = Id<struct ApiKeyTag>;
using PersonId = Id<struct PersonTag>;
using SessionId = Id<struct SessionTag>;
using InvitationId = Id<struct InvitationTag>;
using MailId = Id<struct MailTag>;

}  // namespace hopyard

template <class Tag>
struct std::hash<hopyard::Id<Tag>> {
    std::size_t operator()(const hopyard::Id<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.value);
    }
};
