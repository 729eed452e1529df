#include "cli/policy.h"

#include <nlohmann/json.hpp>

#include "base/yaml.h"
#include "cli/input.h"
#include "cli/policy_words.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

Result<void> apply_flags(json& policy,
                         const char* name,
                         const AutoscaleGroupOptions& group,
                         const std::string& prefix) {
    json changed = policy.is_object() ? policy.value(name, json::object()) : json::object();
    const json before = changed;
    const auto set = [&](const char* field, const auto& value) {
        if (value) changed[field] = *value;
    };
    if (!group.instance_type.empty()) changed["instanceType"] = group.instance_type;
    if (group.fallback_types == std::vector<std::string>{off})
        changed.erase("fallbackTypes");
    else if (!group.fallback_types.empty())
        changed["fallbackTypes"] = group.fallback_types;
    set("diskGb", group.disk_gb);
    set("minWorkers", group.min_workers);
    set("maxWorkers", group.max_workers);
    set("standbyWorkers", group.standby_workers);
    set("downscaleWaitSeconds", group.downscale_wait_s);
    RETURN_IF_ERROR(apply_words(changed, group, prefix));
    // Flags that name nothing make no group.
    if (changed != before) policy[name] = std::move(changed);
    return {};
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

Result<void> apply_flags(json& policy, const AutoscaleOptions& options) {
    if (!options.mode.empty()) policy["mode"] = options.mode;
    RETURN_IF_ERROR(apply_flags(policy, "general", options.general, "--"));
    RETURN_IF_ERROR(apply_flags(policy, "gpu", options.gpu, "--gpu-"));
    if (options.no_gpu) policy.erase("gpu");
    return {};
}

}  // namespace hopyard::cli
