#include "model/entity_json.h"

#include "base/json_fields.h"
#include "model/demand_json.h"
#include "model/experience_json.h"
#include "model/phase.h"
#include "model/spec_json.h"
#include "model/stored_document.h"

namespace hopyard::model {
namespace {

using nlohmann::json;

// --- errors ------------------------------------------------------------------------------------

json error_document(const Error& error) {
    return {{"kind", to_string(error.kind)},
            {"code", error.code},
            {"message", error.message},
            {"field", error.field},
            {"owner", to_string(error.owner)},
            {"nextAction", error.next_action},
            {"retryAfterMs", error.retry_after ? json(error.retry_after->count()) : json(nullptr)}};
}

json error_document(const std::optional<Error>& error) {
    return error ? error_document(*error) : json(nullptr);
}

bool read_error(const json& document, Error& error) {
    Fields fields(document);
    std::optional<std::int64_t> retry_after;
    fields.word("kind", error.kind, error_kind_from)
        .get("code", error.code)
        .get("message", error.message)
        .get("field", error.field)
        .word("owner", error.owner, owner_from)
        .get("nextAction", error.next_action)
        .get("retryAfterMs", retry_after);
    if (retry_after) error.retry_after = Milliseconds(*retry_after);
    return fields.good();
}

bool read_error(const Fields& from, const char* name, std::optional<Error>& error) {
    const json* document = from.member(name);
    return document == nullptr || read_error(*document, error.emplace());
}

// --- parts of a cluster ------------------------------------------------------------------------

json network_document(const NetworkSpec& network) {
    return {{"resourceGroup", network.resource_group},
            {"virtualNetwork", network.virtual_network},
            {"virtualNetworkCidr", network.virtual_network_cidr},
            {"subnet", network.subnet},
            {"subnetCidr", network.subnet_cidr},
            {"securityGroup", network.security_group},
            {"publicIp", network.public_ip}};
}

void read_network(const Fields& from, NetworkSpec& network) {
    const json* document = from.member("network");
    if (document == nullptr) return;
    Fields(*document)
        .get("resourceGroup", network.resource_group)
        .get("virtualNetwork", network.virtual_network)
        .get("virtualNetworkCidr", network.virtual_network_cidr)
        .get("subnet", network.subnet)
        .get("subnetCidr", network.subnet_cidr)
        .get("securityGroup", network.security_group)
        .get("publicIp", network.public_ip);
}

json access_document(const ClusterAccess& access) {
    return {{"url", access.url},
            {"user", access.user},
            {"headPublicIp", access.head_public_ip},
            {"headPrivateIp", access.head_private_ip},
            {"authority", access.certificate_authority_pem}};
}

void read_access(const Fields& from, ClusterAccess& access) {
    const json* document = from.member("access");
    if (document == nullptr) return;
    Fields(*document)
        .get("url", access.url)
        .get("user", access.user)
        .get("headPublicIp", access.head_public_ip)
        .get("headPrivateIp", access.head_private_ip)
        .get("authority", access.certificate_authority_pem);
}

json price_document(const std::optional<double>& price) {
    return price ? json(*price) : json(nullptr);
}

std::optional<double> read_price(const Fields& from, const char* name) {
    const json* price = from.member(name);
    return price != nullptr && price->is_number() ? std::optional(price->get<double>())
                                                  : std::nullopt;
}

json types_document(const std::map<std::string, MachineType>& types) {
    json out = json::object();
    for (const auto& [name, type] : types)
        out[name] = {{"vcpus", type.vcpus},
                     {"memoryMb", type.memory_mb},
                     {"gpus", type.gpus},
                     {"usdPerHour", price_document(type.usd_per_hour)}};
    return out;
}

void read_types(const Fields& from, std::map<std::string, MachineType>& types) {
    const json* document = from.member("types");
    if (document == nullptr || !document->is_object()) return;
    for (const auto& [name, entry] : document->items()) {
        Fields(entry)
            .get("vcpus", types[name].vcpus)
            .get("memoryMb", types[name].memory_mb)
            .get("gpus", types[name].gpus);
        types[name].usd_per_hour = read_price(Fields(entry), "usdPerHour");
    }
}

json memory_document(const AutoscaleMemory& memory) {
    json refusals = json::array();
    for (const AutoscaleMemory::Refusal& refusal : memory.refusals)
        refusals.push_back({{"key", document(refusal.key)},
                            {"times", refusal.times},
                            {"at", to_field(refusal.at)},
                            {"until", to_field(refusal.until)}});
    json out = {{"refusals", std::move(refusals)}, {"named", memory.named}};
    if (memory.general) out["general"] = document(*memory.general);
    if (memory.gpu) out["gpu"] = document(*memory.gpu);
    return out;
}

bool read_experience(const json* from, std::optional<Experience>& experience) {
    return from == nullptr || read(*from, experience.emplace());
}

bool read_memory(const Fields& from, AutoscaleMemory& memory) {
    const json* document = from.member("autoscale");
    if (document == nullptr) return true;
    Fields fields(*document);
    if (const json* refusals = fields.member("refusals"))
        for (const json& entry : *refusals) {
            AutoscaleMemory::Refusal& refusal = memory.refusals.emplace_back();
            Fields inner(entry);
            const json* key = inner.member("key");
            inner.get("times", refusal.times).get("at", refusal.at).get("until", refusal.until);
            if (!inner.good() || key == nullptr || !read(*key, refusal.key)) return false;
        }
    return read_experience(fields.member("general"), memory.general) &&
           read_experience(fields.member("gpu"), memory.gpu) &&
           fields.get("named", memory.named).good();
}

// --- parts of a node ---------------------------------------------------------------------------

void read_group(const Fields& from, GroupKey& key) {
    if (const json* group = from.member("group")) read(*group, key);
}

json seen_document(const NodeSeen& seen) {
    return {{"lastReportAt", to_field(seen.last_report_at)},
            {"silentSince", to_field(seen.silent_since)},
            {"appliedRevision", seen.applied_revision},
            {"servicesReady", seen.services_ready},
            {"stage", seen.stage},
            {"workloadState", seen.workload_state},
            {"jobs", seen.jobs},
            {"allocated", document(seen.allocated)},
            {"idleSince", to_field(seen.idle_since)},
            {"busyUntil", to_field(seen.busy_until)},
            {"demand", seen.demand ? document(*seen.demand) : json(nullptr)},
            {"workloadLostAt", to_field(seen.workload_lost_at)},
            {"mountReady", seen.mount_ready},
            {"mountPendingWrites", seen.mount_pending_writes},
            {"bootId", seen.boot_id},
            {"programVersion", seen.program_version},
            {"failure", error_document(seen.failure)}};
}

bool read_seen(const Fields& from, NodeSeen& seen) {
    const json* document = from.member("seen");
    if (document == nullptr) return true;
    Fields fields(*document);
    fields.get("lastReportAt", seen.last_report_at)
        .get("silentSince", seen.silent_since)
        .get("appliedRevision", seen.applied_revision)
        .get("servicesReady", seen.services_ready)
        .get("stage", seen.stage)
        .get("workloadState", seen.workload_state)
        .get("jobs", seen.jobs)
        .get("idleSince", seen.idle_since)
        .get("busyUntil", seen.busy_until)
        .get("workloadLostAt", seen.workload_lost_at)
        .get("mountReady", seen.mount_ready)
        .get("mountPendingWrites", seen.mount_pending_writes)
        .get("bootId", seen.boot_id)
        .get("programVersion", seen.program_version);
    const json* allocated = fields.member("allocated");
    if (allocated != nullptr && !read(*allocated, seen.allocated)) return false;
    const json* demand = fields.member("demand");
    if (demand != nullptr && !read(*demand, seen.demand.emplace())) return false;
    return fields.good() && read_error(fields, "failure", seen.failure);
}

json enrolment_document(const Enrolment& enrolment) {
    return {{"tokenHash", enrolment.token_hash},
            {"expiresAt", to_field(enrolment.expires_at)},
            {"machineId", enrolment.machine_id},
            {"certificateSerial", enrolment.certificate_serial},
            {"certificateExpiresAt", to_field(enrolment.certificate_expires_at)},
            {"closed", enrolment.closed}};
}

void read_enrolment(const Fields& from, Enrolment& enrolment) {
    const json* document = from.member("enrolment");
    if (document == nullptr) return;
    Fields(*document)
        .get("tokenHash", enrolment.token_hash)
        .get("expiresAt", enrolment.expires_at)
        .get("machineId", enrolment.machine_id)
        .get("certificateSerial", enrolment.certificate_serial)
        .get("certificateExpiresAt", enrolment.certificate_expires_at)
        .get("closed", enrolment.closed);
}

}  // namespace

std::string to_json(const Error& error) {
    return to_text(error_document(error));
}

Result<Error> error_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "error"));
    Error error;
    if (!read_error(document, error)) return malformed("error", Fields(document));
    return error;
}

