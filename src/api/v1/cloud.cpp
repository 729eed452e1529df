#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "base/encoding.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Result<std::string> required(const Call& call, const std::string& name, const char* remedy) {
    const auto value = call.request.query(name);
    if (value && !value->empty()) return *value;
    return refuse(
        "", "parameter_missing", "the query parameter '" + name + "' is required", remedy);
}

ordered_json view_of(const cloud::Location& location) {
    return {{"name", location.name}, {"displayName", location.display_name}};
}
ordered_json view_of(const cloud::ResourceGroup& group) {
    return {{"name", group.name}, {"location", group.location}};
}
ordered_json view_of(const cloud::Size& size) {
    return {{"name", size.name},
            {"family", size.family},
            {"vcpus", size.vcpus},
            {"memoryMb", size.memory_mb},
            {"gpus", size.gpus},
            {"nvme", size.nvme},
            {"unavailable", size.unavailable},
            {"price", size.price ? price_view(*size.price) : ordered_json(nullptr)}};
}
ordered_json view_of(const cloud::SshKey& key) {
    return {{"name", key.name}, {"publicKey", key.public_key}};
}
ordered_json view_of(const cloud::Identity& identity) {
    return {{"name", identity.name}, {"principalId", identity.principal_id}};
}
ordered_json view_of(const cloud::StorageAccount& account) {
    return {{"name", account.name},
            {"resourceGroup", account.resource_group},
            {"location", account.location}};
}
ordered_json view_of(const cloud::Network& network) {
    ordered_json subnets = ordered_json::array();
    for (const cloud::Subnet& subnet : network.subnets)
        subnets.push_back({{"name", subnet.name}, {"cidr", subnet.cidr}});
    return {{"name", network.name},
            {"resourceGroup", network.resource_group},
            {"location", network.location},
            {"cidrs", network.cidrs},
            {"subnets", std::move(subnets)}};
}

ordered_json view_of(const cloud::SecurityGroup& group) {
    ordered_json rules = ordered_json::array();
    for (const cloud::SecurityRule& rule : group.rules)
        rules.push_back({{"name", rule.name},
                         {"priority", rule.priority},
                         {"direction", rule.inbound ? "inbound" : "outbound"},
                         {"access", rule.allow ? "allow" : "deny"},
                         {"protocol", rule.protocol},
                         {"sources", rule.sources},
                         {"ports", rule.ports}});
    return {{"name", group.name},
            {"resourceGroup", group.resource_group},
            {"location", group.location},
            {"rules", std::move(rules)}};
}

bool same(const std::string& wanted, const std::string& value) {
    return wanted.empty() || to_lower(wanted) == to_lower(value);
}

/// Of a complete list, what lies in the group and the location that the query names.
template <class T>
ordered_json chosen(const Call& call, const std::vector<T>& all) {
    const std::string group = call.request.query("group").value_or("");
    const std::string location = call.request.query("location").value_or("");
    ordered_json items = ordered_json::array();
    for (const T& entry : all) {
        if constexpr (requires { entry.location; })
            if (!same(location, entry.location)) continue;
        if constexpr (requires { entry.resource_group; })
            if (!same(group, entry.resource_group)) continue;
        items.push_back(view_of(entry));
    }
    return items;
}

/// The connection that a request means; of the default account unless it names another.
Result<std::shared_ptr<const cloud::Connected>> connection(Parts& parts, const Call& call) {
    return parts.clouds.of(
        call.principal.organisation,
        call.request.query("cloudAccount").value_or(model::default_cloud_account));
}

template <class Read>
Endpoint look_up(Parts& parts, const std::string& what, std::vector<std::string> query, Read read) {
    query.push_back("cloudAccount");
    return {.method = "GET",
            .pattern = "/v1/cloud/" + what,
            .query = std::move(query),
            .answer = [&parts, read](const Call& call) -> Result<http::Response> {
                ASSIGN_OR_RETURN(const auto connected, connection(parts, call));
                ASSIGN_OR_RETURN(const auto all, read(connected->catalog, call));
                return list_response(chosen(call, all));
            }};
}

