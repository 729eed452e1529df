#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/read_file.h"
#include "cli/commands.h"
#include "cli/input.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

const std::map<std::string, std::vector<Column>> look_up_columns = {
    {"locations", {{"NAME", "/name"}, {"DISPLAY NAME", "/displayName"}}},
    {"sizes",
     {{"NAME", "/name"},
      {"VCPUS", "/vcpus"},
      {"MEMORY MB", "/memoryMb"},
      {"GPUS", "/gpus"},
      {"PER HOUR", "/price/perHour"},
      {"CURRENCY", "/price/currency"},
      {"UNAVAILABLE", "/unavailable"}}},
    {"groups", {{"NAME", "/name"}, {"LOCATION", "/location"}}},
    {"keys", {{"NAME", "/name"}}},
    {"identities", {{"NAME", "/name"}, {"PRINCIPAL", "/principalId"}}},
    {"accounts", {{"NAME", "/name"}, {"GROUP", "/resourceGroup"}, {"LOCATION", "/location"}}},
    {"networks", {{"NAME", "/name"}, {"GROUP", "/resourceGroup"}, {"SUBNETS", "/subnets"}}},
    {"security-groups", {{"NAME", "/name"}, {"GROUP", "/resourceGroup"}, {"RULES", "/rules"}}},
};

/// A saved list is three times as large as what is read of it, and a request has a limit.
std::string without_what_prices_lack(const json& saved) {
    static constexpr const char* read[] = {"currencyCode",
                                           "retailPrice",
                                           "armRegionName",
                                           "productName",
                                           "skuName",
                                           "unitOfMeasure",
                                           "type",
                                           "armSkuName"};
    json pages = json::array();
    for (const json& page : saved.is_array() ? saved : json::array({saved})) {
        json items = json::array();
        for (const json& meter : page.value("/Items"_json_pointer, json::array())) {
            if (!meter.is_object() || meter.value("serviceName", "") != "Virtual Machines")
                continue;
            json kept;
            for (const char* member : read)
                if (meter.contains(member)) kept[member] = meter[member];
            items.push_back(std::move(kept));
        }
        pages.push_back({{"Items", std::move(items)}});
    }
    return pages.dump();
}

}  // namespace

int cloud_list(Session& session, const Output& output, const LookUp& look_up) {
    const auto reply = session.call("GET",
                                    with_query("/v1/cloud/" + look_up.what,
                                               {{"location", look_up.location},
                                                {"group", look_up.group},
                                                {"cloudAccount", look_up.cloud_account}}));
    if (!reply) return report(reply.error());
    std::fputs(render(*reply, output.format, look_up_columns.at(look_up.what)).c_str(), stdout);
    return exit_ok;
}

int cloud_prepare(Session& session, const Output& output, const PrepareOptions& options) {
    json body = {{"group", options.group}, {"location", options.location}};
    if (!options.account.empty()) body["account"] = options.account;
    if (!options.identity.empty()) body["identity"] = options.identity;
    if (!options.ssh_key.empty()) {
        std::string key = read_file(options.ssh_key_file).value_or("");
        if (key.empty())
            return report(
                refuse("/sshKey/publicKey",
                       "file_unreadable",
                       "cannot read a public key from '" + options.ssh_key_file + "'",
                       "Make one with ssh-keygen -t ed25519, or name it with --ssh-key-file.")
                    .value());
        while (!key.empty() && key.back() == '\n') key.pop_back();
        body["sshKey"] = {{"name", options.ssh_key}, {"publicKey", key}};
    }
    const auto reply =
        session.call("POST",
                     with_query("/v1/cloud/prepare", {{"cloudAccount", options.cloud_account}}),
                     body.dump());
    if (!reply) return report(reply.error());
    std::fputs(
        render(*reply, output.format, {{"WHAT", "/kind"}, {"NAME", "/name"}, {"RESULT", "/result"}})
            .c_str(),
        stdout);
    return exit_ok;
}

int prices_import(Session& session, const Output& output, const std::string& file) {
    const json saved = json::parse(read_file(file).value_or(""), nullptr, false);
    if (saved.is_discarded())
        return report(refuse("",
                             "file_unreadable",
                             "'" + file + "' cannot be read as JSON",
                             "Save the pages of https://prices.azure.com/api/retail/prices.")
                          .value());
    const auto reply = session.call("PUT", "/v1/cloud/prices", without_what_prices_lack(saved));
    if (!reply) return report(reply.error());
    std::fputs(render(*reply, output.format, {{"LOCATION", "/location"}}).c_str(), stdout);
    return exit_ok;
}

int cloud_orphans(Session& session, const Output& output, bool remove) {
    if (remove && !confirmed(output, "Delete every orphan of this installation?"))
        return exit_refused;
    const auto reply = remove ? session.call("POST", "/v1/cloud/orphans/delete")
                              : session.call("GET", "/v1/cloud/orphans");
    if (!reply) return report(reply.error());
    std::vector<Column> columns = {
        {"KIND", "/kind"}, {"GROUP", "/resourceGroup"}, {"NAME", "/name"}};
    if (remove) {
        columns.push_back({"RESULT", "/result"});
        columns.push_back({"PROBLEM", "/problem/message"});
    } else {
        columns.push_back({"CLUSTER", "/cluster"});
        columns.push_back({"CREATED", "/createdAt"});
    }
    std::fputs(render(*reply, output.format, columns).c_str(), stdout);
    return exit_ok;
}

int api_key_create(Session& session,
                   const Output& output,
                   const std::string& name,
                   const std::string& scope) {
    const auto reply =
        session.call("POST", "/v1/api-keys", json{{"name", name}, {"scope", scope}}.dump());
    if (!reply) return report(reply.error());
    std::fputs(
        render_object(*reply,
                      output.format,
                      {{"Id", "/id"}, {"Name", "/name"}, {"Scope", "/scope"}, {"Key", "/key"}})
            .c_str(),
        stdout);
    if (output.format == Format::table) std::fputs("The key is shown this once.\n", stderr);
    return exit_ok;
}

int api_key_list(Session& session, const Output& output) {
    const auto reply = session.call("GET", "/v1/api-keys");
    if (!reply) return report(reply.error());
    std::fputs(render(*reply,
                      output.format,
                      {{"ID", "/id"},
                       {"NAME", "/name"},
                       {"SCOPE", "/scope"},
                       {"CREATED", "/createdAt"},
                       {"REVOKED", "/revoked"}})
                   .c_str(),
               stdout);
    return exit_ok;
}

int api_key_revoke(Session& session, const Output& output, const std::string& id) {
    if (!confirmed(output, "Revoke API key " + id + "? Whoever uses it is locked out at once."))
        return exit_refused;
    const auto reply = session.call("DELETE", "/v1/api-keys/" + percent_encode(id));
    return reply ? exit_ok : report(reply.error());
}

}  // namespace hopyard::cli
