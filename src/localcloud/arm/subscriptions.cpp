#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

Json show_subscription(Core& core) {
    return Json{{"id", core.subscription_id()},
                {"subscriptionId", core.subscription},
                {"tenantId", core.tenant},
                {"displayName", "Local"},
                {"state", "Enabled"},
                {"subscriptionPolicies",
                 {{"locationPlacementId", "Public_2014-09-01"},
                  {"quotaId", "PayAsYouGo_2014-09-01"},
                  {"spendingLimit", "Off"}}},
                {"authorizationSource", "RoleBased"}};
}

Outcome list_subscriptions(Core& core, const Call&) {
    return reply(200,
                 Json{{"value", Json::array({show_subscription(core)})},
                      {"count", {{"type", "Total"}, {"value", 1}}}});
}

Outcome get_subscription(Core& core, const Call&) {
    return reply(200, show_subscription(core));
}

Outcome list_tenants(Core& core, const Call&) {
    return reply(200,
                 Json{{"value",
                       {{{"id", "/tenants/" + core.tenant},
                         {"tenantId", core.tenant},
                         {"displayName", "Local"},
                         {"tenantCategory", "Home"}}}}});
}

Outcome list_locations(Core& core, const Call&) {
    Json values = Json::array();
    for (const auto& location : core.catalog.locations())
        values.push_back(
            {{"id", core.subscription_id() + "/locations/" + location.name},
             {"name", location.name},
             {"type", "Region"},
             {"displayName", location.display_name},
             {"regionalDisplayName", "(" + location.geography_group + ") " + location.display_name},
             {"metadata",
              {{"regionType", "Physical"},
               {"regionCategory", "Recommended"},
               {"geography", location.geography},
               {"geographyGroup", location.geography_group},
               {"longitude", "0"},
               {"latitude", "0"},
               {"physicalLocation", "This machine"},
               {"pairedRegion", Json::array()}}}});
    return reply(200, Json{{"value", values}});
}

struct Provider {
    const char* name;
    std::vector<const char*> types;
    Area area;
    bool always;  ///< registered without being asked
};

const std::vector<Provider>& providers() {
    static const std::vector<Provider> all = {
        {"Microsoft.Compute",
         {"virtualMachines",
          "disks",
          "sshPublicKeys",
          "locations/usages",
          "locations/operations",
          "locations/vmSizes"},
         Area::compute,
         false},
        {"Microsoft.Network",
         {"virtualNetworks",
          "networkSecurityGroups",
          "publicIPAddresses",
          "networkInterfaces",
          "locations/usages",
          "locations/operations",
          "locations/operationResults"},
         Area::network,
         false},
        {"Microsoft.Storage",
         {"storageAccounts", "storageAccounts/blobServices", "checkNameAvailability"},
         Area::storage,
         false},
        {"Microsoft.ManagedIdentity", {"userAssignedIdentities"}, Area::identity, false},
        {"Microsoft.Authorization",
         {"roleAssignments", "roleDefinitions", "permissions"},
         Area::authorization,
         true},
        {"Microsoft.Resources",
         {"resourceGroups", "subscriptions", "tags", "resources"},
         Area::resources,
         true},
    };
    return all;
}

const Provider* find_provider(const std::string& name) {
    for (const auto& provider : providers())
        if (to_lower(provider.name) == to_lower(name)) return &provider;
    return nullptr;
}

Json show_provider(Core& core, const Provider& provider) {
    Json locations = Json::array();
    for (const auto& location : core.catalog.locations())
        locations.push_back(location.display_name);
    Json versions = Json::array();
    std::string text = unsupported_version(provider.area, "");
    for (std::size_t at = 0; at < text.size(); at += 12) versions.push_back(text.substr(at, 10));
    Json types = Json::array();
    for (const char* type : provider.types)
        types.push_back({{"resourceType", type},
                         {"locations", locations},
                         {"apiVersions", versions},
                         {"defaultApiVersion", versions[0]},
                         {"capabilities", "SupportsTags, SupportsLocation"}});
    const bool registered =
        provider.always || core.ledger.note("registered:" + to_lower(provider.name)).has_value();
    return Json{
        {"id", core.subscription_id() + "/providers/" + provider.name},
        {"namespace", provider.name},
        {"registrationState", registered ? "Registered" : "NotRegistered"},
        {"registrationPolicy", provider.always ? "RegistrationFree" : "RegistrationRequired"},
        {"resourceTypes", types}};
}