std::string to_json(const Cluster& cluster) {
    return to_text({{"id", cluster.id.value},
                    {"organisation", cluster.organisation.value},
                    {"spec", json::parse(spec_to_json(cluster.spec))},
                    {"wanted", to_string(cluster.wanted)},
                    {"generation", cluster.generation},
                    {"restartGeneration", cluster.restart_generation},
                    {"phase", to_string(cluster.phase)},
                    {"stage", cluster.stage},
                    {"problem", error_document(cluster.problem)},
                    {"access", access_document(cluster.access)},
                    {"createdAt", to_field(cluster.created_at)},
                    {"startedAt", to_field(cluster.started_at)},
                    {"phaseSince", to_field(cluster.phase_since)},
                    {"network", network_document(cluster.network)},
                    {"container", cluster.container},
                    {"containerClaimed", cluster.container_claimed},
                    {"storagePolicySet", cluster.storage_policy_set},
                    {"storageGrantExpiresAt", to_field(cluster.storage_grant_expires_at)},
                    {"storageProblem", error_document(cluster.storage_problem)},
                    {"storageAttempts", cluster.storage_attempts},
                    {"storageTryAgainAt", to_field(cluster.storage_try_again_at)},
                    {"storageUnsureUntil", to_field(cluster.storage_unsure_until)},
                    {"sshPublicKey", cluster.ssh_public_key},
                    {"identityId", cluster.identity_id},
                    {"types", types_document(cluster.types)},
                    {"headMade", cluster.head_made},
                    {"highestOrdinal", cluster.highest_ordinal},
                    {"lastGeneration", cluster.last_generation},
                    {"autoscale", memory_document(cluster.autoscale)},
                    {"passwordRotatedAt", to_field(cluster.password_rotated_at)},
                    {"passwordRevision", cluster.password_revision},
                    {"version", cluster.version}});
}