std::vector<Endpoint> look_ups(Parts& parts) {
    using cloud::Catalog;
    const auto of_group = [](const Call& call) {
        return required(call, "group", "'hopyard cloud groups' lists them.");
    };
    return {
        look_up(parts,
                "locations",
                {},
                [](Catalog& catalog, const Call&) { return catalog.locations(); }),
        look_up(parts,
                "groups",
                {"location"},
                [](Catalog& catalog, const Call&) { return catalog.groups(); }),
        look_up(parts,
                "accounts",
                {"group", "location"},
                [](Catalog& catalog, const Call&) { return catalog.accounts(); }),
        look_up(parts,
                "networks",
                {"group", "location"},
                [](Catalog& catalog, const Call&) { return catalog.networks(); }),
        look_up(parts,
                "sizes",
                {"location"},
                [](Catalog& catalog, const Call& call) -> Result<std::vector<cloud::Size>> {
                    ASSIGN_OR_RETURN(
                        const auto location,
                        required(call, "location", "'hopyard cloud locations' lists them."));
                    return catalog.sizes(location);
                }),
        look_up(parts,
                "keys",
                {"group"},
                [=](Catalog& catalog, const Call& call) -> Result<std::vector<cloud::SshKey>> {
                    ASSIGN_OR_RETURN(const auto group, of_group(call));
                    return catalog.ssh_keys(group);
                }),
        look_up(
            parts,
            "security-groups",
            {"group"},
            [=](Catalog& catalog, const Call& call) -> Result<std::vector<cloud::SecurityGroup>> {
                ASSIGN_OR_RETURN(const auto group, of_group(call));
                return catalog.security_groups(group);
            }),
        look_up(parts,
                "identities",
                {"group"},
                [=](Catalog& catalog, const Call& call) -> Result<std::vector<cloud::Identity>> {
                    ASSIGN_OR_RETURN(const auto group, of_group(call));
                    return catalog.identities(group);
                }),
    };
}

// --- preparation ---------------------------------------------------------------------------------

struct WantedPreparation {
    std::string group, location, account, identity, key_name, public_key;
};

Result<WantedPreparation> preparation_of(const Call& call) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    WantedPreparation wanted;
    model::ObjectReader reader(document, "", fault);
    const auto text = [&](const char* name, std::string& into, const char* remedy) {
        reader.read(name, into);
        if (into.empty() && remedy != nullptr) reader.fault(name, "missing", "is required", remedy);
    };
    text("group", wanted.group, "Name the resource group; it is made when it is missing.");
    text("location", wanted.location, "'hopyard cloud locations' lists them.");
    text("account", wanted.account, nullptr);
    text("identity", wanted.identity, nullptr);
    if (const json* key = reader.member("sshKey")) {
        model::ObjectReader inner(*key, "/sshKey", fault);
        inner.read("name", wanted.key_name);
        inner.read("publicKey", wanted.public_key);
        if (wanted.key_name.empty())
            inner.fault("name", "missing", "is required", "Choose a name for the key.");
        if (wanted.public_key.empty())
            inner.fault("publicKey",
                        "missing",
                        "is required",
                        "Send the text of a file such as id_ed25519.pub.");
        inner.finish();
    }
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return wanted;
}

/// What has been done so far: also told when a later step fails.
class Done {
  public:
    Result<void> note(const char* kind, const std::string& name, const Result<cloud::Made>& made) {
        if (!made)
            return with_context(std::string(kind) + (name.empty() ? "" : " '" + name + "'"),
                                made.error());
        items_.push_back({{"kind", kind},
                          {"name", name},
                          {"result", *made == cloud::Made::made ? "made" : "existed"}});
        return {};
    }
    const ordered_json& items() const { return items_; }

  private:
    ordered_json items_ = ordered_json::array();
};

Result<void> prepare(cloud::Preparation& cloud, const WantedPreparation& wanted, Done& done) {
    const std::string& group = wanted.group;
    const std::string& location = wanted.location;
    RETURN_IF_ERROR(done.note("providers", "", cloud.register_providers()));
    RETURN_IF_ERROR(done.note("group", group, cloud.ensure_group(group, location)));
    if (!wanted.key_name.empty())
        RETURN_IF_ERROR(
            done.note("ssh_key",
                      wanted.key_name,
                      cloud.ensure_ssh_key(group, location, wanted.key_name, wanted.public_key)));
    if (!wanted.identity.empty())
        RETURN_IF_ERROR(done.note(
            "identity", wanted.identity, cloud.ensure_identity(group, location, wanted.identity)));
    if (!wanted.account.empty())
        RETURN_IF_ERROR(done.note(
            "account", wanted.account, cloud.ensure_account(group, location, wanted.account)));
    if (!wanted.account.empty() && !wanted.identity.empty())
        RETURN_IF_ERROR(
            done.note("storage_role",
                      wanted.identity,
                      cloud.ensure_storage_role(group, wanted.identity, wanted.account)));
    return {};
}

