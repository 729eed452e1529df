#include "localcloud/metadata/metadata.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/machines.h"
#include "localcloud/identity/token_endpoint.h"

namespace hopyard::localcloud {

namespace {

http::Response refusal(int status, const std::string& error, const std::string& text = "") {
    Json body = {{"error", error}};
    if (!text.empty()) body["error_description"] = text;
    return http::json_response(status, to_text(body));
}

/// The service speaks strings only.
std::string as_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.is_boolean() || value.is_number() ? value.dump() : "";
}

/// "a:b;c:d" and [{name, value}] of the tags.
void add_tags(Json& compute, const Json& tags) {
    std::string flat;
    Json list = Json::array();
    for (const auto& [name, value] : tags.items()) {
        flat += (flat.empty() ? "" : ";") + name + ":" + as_text(value);
        list.push_back({{"name", name}, {"value", as_text(value)}});
    }
    compute["tags"] = flat;
    compute["tagsList"] = list;
}

Json network_part(const Ledger& ledger, const Resource& interface) {
    const Json* found = find(interface.shown(), "/properties/ipConfigurations/0/properties");
    const Json& configuration = found ? *found : interface.shown();
    const std::string subnet_id = text_at(configuration, "/subnet/id");
    const auto network = ledger.find(network_of_subnet(subnet_id));
    const Json* subnet = network ? subnet_in(*network, subnet_id) : nullptr;
    const std::string prefix = subnet ? text_at(*subnet, "/properties/addressPrefix") : "";
    std::string mac = text_at(interface.secret(), "/mac");
    std::erase(mac, ':');
    for (char& c : mac) c = static_cast<char>(std::toupper(c));
    const std::size_t slash = std::min(prefix.find('/'), prefix.size());
    return Json{{"interface",
                 {{{"ipv4",
                    {{"ipAddress",
                      {{{"privateIpAddress", text_at(configuration, "/privateIPAddress")},
                        {"publicIpAddress", ""}}}},
                     {"subnet",
                      {{{"address", prefix.substr(0, slash)},
                        {"prefix", slash < prefix.size() ? prefix.substr(slash + 1) : ""}}}}}},
                   {"ipv6", {{"ipAddress", Json::array()}}},
                   {"macAddress", mac}}}}};
}

Json compute_part(const Resource& machine) {
    const auto id = ResourceId::parse(machine.id);
    const Json& properties = object_at(machine.shown(), "/properties");
    const Json& profile = object_at(properties, "/osProfile");
    const Json& disk = object_at(properties, "/storageProfile/osDisk");
    const Json& image = object_at(properties, "/storageProfile/imageReference");
    Json keys = Json::array();
    for (const Json& key : array_at(profile, "/linuxConfiguration/ssh/publicKeys"))
        keys.push_back({{"keyData", text_at(key, "/keyData")}, {"path", text_at(key, "/path")}});
    const bool no_password = flag_at(profile, "/linuxConfiguration/disablePasswordAuthentication");
    const Json& zones = array_at(machine.shown(), "/zones");
    Json compute = {{"azEnvironment", "HopyardLocal"},
                    {"customData", ""},
                    {"evictionPolicy", text_at(properties, "/evictionPolicy")},
                    {"isHostCompatibilityLayerVm", "false"},
                    {"location", text_at(machine.shown(), "/location")},
                    {"name", text_at(machine.shown(), "/name")},
                    {"offer", text_at(image, "/offer")},
                    {"osProfile",
                     {{"adminUsername", text_at(profile, "/adminUsername")},
                      {"computerName", text_at(profile, "/computerName")},
                      {"disablePasswordAuthentication", no_password ? "true" : "false"}}},
                    {"osType", "Linux"},
                    {"priority", text_at(properties, "/priority")},
                    {"provider", "Microsoft.Compute"},
                    {"publicKeys", keys},
                    {"publisher", text_at(image, "/publisher")},
                    {"resourceGroupName", id->group},
                    {"resourceId", machine.id},
                    {"sku", text_at(image, "/sku")},
                    {"subscriptionId", id->subscription},
                    {"userData", text_at(machine.secret(), "/userData")},
                    {"version", text_at(image, "/version")},
                    {"vmId", text_at(properties, "/vmId")},
                    {"vmScaleSetName", ""},
                    {"vmSize", text_at(properties, "/hardwareProfile/vmSize")},
                    {"zone", zones.empty() ? "" : as_text(zones[0])},
                    {"storageProfile",
                     {{"dataDisks", Json::array()},
                      {"imageReference",
                       {{"id", text_at(image, "/id")},
                        {"offer", text_at(image, "/offer")},
                        {"publisher", text_at(image, "/publisher")},
                        {"sku", text_at(image, "/sku")},
                        {"version", text_at(image, "/version")}}},
                      {"osDisk",
                       {{"caching", text_at(disk, "/caching")},
                        {"createOption", text_at(disk, "/createOption")},
                        {"diskSizeGB", std::to_string(number_at(disk, "/diskSizeGB"))},
                        {"name", text_at(disk, "/name")},
                        {"osType", "Linux"}}},
                      {"resourceDisk", {{"size", "0"}}}}}};
    add_tags(compute, object_at(machine.shown(), "/tags"));
    return compute;
}

}  // namespace