Result<Cluster> cluster_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "cluster"));
    Cluster cluster;
    Fields fields(document);
    fields.get("id", cluster.id)
        .get("organisation", cluster.organisation)
        .word("wanted", cluster.wanted, parse<Wanted>)
        .get("generation", cluster.generation)
        .get("restartGeneration", cluster.restart_generation)
        .word("phase", cluster.phase, parse<Phase>)
        .get("stage", cluster.stage)
        .get("createdAt", cluster.created_at)
        .get("startedAt", cluster.started_at)
        .get("phaseSince", cluster.phase_since)
        .get("container", cluster.container)
        .get("containerClaimed", cluster.container_claimed)
        .get("storagePolicySet", cluster.storage_policy_set)
        .get("storageGrantExpiresAt", cluster.storage_grant_expires_at)
        .get("storageAttempts", cluster.storage_attempts)
        .get("storageTryAgainAt", cluster.storage_try_again_at)
        .get("storageUnsureUntil", cluster.storage_unsure_until)
        .get("sshPublicKey", cluster.ssh_public_key)
        .get("identityId", cluster.identity_id)
        .get("headMade", cluster.head_made)
        .get("highestOrdinal", cluster.highest_ordinal)
        .get("lastGeneration", cluster.last_generation)
        .get("passwordRotatedAt", cluster.password_rotated_at)
        .get("passwordRevision", cluster.password_revision)
        .get("version", cluster.version);
    if (!fields.good() || !read_error(fields, "problem", cluster.problem) ||
        !read_error(fields, "storageProblem", cluster.storage_problem) ||
        !read_memory(fields, cluster.autoscale))
        return malformed("cluster", fields);
    if (const json* spec = fields.member("spec")) {
        ASSIGN_OR_RETURN(cluster.spec, spec_from_json(spec->dump()));
    }
    read_access(fields, cluster.access);
    read_types(fields, cluster.types);
    read_network(fields, cluster.network);
    return cluster;
}

