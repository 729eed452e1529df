#include "model/wire_fields.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "model/json_reader.h"

namespace hopyard::model {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 12> versions{"2.2.0",
                                                    "2.4.0",
                                                    "2.5.0",
                                                    "3.0.0",
                                                    "3.1.0",
                                                    "3.2.0",
                                                    "3.3.0",
                                                    "3.4.1",
                                                    "3.5.0",
                                                    "3.7.0",
                                                    "3.7.1",
                                                    "3.8.0"};

/// One kind of database node of the wire.
struct DatabaseNodes {
    std::string instance_type;
    std::int64_t disk_gb = 0;
    int count = 0;
};

struct Database {
    bool all_in_one = false;
    int replication_factor = 0;
    DatabaseNodes management, data, mysql, api;
};

struct WireFields {
    std::string version, os, aks, acr, search_domain, domain_prefix, hosted_zone;
    std::string encryption = "None";
    bool lets_encrypt = false, high_availability = false;
    bool no_log_report = false, collect_logs = false;
    std::optional<Database> database;
};

DatabaseNodes read_nodes(ObjectReader& parent, const char* name, std::optional<Error>& fault) {
    DatabaseNodes nodes;
    const json* value = parent.member(name);
    if (value == nullptr) return nodes;
    ObjectReader reader(*value, parent.pointer_of(name), fault);
    reader.read("instanceType", nodes.instance_type);
    reader.read("diskSize", nodes.disk_gb);
    reader.read("count", nodes.count);
    if (std::string_view(name) == "mysqld") {
        bool arrow_flight = false;
        reader.read("arrowFlight", arrow_flight);
    }
    std::vector<std::string> addresses;
    reader.read("privateIps", addresses);
    reader.finish();
    return nodes;
}

void read_configuration(ObjectReader& parent, Database& database, std::optional<Error>& fault) {
    const json* value = parent.member("configuration");
    if (value == nullptr) return;
    ObjectReader reader(*value, parent.pointer_of("configuration"), fault);
    if (const json* data = reader.member("ndbdDefault")) {
        ObjectReader inner(*data, reader.pointer_of("ndbdDefault"), fault);
        inner.read("replicationFactor", database.replication_factor);
        inner.finish();
    }
    if (const json* general = reader.member("general")) {
        ObjectReader inner(*general, reader.pointer_of("general"), fault);
        if (const json* benchmark = inner.member("benchmark")) {
            bool grant = false;
            ObjectReader innermost(*benchmark, inner.pointer_of("benchmark"), fault);
            innermost.read("grantUserPrivileges", grant);
            innermost.finish();
        }
        inner.finish();
    }
    reader.finish();
}

Database read_database(const json& value, std::optional<Error>& fault) {
    Database database;
    ObjectReader reader(value, "/wire/ronDB", fault);
    reader.read("allInOne", database.all_in_one);
    read_configuration(reader, database, fault);
    database.management = read_nodes(reader, "mgmd", fault);
    database.data = read_nodes(reader, "ndbd", fault);
    database.mysql = read_nodes(reader, "mysqld", fault);
    database.api = read_nodes(reader, "api", fault);
    reader.finish();
    return database;
}

void read_encryption(ObjectReader& parent, WireFields& fields, std::optional<Error>& fault) {
    const json* value = parent.member("containerConfiguration");
    if (value == nullptr) return;
    ObjectReader reader(*value, parent.pointer_of("containerConfiguration"), fault);
    if (const json* encryption = reader.member("encryption")) {
        ObjectReader inner(*encryption, reader.pointer_of("encryption"), fault);
        inner.read("mode", fields.encryption);
        inner.finish();
    }
    reader.finish();
}

Result<WireFields> read_fields(const ClusterSpec& spec) {
    WireFields fields;
    const json document = json::parse(spec.wire_json, nullptr, false);
    std::optional<Error> fault;
    ObjectReader reader(document, "/wire", fault);
    reader.read("version", fields.version);
    reader.read("os", fields.os);
    reader.read("aksClusterName", fields.aks);
    reader.read("acrRegistryName", fields.acr);
    reader.read("searchDomain", fields.search_domain);
    reader.read("clusterDomainPrefix", fields.domain_prefix);
    reader.read("customHostedZone", fields.hosted_zone);
    reader.read("issueLetsEncrypt", fields.lets_encrypt);
    reader.read("haEnabled", fields.high_availability);
    reader.read("deactivateLogReport", fields.no_log_report);
    reader.read("collectLogs", fields.collect_logs);
    read_encryption(reader, fields, fault);
    if (const json* database = reader.member("ronDB"))
        fields.database = read_database(*database, fault);
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return fields;
}

/// control-api.md 4.4: explicit, or inferred as the releases before 1.4.0 spell it.
bool is_single_node(const Database& database) {
    if (database.api.count != 0) return false;
    if (database.all_in_one) return true;
    return database.replication_factor == 1 && database.data.count == 1 &&
           database.mysql.count == 1 && database.management.instance_type.empty() &&
           database.mysql.instance_type.empty();
}

Error fault_at(std::string field, std::string code, std::string rule, std::string remedy) {
    return refuse(std::move(field), std::move(code), std::move(rule), std::move(remedy)).value();
}

}  // namespace

