#include "azure/facts.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "azure/document.h"
#include "azure/errors.h"
#include "azure/resource_ids.h"
#include "azure/seen.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

constexpr Milliseconds sizes_kept = std::chrono::hours(1);

Json element(const std::string& text) {
    return parse_document(text).value_or(Json());
}

cloud::Permission read_permission(const Json& entry) {
    return {.actions = texts_at(entry, {"actions"}),
            .not_actions = texts_at(entry, {"notActions"}),
            .data_actions = texts_at(entry, {"dataActions"}),
            .not_data_actions = texts_at(entry, {"notDataActions"})};
}

/// True when a right given at `given` holds at `asked`: the same scope or one above.
bool holds_at(const std::string& given, const std::string& asked) {
    std::string above = to_lower(given);
    while (!above.empty() && above.back() == '/') above.pop_back();
    const std::string below = to_lower(asked);
    return below.starts_with(above) && (below.size() == above.size() || below[above.size()] == '/');
}

cloud::Network read_network(const Json& item) {
    const std::string id = text_at(item, {"id"});
    cloud::Network network{.name = text_at(item, {"name"}),
                           .resource_group = group_of(id),
                           .location = to_lower(text_at(item, {"location"}))};
    network.cidrs = texts_at(item, {"properties", "addressSpace", "addressPrefixes"});
    for (const Json& one : items_at(item, {"properties", "subnets"})) {
        cloud::Subnet subnet{.name = text_at(one, {"name"}),
                             .cidr = text_at(one, {"properties", "addressPrefix"})};
        const auto prefixes = texts_at(one, {"properties", "addressPrefixes"});
        if (subnet.cidr.empty() && !prefixes.empty()) subnet.cidr = prefixes.front();
        subnet.security_group = text_at(one, {"properties", "networkSecurityGroup", "id"});
        network.subnets.push_back(std::move(subnet));
    }
    return network;
}

}  // namespace

Result<std::vector<std::string>> Facts::list(std::string_view what,
                                             std::string_view path,
                                             std::string_view version,
                                             std::string_view query) {
    Call call{.doing = fmt::format("listing {}", what)};
    call.url = pipeline_.url(path, version, query);
    call.timeout = Seconds(60);
    ASSIGN_OR_RETURN(const auto pages, pipeline_.pages(call));
    std::vector<std::string> elements;
    for (const std::string& page : pages)
        for (std::string& one : elements_of(page)) elements.push_back(std::move(one));
    return elements;
}

Result<std::vector<std::string>> Facts::list_in_group(std::string_view what,
                                                      const std::string& group,
                                                      std::string_view type,
                                                      std::string_view version) {
    return list(fmt::format("{} of {}", what, group),
                group_id(options_.subscription, group) + "/providers/" + std::string(type),
                version);
}

Result<std::vector<cloud::Location>> Facts::locations() {
    ASSIGN_OR_RETURN(const auto elements,
                     list("the locations",
                          pipeline_.subscription_path() + "/locations",
                          api_version::subscriptions));
    std::vector<cloud::Location> locations;
    for (const std::string& text : elements) {
        const Json item = element(text);
        const std::string type = to_lower(text_at(item, {"metadata", "regionType"}));
        if (!type.empty() && type != "physical") continue;
        locations.push_back({text_at(item, {"name"}), text_at(item, {"displayName"})});
    }
    return locations;
}

Result<std::vector<cloud::ResourceGroup>> Facts::groups() {
    ASSIGN_OR_RETURN(const auto elements,
                     list("the resource groups",
                          pipeline_.subscription_path() + "/resourcegroups",
                          api_version::resources));
    std::vector<cloud::ResourceGroup> groups;
    for (const std::string& text : elements) {
        const Json item = element(text);
        groups.push_back({text_at(item, {"name"}), to_lower(text_at(item, {"location"}))});
    }
    return groups;
}

Result<std::vector<cloud::Size>> Facts::sizes(const std::string& location) {
    {
        const std::lock_guard lock(mutex_);
        const auto kept = sizes_.find(location);
        if (kept != sizes_.end() && pipeline_.now() < kept->second.good_until)
            return kept->second.sizes;
    }
    const std::string filter = fmt::format("location eq '{}'", location);
    ASSIGN_OR_RETURN(const auto elements,
                     list("the sizes of " + location,
                          pipeline_.subscription_path() + "/providers/Microsoft.Compute/skus",
                          api_version::skus,
                          "$filter=" + percent_encode(filter)));
    std::vector<cloud::Size> sizes;
    for (const std::string& text : elements)
        if (auto size = read_size(text, location)) sizes.push_back(std::move(*size));
    const std::lock_guard lock(mutex_);
    sizes_.insert_or_assign(location, KeptSizes{sizes, pipeline_.now() + sizes_kept});
    return sizes;
}

Result<std::vector<cloud::Usage>> Facts::usages(const std::string& location) {
    std::vector<cloud::Usage> usages;
    const auto read = [&](const char* provider, const char* version) -> Result<void> {
        ASSIGN_OR_RETURN(const auto elements,
                         list("the quotas of " + location,
                              fmt::format("{}/providers/{}/locations/{}/usages",
                                          pipeline_.subscription_path(),
                                          provider,
                                          percent_encode(location)),
                              version));
        for (const std::string& text : elements)
            if (auto usage = read_usage(text)) usages.push_back(std::move(*usage));
        return {};
    };
    RETURN_IF_ERROR(read("Microsoft.Compute", api_version::compute));
    // A cloud that counts no addresses has no quota on them.
    const auto network = read("Microsoft.Network", api_version::network);
    if (!network && network.error().kind != ErrorKind::not_found &&
        network.error().kind != ErrorKind::invalid_argument)
        return pass(network.error());
    return usages;
}