std::string to_json(const Node& node) {
    return to_text({{"id", node.id.value},
                    {"cluster", node.cluster.value},
                    {"isHead", node.is_head},
                    {"group", document(node.group)},
                    {"ordinal", node.ordinal},
                    {"generation", node.generation},
                    {"wanted", to_string(node.wanted)},
                    {"phase", to_string(node.phase)},
                    {"phaseSince", to_field(node.phase_since)},
                    {"problem", error_document(node.problem)},
                    {"drainDeadline", to_field(node.drain_deadline)},
                    {"drainWanted", node.drain_wanted},
                    {"autoscaled", node.autoscaled},
                    {"outdated", node.is_outdated},
                    {"protected", node.is_protected},
                    {"drainNumber", node.drain_number},
                    {"restartWanted", node.restart_wanted},
                    {"restartGeneration", node.restart_generation},
                    {"leftBootId", node.left_boot_id},
                    {"failedAttempts", node.failed_attempts},
                    {"tryAgainAt", to_field(node.try_again_at)},
                    {"machineId", node.machine_id},
                    {"privateIp", node.private_ip},
                    {"vcpus", node.vcpus},
                    {"memoryMb", node.memory_mb},
                    {"gpus", node.gpus},
                    {"maxSpotPrice", price_document(node.max_spot_price)},
                    {"enrolment", enrolment_document(node.enrolment)},
                    {"seen", seen_document(node.seen)},
                    {"initScriptExit", node.init_script_exit},
                    {"createdAt", to_field(node.created_at)},
                    {"readyAt", to_field(node.ready_at)},
                    {"version", node.version}});
}

Result<Node> node_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "node"));
    Node node;
    Fields fields(document);
    fields.get("id", node.id)
        .get("cluster", node.cluster)
        .get("isHead", node.is_head)
        .get("ordinal", node.ordinal)
        .get("generation", node.generation)
        .word("wanted", node.wanted, parse<NodeWanted>)
        .word("phase", node.phase, parse<NodePhase>)
        .get("phaseSince", node.phase_since)
        .get("drainDeadline", node.drain_deadline)
        .get("drainWanted", node.drain_wanted)
        .get("autoscaled", node.autoscaled)
        .get("outdated", node.is_outdated)
        .get("protected", node.is_protected)
        .get("drainNumber", node.drain_number)
        .get("restartWanted", node.restart_wanted)
        .get("restartGeneration", node.restart_generation)
        .get("leftBootId", node.left_boot_id)
        .get("failedAttempts", node.failed_attempts)
        .get("tryAgainAt", node.try_again_at)
        .get("machineId", node.machine_id)
        .get("privateIp", node.private_ip)
        .get("vcpus", node.vcpus)
        .get("memoryMb", node.memory_mb)
        .get("gpus", node.gpus)
        .get("initScriptExit", node.init_script_exit)
        .get("createdAt", node.created_at)
        .get("readyAt", node.ready_at)
        .get("version", node.version);
    node.max_spot_price = read_price(fields, "maxSpotPrice");
    read_group(fields, node.group);
    read_enrolment(fields, node.enrolment);
    if (!fields.good() || !read_error(fields, "problem", node.problem) ||
        !read_seen(fields, node.seen))
        return malformed("node", fields);
    return node;
}

