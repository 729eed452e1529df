#include "model/machine_run.h"

#include "model/stored_document.h"

namespace hopyard::model {

void members_of(auto& fields, is<MachineRun> auto& run) {
    fields.get("organisation", run.organisation)
        .get("cluster", run.cluster)
        .get("clusterName", run.cluster_name)
        .get("machine", run.machine)
        .get("location", run.location)
        .get("instanceType", run.instance_type)
        .get("vcpus", run.vcpus)
        .get("spot", run.spot)
        .get("startedAt", run.started_at)
        .get("endedAt", run.ended_at);
}

std::string to_json(const MachineRun& run) {
    return document_of(run);
}

Result<MachineRun> machine_run_from_json(std::string_view text) {
    return read_document<MachineRun>(text, "run of a machine");
}

}  // namespace hopyard::model
