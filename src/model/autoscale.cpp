#include "model/autoscale.h"

#include <algorithm>

namespace hopyard::model {

std::vector<GroupKey> keys_of(const ScaleSpec& group) {
    std::vector<std::string> types = {group.instance_type};
    types.insert(types.end(), group.fallback_types.begin(), group.fallback_types.end());
    std::vector<GroupKey> keys;
    for (const std::string& type : types)
        keys.push_back({.instance_type = type, .disk_gb = group.disk_gb, .spot = group.spot});
    if (!group.spot || !group.spot->fall_back_on_demand) return keys;
    for (const std::string& type : types)
        keys.push_back({.instance_type = type, .disk_gb = group.disk_gb});
    return keys;
}

std::vector<std::string> types_of(const AutoscaleSpec& spec) {
    std::vector<std::string> types;
    const auto name = [&](const ScaleSpec& group) {
        for (const GroupKey& key : keys_of(group))
            if (std::find(types.begin(), types.end(), key.instance_type) == types.end())
                types.push_back(key.instance_type);
    };
    name(spec.general);
    if (spec.gpu) name(*spec.gpu);
    return types;
}

}  // namespace hopyard::model
