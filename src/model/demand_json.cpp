#include "model/demand_json.h"

namespace hopyard::model {

using nlohmann::json;

json document(const Resources& resources) {
    return {{"cpus", resources.cpus}, {"memoryMb", resources.memory_mb}, {"gpus", resources.gpus}};
}

bool read(const json& from, Resources& resources) {
    return Fields(from)
        .get("cpus", resources.cpus)
        .get("memoryMb", resources.memory_mb)
        .get("gpus", resources.gpus)
        .good();
}

json document(const Request& request) {
    return {{"name", request.name},
            {"count", request.count},
            {"pieces", request.pieces},
            {"apart", request.apart},
            {"each", document(request.each)},
            {"wholeMachine", request.whole_machine},
            {"gpuType", request.gpu_type},
            {"features", request.features},
            {"machines", request.machines},
            {"waitingSince", to_field(request.waiting_since)},
            {"limitSeconds", request.limit_s}};
}

bool read(const json& from, Request& request) {
    Fields fields(from);
    const json* each = fields.member("each");
    return fields.get("name", request.name)
               .get("count", request.count)
               .get("pieces", request.pieces)
               .get("apart", request.apart)
               .get("wholeMachine", request.whole_machine)
               .get("gpuType", request.gpu_type)
               .get("features", request.features)
               .get("machines", request.machines)
               .get("waitingSince", request.waiting_since)
               .get("limitSeconds", request.limit_s)
               .good() &&
           (each == nullptr || read(*each, request.each));
}

json document(const Demand& demand) {
    json requests = json::array();
    for (const Request& request : demand.requests) requests.push_back(document(request));
    return {{"requests", std::move(requests)}, {"cut", demand.cut}};
}

bool read(const json& from, Demand& demand) {
    Fields fields(from);
    if (!fields.get("cut", demand.cut).good()) return false;
    const json* requests = fields.member("requests");
    if (requests == nullptr) return true;
    if (!requests->is_array()) return false;
    for (const json& entry : *requests)
        if (!read(entry, demand.requests.emplace_back())) return false;
    return true;
}

json document(const GroupKey& key) {
    json out = {{"instanceType", key.instance_type}, {"diskGb", key.disk_gb}};
    if (key.spot)
        out["spot"] = {{"maxPricePercent", key.spot->max_price_percent},
                       {"fallBackOnDemand", key.spot->fall_back_on_demand}};
    return out;
}

bool read(const json& from, GroupKey& key) {
    Fields fields(from);
    fields.get("instanceType", key.instance_type).get("diskGb", key.disk_gb);
    if (const json* spot = fields.member("spot"))
        Fields(*spot)
            .get("maxPricePercent", key.spot.emplace().max_price_percent)
            .get("fallBackOnDemand", key.spot->fall_back_on_demand);
    return fields.good();
}

}  // namespace hopyard::model
