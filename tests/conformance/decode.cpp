// The types that each release declares for a cluster (control-api.md 2.1), and Go's rules for
// reading JSON into them.
#include <cctype>

#include "release.h"

namespace hopyard::conformance {
namespace {

using nlohmann::json;

enum class Type { text, whole, fraction, flag, object, optional_object, objects, texts };

struct Field {
    const char* name;
    Type type;
    int since = 0;
    std::vector<Field> inner = {};
};
using Fields = std::vector<Field>;

const Fields spot = {{"maxPrice", Type::whole}, {"fallBackOnDemand", Type::flag}};
const Fields scale = {{"instanceType", Type::text},
                      {"diskSize", Type::whole},
                      {"minWorkers", Type::whole},
                      {"maxWorkers", Type::whole},
                      {"standbyWorkers", Type::fraction},
                      {"downscaleWaitTime", Type::whole},
                      {"spotInfo", Type::optional_object, 400, spot}};
const Fields database_nodes = {{"instanceType", Type::text},
                               {"diskSize", Type::whole},
                               {"count", Type::whole},
                               {"privateIps", Type::texts, 10100},
                               {"arrowFlight", Type::flag, 10800}};
const Fields configuration = {
    {"ndbdDefault", Type::object, 0, {{"replicationFactor", Type::whole}}},
    {"general",
     Type::object,
     0,
     {{"benchmark", Type::object, 0, {{"grantUserPrivileges", Type::flag}}}}}};
const Fields database = {{"allInOne", Type::flag, 10400},
                         {"configuration", Type::object, 0, configuration},
                         {"mgmd", Type::object, 0, database_nodes},
                         {"ndbd", Type::object, 0, database_nodes},
                         {"mysqld", Type::object, 0, database_nodes},
                         {"api", Type::object, 0, database_nodes}};
const Fields head = {{"instanceType", Type::text},
                     {"diskSize", Type::whole},
                     {"haEnabled", Type::flag, 1100},
                     {"nodeId", Type::text, 900},
                     {"privateIp", Type::text, 10100}};
const Fields worker = {{"instanceType", Type::text},
                       {"diskSize", Type::whole},
                       {"count", Type::whole},
                       {"spotInfo", Type::optional_object, 400, spot},
                       {"privateIps", Type::texts, 10100}};
const Fields azure = {{"location", Type::text},
                      {"resourceGroup", Type::text},
                      {"managedIdentity", Type::text},
                      {"storageAccount", Type::text},
                      {"blobContainerName", Type::text},
                      {"networkResourceGroup", Type::text, 300},
                      {"virtualNetworkName", Type::text},
                      {"subnetName", Type::text},
                      {"securityGroupName", Type::text},
                      {"aksClusterName", Type::text},
                      {"acrRegistryName", Type::text},
                      {"searchDomain", Type::text, 500},
                      {"containerConfiguration",
                       Type::object,
                       1000,
                       {{"encryption", Type::object, 0, {{"mode", Type::text}}}}}};
const Fields ports = {{"featureStore", Type::flag},
                      {"onlineFeatureStore", Type::flag},
                      {"kafka", Type::flag},
                      {"ssh", Type::flag}};
const Fields cluster_fields = {
    {"id", Type::text},
    {"name", Type::text},
    {"state", Type::text},
    {"activationState", Type::text},
    {"initializationStage", Type::text},
    {"createdOn", Type::whole},
    {"startedOn", Type::whole},
    {"version", Type::text},
    {"url", Type::text},
    {"provider", Type::text},
    {"errorMessage", Type::text},
    {"tags", Type::objects, 0, {{"name", Type::text}, {"value", Type::text}}},
    {"sshKeyName", Type::text},
    {"clusterConfiguration",
     Type::object,
     0,
     {{"head", Type::object, 0, head}, {"workers", Type::objects, 0, worker}}},
    {"publicIPAttached", Type::flag},
    {"letsEncryptIssued", Type::flag},
    {"managedUsers", Type::flag},
    {"backupRetentionPeriod", Type::whole},
    {"azure", Type::optional_object, 0, azure},
    {"ports", Type::object, 0, ports},
    {"ronDB", Type::optional_object, 200, database},
    {"autoscale",
     Type::optional_object,
     200,
     {{"nonGpu", Type::optional_object, 0, scale}, {"gpu", Type::optional_object, 0, scale}}},
    {"initScript", Type::text, 400},
    {"runInitScriptFirst", Type::flag, 400},
    {"os", Type::text, 400},
    {"upgradeInProgress", Type::optional_object, 600, {{"from", Type::text}, {"to", Type::text}}},
    {"deactivateLogReport", Type::flag, 900},
    {"collectLogs", Type::flag, 900},
    {"backupPipelineInProgress", Type::flag, 1001},
    {"clusterDomainPrefix", Type::text, 1100},
    {"customHostedZone", Type::text, 1100}};

bool equal_without_case(const std::string& a, const std::string& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return std::tolower(static_cast<unsigned char>(x)) ==
                      std::tolower(static_cast<unsigned char>(y));
           });
}

class Decoding {
  public:
    Decoding(const Release& release, std::vector<std::string>& faults)
        : release_(release), faults_(faults) {}

    json object(const json& value, const Fields& fields, const std::string& at) {
        json out = json::object();
        for (const Field& field : fields) {
            if (!release_.since(field.since)) continue;
            out[field.name] = one(member(value, field.name), field, at + "/" + field.name);
        }
        return out;
    }

  private:
    static const json& member(const json& value, const char* name) {
        static const json nothing;
        if (!value.is_object()) return nothing;
        for (const auto& [key, found] : value.items())
            if (equal_without_case(key, name)) return found;
        return nothing;
    }

    json one(const json& value, const Field& field, const std::string& at) {
        switch (field.type) {
            case Type::text:
                return scalar(value, value.is_string(), "", at);
            case Type::whole:
                return scalar(value, value.is_number_integer(), 0, at);
            case Type::fraction:
                return scalar(value, value.is_number(), 0.0, at);
            case Type::flag:
                return scalar(value, value.is_boolean(), false, at);
            case Type::optional_object:
                if (value.is_null()) return nullptr;
                [[fallthrough]];
            case Type::object:
                expect(value, value.is_object() || value.is_null(), at);
                return object(value, field.inner, at);
            case Type::objects:
            case Type::texts:
                return list(value, field, at);
        }
        return nullptr;
    }

    json list(const json& value, const Field& field, const std::string& at) {
        json out = json::array();
        expect(value, value.is_array() || value.is_null(), at);
        if (!value.is_array()) return out;
        for (const json& entry : value) {
            const bool text = field.type == Type::texts;
            expect(entry, text ? entry.is_string() : entry.is_object(), at);
            out.push_back(text ? entry : object(entry, field.inner, at));
        }
        return out;
    }

    json scalar(const json& value, bool fits, json zero, const std::string& at) {
        if (value.is_null()) return zero;
        expect(value, fits, at);
        return fits ? value : zero;
    }

    void expect(const json& value, bool fits, const std::string& at) {
        if (!fits) faults_.push_back(at + " has the wrong type: " + value.dump().substr(0, 60));
    }

    const Release& release_;
    std::vector<std::string>& faults_;
};

}  // namespace

json decode_cluster(const Release& release, const json& cluster, std::vector<std::string>& faults) {
    if (!cluster.is_object()) faults.push_back("the cluster is no object: " + cluster.dump());
    return Decoding(release, faults).object(cluster, cluster_fields, "");
}

}  // namespace hopyard::conformance