std::string to_json(const Resource& resource) {
    json operation = nullptr;
    if (resource.operation)
        operation = {{"verb", to_string(resource.operation->verb)},
                     {"url", resource.operation->url},
                     {"startedAt", to_field(resource.operation->started_at)},
                     {"lookAt", to_field(resource.operation->look_at)},
                     {"attempt", resource.operation->attempt}};
    return to_text({{"kind", to_string(resource.name.kind)},
                    {"resourceGroup", resource.name.resource_group},
                    {"parent", resource.name.parent},
                    {"name", resource.name.name},
                    {"cluster", resource.cluster.value},
                    {"node", resource.node.value},
                    {"wanted", resource.wanted},
                    {"made", resource.made},
                    {"operation", operation},
                    {"problem", error_document(resource.problem)},
                    {"failedAttempts", resource.failed_attempts},
                    {"tryAgainAt", to_field(resource.try_again_at)},
                    {"missingSince", to_field(resource.missing_since)},
                    {"createdAt", to_field(resource.created_at)},
                    {"changedAt", to_field(resource.changed_at)},
                    {"applied", resource.applied},
                    {"running", resource.running},
                    {"deallocated", resource.deallocated},
                    {"version", resource.version}});
}

Result<Resource> resource_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "resource"));
    Resource resource;
    Fields fields(document);
    fields.word("kind", resource.name.kind, parse<ResourceKind>)
        .get("resourceGroup", resource.name.resource_group)
        .get("parent", resource.name.parent)
        .get("name", resource.name.name)
        .get("cluster", resource.cluster)
        .get("node", resource.node)
        .get("wanted", resource.wanted)
        .get("made", resource.made)
        .get("failedAttempts", resource.failed_attempts)
        .get("tryAgainAt", resource.try_again_at)
        .get("missingSince", resource.missing_since)
        .get("createdAt", resource.created_at)
        .get("changedAt", resource.changed_at)
        .get("applied", resource.applied)
        .get("running", resource.running)
        .get("deallocated", resource.deallocated)
        .get("version", resource.version);
    if (const json* operation = fields.member("operation")) {
        PendingOperation& pending = resource.operation.emplace();
        Fields inner(*operation);
        inner.word("verb", pending.verb, parse<PendingOperation::Verb>)
            .get("url", pending.url)
            .get("startedAt", pending.started_at)
            .get("lookAt", pending.look_at)
            .get("attempt", pending.attempt);
        if (!inner.good()) return malformed("resource", inner);
    }
    if (!fields.good() || !read_error(fields, "problem", resource.problem))
        return malformed("resource", fields);
    return resource;
}

std::string to_json(const Activity& activity) {
    return to_text({{"sequence", activity.sequence},
                    {"at", to_field(activity.at)},
                    {"organisation", activity.organisation.value},
                    {"cluster", activity.cluster.value},
                    {"node", activity.node.value},
                    {"severity", to_string(activity.severity)},
                    {"code", activity.code},
                    {"message", activity.message},
                    {"reason", activity.reason},
                    {"actor", activity.actor},
                    {"cloudRequestId", activity.cloud_request_id},
                    {"error", error_document(activity.error)}});
}

Result<Activity> activity_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "activity"));
    Activity activity;
    Fields fields(document);
    fields.get("sequence", activity.sequence)
        .get("at", activity.at)
        .get("organisation", activity.organisation)
        .get("cluster", activity.cluster)
        .get("node", activity.node)
        .word("severity", activity.severity, parse<Severity>)
        .get("code", activity.code)
        .get("message", activity.message)
        .get("reason", activity.reason)
        .get("actor", activity.actor)
        .get("cloudRequestId", activity.cloud_request_id);
    if (!fields.good() || !read_error(fields, "error", activity.error))
        return malformed("activity", fields);
    return activity;
}

}  // namespace hopyard::model