std::span<const std::string_view> wire_versions() {
    return versions;
}

std::vector<Error> check_wire(const ClusterSpec& spec) {
    const auto fields = read_fields(spec);
    if (!fields) return {fields.error()};
    std::vector<Error> found;
    if (!fields->version.empty() &&
        std::find(versions.begin(), versions.end(), fields->version) == versions.end())
        found.push_back(fault_at("/wire/version",
                                 "unknown_version",
                                 "there is no version '" + fields->version + "'",
                                 "The newest is " + std::string(versions.back()) + "."));
    if (!fields->os.empty() && fields->os != "ubuntu" && fields->os != "centos")
        found.push_back(fault_at("/wire/os",
                                 "unknown_value",
                                 "'" + fields->os + "' is no operating system of this wire",
                                 "Write 'ubuntu' or 'centos'."));
    if (fields->database && !is_single_node(*fields->database))
        found.push_back(fault_at("/wire/ronDB",
                                 "feature_unavailable",
                                 "a RonDB of several nodes is not available",
                                 "Ask for a single node, or leave RonDB out."));
    if (!fields->aks.empty())
        found.push_back(fault_at("/wire/aksClusterName",
                                 "feature_unavailable",
                                 "AKS is not available",
                                 "Leave the AKS cluster's name empty."));
    if (fields->high_availability)
        found.push_back(fault_at("/wire/haEnabled",
                                 "feature_unavailable",
                                 "a second head is not available",
                                 "Set haEnabled to false."));
    if (fields->encryption != "None")
        found.push_back(fault_at("/wire/containerConfiguration/encryption/mode",
                                 "unknown_value",
                                 "'" + fields->encryption + "' is no mode here",
                                 "Write 'None'; the account encrypts by itself."));
    return found;
}

std::vector<Error> wire_warnings(const ClusterSpec& spec) {
    const auto fields = read_fields(spec);
    if (!fields) return {};
    std::vector<Error> found;
    const auto warn = [&](const char* field, const char* what) {
        found.push_back(fault_at(field,
                                 "stored_only",
                                 std::string(what) + " is stored and shown, and nothing is made",
                                 "Leave it out if you do not need it."));
    };
    if (fields->database) warn("/wire/ronDB", "RonDB");
    if (!fields->acr.empty()) warn("/wire/acrRegistryName", "the container registry's name");
    if (!fields->domain_prefix.empty()) warn("/wire/clusterDomainPrefix", "the domain prefix");
    if (!fields->hosted_zone.empty()) warn("/wire/customHostedZone", "the hosted zone");
    return found;
}

}  // namespace hopyard::model
