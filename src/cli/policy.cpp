#include "cli/policy.h"

#include <nlohmann/json.hpp>

#include "base/yaml.h"
#include "cli/input.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

void apply(json& policy, const char* name, const AutoscaleGroupOptions& group) {
    const auto set = [&](const char* field, const auto& value) {
        if (value) policy[name][field] = *value;
    };
    if (!group.instance_type.empty()) policy[name]["instanceType"] = group.instance_type;
    if (!group.fallback_types.empty()) policy[name]["fallbackTypes"] = group.fallback_types;
    set("diskGb", group.disk_gb);
    set("minWorkers", group.min_workers);
    set("maxWorkers", group.max_workers);
    set("standbyWorkers", group.standby_workers);
    set("downscaleWaitSeconds", group.downscale_wait_s);
}

}  // namespace

Result<json> read_policy(const std::string& file) {
    ASSIGN_OR_RETURN(const std::string text, read_input(file));
    ASSIGN_OR_RETURN(const std::string converted, yaml_to_json(text));
    json policy = json::parse(converted, nullptr, false);
    if (!policy.is_object())
        return refuse("",
                      "policy_malformed",
                      file + " is not a mapping",
                      "Write 'general:' with its 'instanceType:' below it.");
    if (policy.contains("autoscale")) return policy["autoscale"];
    return policy;
}

void apply(json& policy, const AutoscaleOptions& options) {
    if (!options.mode.empty()) policy["mode"] = options.mode;
    apply(policy, "general", options.general);
    apply(policy, "gpu", options.gpu);
    if (options.no_gpu) policy.erase("gpu");
}

}  // namespace hopyard::cli
