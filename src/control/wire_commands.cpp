// What may be changed of the fields of the existing wire (product.md D14): nothing is made for
// them, so a change is stored and shown, in every state.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/edit.h"

namespace hopyard::control {
namespace {

using nlohmann::json;

Result<void> check_node_type(const std::string& node_type) {
    if (node_type == "rondb_aio" || node_type == "rondb_data") return {};
    if (node_type == "rondb_mysql" || node_type == "rondb_api")
        return refuse("/nodeInfo/nodeType",
                      "single_database_node",
                      "a single database node is data, MySQL and API in one",
                      "Change the type of 'rondb_aio'.");
    return refuse("/nodeInfo/nodeType",
                  "unknown_value",
                  "'" + node_type + "' is no node whose type can be changed",
                  "Write 'head' or 'rondb_aio'.");
}

Result<void> set_type(Edit& edit, const std::string& instance_type) {
    if (edit.cluster.wanted == model::Wanted::terminated)
        return forbidden("cluster_terminating",
                         fmt::format("'{}' is being terminated", edit.cluster.spec.name),
                         "Create another cluster.");
    json stored = json::parse(edit.cluster.spec.wire_json, nullptr, false);
    if (!stored.is_object() || !stored.contains("ronDB"))
        return refuse("/nodeInfo/nodeType",
                      "no_database",
                      "the cluster has no RonDB",
                      "Change the type of 'head'.");
    json& type = stored["ronDB"]["ndbd"]["instanceType"];
    if (type == instance_type) return {};
    edit.remark("database_type_changed",
                "the database node is to be shown as a " + instance_type,
                "no such service is made");
    type = instance_type;
    edit.cluster.spec.wire_json = stored.dump();
    return {};
}

}  // namespace

Result<model::Cluster> Commands::set_database_type(const Caller& caller,
                                                   const ClusterId& id,
                                                   const std::string& node_type,
                                                   const std::string& instance_type) {
    RETURN_IF_ERROR(check_node_type(node_type));
    return change(caller, id, [&](Edit& edit) { return set_type(edit, instance_type); });
}

}  // namespace hopyard::control