Result<std::vector<cloud::SshKey>> Facts::ssh_keys(const std::string& group) {
    ASSIGN_OR_RETURN(
        const auto elements,
        list_in_group(
            "the SSH keys", group, "Microsoft.Compute/sshPublicKeys", api_version::compute));
    std::vector<cloud::SshKey> keys;
    for (const std::string& text : elements) {
        const Json item = element(text);
        keys.push_back({text_at(item, {"name"}), text_at(item, {"properties", "publicKey"})});
    }
    return keys;
}

Result<std::vector<cloud::Identity>> Facts::identities(const std::string& group) {
    ASSIGN_OR_RETURN(const auto elements,
                     list_in_group("the identities",
                                   group,
                                   "Microsoft.ManagedIdentity/userAssignedIdentities",
                                   api_version::identity));
    std::vector<cloud::Identity> identities;
    for (const std::string& text : elements) {
        const Json item = element(text);
        identities.push_back({text_at(item, {"name"}),
                              text_at(item, {"id"}),
                              text_at(item, {"properties", "principalId"})});
    }
    return identities;
}

Result<std::vector<cloud::StorageAccount>> Facts::accounts() {
    ASSIGN_OR_RETURN(const auto found, blobs_.accounts());
    std::vector<cloud::StorageAccount> accounts;
    for (const Account& account : found)
        accounts.push_back({account.name,
                            account.resource_group,
                            account.location,
                            account.id,
                            account.blob_endpoint});
    return accounts;
}

Result<std::vector<cloud::Network>> Facts::networks() {
    ASSIGN_OR_RETURN(
        const auto elements,
        list("the networks",
             pipeline_.subscription_path() + "/providers/Microsoft.Network/virtualNetworks",
             api_version::network));
    std::vector<cloud::Network> networks;
    for (const std::string& text : elements) networks.push_back(read_network(element(text)));
    return networks;
}

Result<std::vector<cloud::SecurityGroup>> Facts::security_groups(const std::string& group) {
    ASSIGN_OR_RETURN(const auto elements,
                     list_in_group("the security groups",
                                   group,
                                   "Microsoft.Network/networkSecurityGroups",
                                   api_version::network));
    std::vector<cloud::SecurityGroup> groups;
    for (const std::string& text : elements) {
        const Json item = element(text);
        cloud::SecurityGroup found{.name = text_at(item, {"name"}),
                                   .resource_group = group_of(text_at(item, {"id"})),
                                   .location = to_lower(text_at(item, {"location"}))};
        for (const char* list_name : {"securityRules", "defaultSecurityRules"})
            for (const Json& rule : items_at(item, {"properties", list_name}))
                found.rules.push_back(read_rule(to_body(rule)));
        std::stable_sort(found.rules.begin(),
                         found.rules.end(),
                         [](const cloud::SecurityRule& a, const cloud::SecurityRule& b) {
                             return std::make_tuple(!a.inbound, a.priority) <
                                    std::make_tuple(!b.inbound, b.priority);
                         });
        groups.push_back(std::move(found));
    }
    return groups;
}

Result<std::vector<cloud::Permission>> Facts::own_permissions(const std::string& group) {
    const std::string path =
        fmt::format("{}/resourcegroups/{}/providers/Microsoft.Authorization/permissions",
                    pipeline_.subscription_path(),
                    percent_encode(group));
    ASSIGN_OR_RETURN(const auto elements,
                     list("our rights in " + group, path, api_version::authorization));
    std::vector<cloud::Permission> permissions;
    for (const std::string& text : elements) permissions.push_back(read_permission(element(text)));
    return permissions;
}

Result<std::vector<cloud::Permission>> Facts::permissions_of(const std::string& principal_id,
                                                             const std::string& scope) {
    const std::string filter = fmt::format("principalId eq '{}'", principal_id);
    ASSIGN_OR_RETURN(const auto assignments,
                     list("the role assignments",
                          scope + "/providers/Microsoft.Authorization/roleAssignments",
                          api_version::authorization,
                          "$filter=" + percent_encode(filter)));
    std::set<std::string> roles;
    for (const std::string& text : assignments) {
        const Json item = element(text);
        const std::string principal = text_at(item, {"properties", "principalId"});
        // The answer holds what is given below this scope, too.
        if (holds_at(text_at(item, {"properties", "scope"}), scope) &&
            same_id(principal, principal_id))
            roles.insert(text_at(item, {"properties", "roleDefinitionId"}));
    }
    std::vector<cloud::Permission> permissions;
    for (const std::string& role : roles) {
        Call call{.doing = "reading a role definition"};
        call.url = pipeline_.url(role, api_version::authorization);
        ASSIGN_OR_RETURN(const http::Response reply, pipeline_.send(call));
        const auto document = parse_document(reply.body).value_or(Json());
        for (const Json& entry : items_at(document, {"properties", "permissions"}))
            permissions.push_back(read_permission(entry));
    }
    return permissions;
}

}  // namespace hopyard::azure