std::optional<Metadata::Caller> Metadata::caller_of(const std::string& address_text,
                                                    const std::string& network) const {
    const auto guard = ledger_.guard();
    for (const auto& machine : ledger_.list(machine_type)) {
        const auto interface = ledger_.find(Fabric::interface_of(machine));
        if (!interface) continue;
        const Json* found = find(interface->shown(), "/properties/ipConfigurations/0/properties");
        if (!found || text_at(*found, "/privateIPAddress") != address_text) continue;
        const auto its_network = ledger_.find(network_of_subnet(text_at(*found, "/subnet/id")));
        if (its_network && text_at(its_network->secret(), "/host") == network)
            return Caller{machine, *interface};
    }
    return std::nullopt;
}

Json Metadata::document_of(const Caller& caller) const {
    return Json{{"compute", compute_part(caller.machine)},
                {"network", network_part(ledger_, caller.interface)}};
}

http::Response Metadata::answer(const http::Request& request, const std::string& network) const {
    std::string path = to_lower(request.path());
    while (path.ends_with('/')) path.pop_back();
    if (to_lower(request.headers.get("metadata")) != "true")
        return refusal(400, "invalid_request", "Required metadata header not specified");
    if (request.headers.find("x-forwarded-for"))
        return refusal(400, "invalid_request", "X-Forwarded-For header is not allowed");
    const auto caller = caller_of(request.peer.address, network);
    if (!caller) return refusal(404, "not_found", "No machine has the address of this request");
    const std::string root = "/metadata/";
    if (path == root + "versions")
        return http::json_response(200, R"({"apiVersions":["2021-01-01","2021-02-01"]})");
    if (!path.starts_with(root)) return refusal(404, "Not found");
    if (request.method != "GET" && path != root + "scheduledevents")
        return refusal(405, "Method not allowed");
    const std::string version = request.query("api-version").value_or("");
    if (version.empty()) {
        const Json body = {{"error", "Bad request. api-version was not specified in the request"},
                           {"newest-versions", {"2021-02-01", "2021-01-01", "2020-12-01"}}};
        return http::json_response(400, to_text(body));
    }
    if (path.starts_with(root + "instance")) {
        const std::string whole(request.path());
        return instance(request, *caller, whole.substr(std::string("/metadata/instance").size()));
    }
    if (path == root + "identity/oauth2/token") return token(request, *caller);
    if (path == root + "scheduledevents")
        return http::json_response(200, R"({"DocumentIncarnation":1,"Events":[]})");
    return refusal(404, "Not found");
}

http::Response Metadata::instance(const http::Request& request,
                                  const Caller& caller,
                                  const std::string& path) const {
    const Json all = document_of(caller);
    const Json* here = &all;
    for (const auto& segment : split_path(path)) {
        const Json* next = nullptr;
        if (here->is_object()) {
            for (const auto& [name, value] : here->items())
                if (to_lower(name) == to_lower(segment)) next = &value;
        } else if (here->is_array()) {
            next = find(*here, "/" + segment);
        }
        if (!next) return refusal(404, "Not found");
        here = next;
    }
    const bool leaf = here->is_string();
    const std::string format = to_lower(request.query("format").value_or(leaf ? "text" : "json"));
    if (format == "text" && leaf) return http::text_response(200, here->get<std::string>());
    if (format != "json") return refusal(400, "Bad request. Only a leaf can be given as text");
    return http::json_response(200, to_text(*here));
}

http::Response Metadata::token(const http::Request& request, const Caller& caller) const {
    const std::string resource = request.query("resource").value_or("");
    if (resource.empty())
        return refusal(400, "invalid_request", "Required audience parameter not specified");
    const std::string client = to_lower(request.query("client_id").value_or(""));
    const std::string object = to_lower(request.query("object_id").value_or(""));
    const std::string id =
        request.query("msi_res_id").value_or(request.query("mi_res_id").value_or(""));
    const Json& identities = object_at(caller.machine.shown(), "/identity/userAssignedIdentities");
    const bool named = !client.empty() || !object.empty() || !id.empty();
    if (!named && identities.size() > 1)
        return refusal(
            400,
            "invalid_request",
            "Multiple user assigned identities exist, please specify the clientId / resourceId of "
            "the identity in the token request");
    for (const auto& [identity_id, identity] : identities.items()) {
        const std::string principal = to_lower(text_at(identity, "/principalId"));
        const std::string its_client = to_lower(text_at(identity, "/clientId"));
        if ((!client.empty() && client != its_client) || (!object.empty() && object != principal) ||
            (!id.empty() && !same_id(id, identity_id)))
            continue;
        if (!ledger_.exists(identity_id)) break;
        const Timestamp now = clock_.now();
        const Secret token = issuer_.issue({.object_id = principal,
                                            .client_id = its_client,
                                            .audience = audience_of(resource),
                                            .now = now});
        const std::int64_t seconds = TokenIssuer::lifetime.count();
        const std::string lifetime = std::to_string(seconds);
        const Json body = {{"access_token", token.reveal()},
                           {"client_id", its_client},
                           {"expires_in", lifetime},
                           {"ext_expires_in", lifetime},
                           {"expires_on", std::to_string(to_unix_seconds(now) + seconds)},
                           {"not_before", std::to_string(to_unix_seconds(now))},
                           {"resource", resource},
                           {"token_type", "Bearer"}};
        return http::json_response(200, to_text(body));
    }
    return refusal(400, "invalid_request", "Identity not found");
}

}  // namespace hopyard::localcloud