Fault no_such_provider(const std::string& name) {
    return Fault{.status = 404,
                 .code = "InvalidResourceNamespace",
                 .message = fmt::format("The resource namespace '{}' is invalid.", name)};
}

Outcome get_provider(Core& core, const Call& call) {
    const Provider* provider = find_provider(call.parameter("namespace"));
    if (!provider) return tl::unexpected(no_such_provider(call.parameter("namespace")));
    return reply(200, show_provider(core, *provider));
}

Outcome list_providers(Core& core, const Call&) {
    Json values = Json::array();
    for (const auto& provider : providers()) values.push_back(show_provider(core, provider));
    return reply(200, Json{{"value", values}});
}

Outcome register_provider(Core& core, const Call& call) {
    const Provider* provider = find_provider(call.parameter("namespace"));
    if (!provider) return tl::unexpected(no_such_provider(call.parameter("namespace")));
    if (auto kept = core.ledger.set_note("registered:" + to_lower(provider->name), "yes"); !kept)
        return refuse_with(500, "InternalServerError", kept.error().message);
    return reply(200, show_provider(core, *provider));
}

}  // namespace

std::string cloud_metadata(const std::string& base_url,
                           const std::string& tenant,
                           const std::string& api_version,
                           const std::string& blob_suffix) {
    if (api_version == "2015-01-01")
        return to_text(
            Json{{"galleryEndpoint", base_url},
                 {"graphEndpoint", base_url},
                 {"portalEndpoint", base_url},
                 {"authentication",
                  {{"loginEndpoint", base_url}, {"audiences", {"https://management.azure.com"}}}}});
    const Json cloud = {
        {"name", "HopyardLocal"},
        {"portal", base_url},
        {"authentication",
         {{"loginEndpoint", base_url},
          {"audiences", {"https://management.azure.com/", "https://management.core.windows.net/"}},
          {"tenant", tenant},
          {"identityProvider", "AAD"}}},
        {"resourceManager", base_url},
        {"graphAudience", base_url},
        {"graph", base_url},
        {"microsoftGraphResourceId", base_url},
        {"gallery", base_url},
        {"batch", base_url},
        {"media", base_url},
        {"vmImageAliasDoc", base_url},
        {"suffixes", {{"storage", blob_suffix}, {"keyVaultDns", ""}, {"acrLoginServer", ""}}}};
    return to_text(Json::array({cloud}));
}

void add_subscription_routes(Routes& routes) {
    const std::string root = "Microsoft.Resources/subscriptions/";
    routes.add(Area::subscriptions, "GET", "/subscriptions", "", list_subscriptions);
    routes.add(Area::subscriptions, "GET", "/tenants", "", list_tenants);
    routes.add(Area::subscriptions, "GET", subscription_pattern, root + "read", get_subscription);
    routes.add(Area::subscriptions,
               "GET",
               subscription_pattern + "/locations",
               root + "locations/read",
               list_locations);
    const std::string one = subscription_pattern + "/providers/{namespace}";
    routes.add(Area::resources,
               "GET",
               subscription_pattern + "/providers",
               root + "providers/read",
               list_providers);
    routes.add(Area::resources, "GET", one, root + "providers/read", get_provider);
    // The needed action is "{namespace}/register/action"; the dispatcher fills the namespace in.
    routes.add(Area::resources,
               "POST",
               one + "/register",
               "{namespace}/register/action",
               register_provider);
}

}  // namespace hopyard::localcloud