Endpoint prepare_endpoint(Parts& parts) {
    return {.method = "POST",
            .pattern = "/v1/cloud/prepare",
            .access = Access::administer,
            .query = {"cloudAccount"},
            .has_body = true,
            .answer = [&parts](const Call& call) -> Result<http::Response> {
                ASSIGN_OR_RETURN(const auto wanted, preparation_of(call));
                ASSIGN_OR_RETURN(const auto connected, connection(parts, call));
                Done done;
                const auto outcome = prepare(connected->preparation, wanted, done);
                if (outcome) return list_response(done.items());
                http::Response response = problem(outcome.error(), call.request_id);
                auto document = ordered_json::parse(response.body);
                document["done"] = done.items();
                response.body = dump(document);
                return response;
            }};
}

// --- prices --------------------------------------------------------------------------------------

Endpoint import_endpoint(const PriceImport& import) {
    return {.method = "PUT",
            .pattern = "/v1/cloud/prices",
            .access = Access::administer,
            .has_body = true,
            .answer = [import](const Call& call) -> Result<http::Response> {
                if (!import)
                    return pass(Error{.kind = ErrorKind::unavailable,
                                      .code = "feature_unavailable",
                                      .message = "this control plane knows no prices",
                                      .owner = Owner::administrator,
                                      .next_action = "Ask one that is connected to a cloud."});
                ASSIGN_OR_RETURN(const auto locations, import(call.request.body));
                ordered_json items = ordered_json::array();
                for (const std::string& location : locations)
                    items.push_back({{"location", location}});
                return list_response(std::move(items));
            }};
}

// --- orphans -------------------------------------------------------------------------------------

ordered_json view_of(const model::ResourceName& name) {
    return {{"kind", model::to_string(name.kind)},
            {"resourceGroup", name.resource_group},
            {"name", name.name}};
}

Result<http::Response> list_orphans(Orphans& orphans) {
    ASSIGN_OR_RETURN(const auto found, orphans.list());
    ordered_json items = ordered_json::array();
    for (const control::Orphan& orphan : found) {
        ordered_json entry = view_of(orphan.name);
        entry["cluster"] = orphan.cluster.value;
        entry["role"] = orphan.role;
        entry["createdAt"] =
            orphan.created_at ? ordered_json(to_rfc3339(*orphan.created_at)) : nullptr;
        entry["attached"] = orphan.attached;
        items.push_back(std::move(entry));
    }
    return list_response(std::move(items));
}

/// One list of everything, with what became of it.
Result<http::Response> delete_orphans(Orphans& orphans) {
    ASSIGN_OR_RETURN(const auto removal, orphans.remove());
    ordered_json items = ordered_json::array();
    const auto add = [&](const model::ResourceName& name, const char* result) -> ordered_json& {
        ordered_json entry = view_of(name);
        entry["result"] = result;
        return items.emplace_back(std::move(entry));
    };
    for (const auto& name : removal.removed) add(name, "removed");
    for (const auto& name : removal.waiting) add(name, "waiting");
    for (const auto& [name, error] : removal.refused) add(name, "refused")["problem"] = view(error);
    return list_response(std::move(items));
}

Failure no_sweep() {
    return pass(Error{.kind = ErrorKind::unavailable,
                      .code = "feature_unavailable",
                      .message = "this control plane runs without its sweep",
                      .owner = Owner::administrator,
                      .next_action = "Ask a control plane that runs the loops."});
}

std::vector<Endpoint> orphan_endpoints(Orphans* orphans) {
    return {{.method = "GET",
             .pattern = "/v1/cloud/orphans",
             .answer = [orphans](const Call&) -> Result<http::Response> {
                 if (orphans == nullptr) return no_sweep();
                 return list_orphans(*orphans);
             }},
            {.method = "POST",
             .pattern = "/v1/cloud/orphans/delete",
             .access = Access::administer,
             .answer = [orphans](const Call&) -> Result<http::Response> {
                 if (orphans == nullptr) return no_sweep();
                 return delete_orphans(*orphans);
             }}};
}

}  // namespace

std::vector<Endpoint> cloud_endpoints(Parts& parts,
                                      Orphans* orphans,
                                      const PriceImport& import_prices) {
    std::vector<Endpoint> all = look_ups(parts);
    all.push_back(prepare_endpoint(parts));
    all.push_back(import_endpoint(import_prices));
    for (Endpoint& endpoint : orphan_endpoints(orphans)) all.push_back(std::move(endpoint));
    return all;
}

}  // namespace hopyard::api::v1
