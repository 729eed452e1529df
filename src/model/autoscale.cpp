#include "model/autoscale.h"

namespace hopyard::model {

std::vector<GroupKey> keys_of(const ScaleSpec& group) {
    std::vector<std::string> types = {group.instance_type};
    types.insert(types.end(), group.fallback_types.begin(), group.fallback_types.end());
    std::vector<GroupKey> keys;
    for (const std::string& type : types) {
        keys.push_back({.instance_type = type, .disk_gb = group.disk_gb, .spot = group.spot});
        if (group.spot && group.spot->fall_back_on_demand)
            keys.push_back({.instance_type = type, .disk_gb = group.disk_gb});
    }
    return keys;
}

}  // namespace hopyard::model
