#include "nodewire/wire.h"

#include "base/encoding.h"
#include "base/json_fields.h"
#include "model/demand_json.h"
#include "model/entity_json.h"

namespace hopyard::nodewire {
namespace {

using nlohmann::json;

constexpr std::size_t message_bytes_max = 8u << 20;

Result<json> parsed(std::string_view text, const char* what) {
    if (text.size() > message_bytes_max)
        return fail(ErrorKind::invalid_argument,
                    "message_too_large",
                    std::string(what) + " has more than 8 MiB");
    json document = json::parse(text, nullptr, false);
    if (document.is_object()) return document;
    return fail(ErrorKind::invalid_argument,
                "message_malformed",
                std::string(what) + " is not a JSON object");
}

Failure malformed(const char* what, const Fields& fields) {
    return fail(ErrorKind::invalid_argument,
                "message_malformed",
                std::string(what) + " has a malformed '" + fields.fault() + "'");
}

using State = Member::State;
constexpr std::pair<State, std::string_view> state_words[] = {{State::expected, "expected"},
                                                              {State::member, "member"},
                                                              {State::draining, "draining"},
                                                              {State::absent, "absent"},
                                                              {State::removed, "removed"}};

std::optional<State> state_from(std::string_view word) {
    for (const auto& [state, text] : state_words)
        if (text == word) return state;
    return std::nullopt;
}

std::string_view word_of(State state) {
    for (const auto& [candidate, text] : state_words)
        if (candidate == state) return text;
    return "expected";
}

// --- parts of orders ---------------------------------------------------------------------------

json document(const User& user) {
    return {{"name", user.name},
            {"uid", user.uid},
            {"administrator", user.administrator},
            {"passwordHash", user.password_hash},
            {"sshKeys", user.ssh_keys}};
}

void read(const Fields& fields, User& user) {
    Fields(fields)
        .get("name", user.name)
        .get("uid", user.uid)
        .get("administrator", user.administrator)
        .get("passwordHash", user.password_hash)
        .get("sshKeys", user.ssh_keys);
}

json document(const Member& member) {
    return {{"name", member.name},
            {"isHead", member.is_head},
            {"address", member.address},
            {"vcpus", member.vcpus},
            {"memoryMb", member.memory_mb},
            {"gpus", member.gpus},
            {"state", word_of(member.state)},
            {"reason", member.reason},
            {"drain", member.drain}};
}

void read(const Fields& fields, Member& member) {
    Fields(fields)
        .get("name", member.name)
        .get("isHead", member.is_head)
        .get("address", member.address)
        .get("vcpus", member.vcpus)
        .get("memoryMb", member.memory_mb)
        .get("gpus", member.gpus)
        .word("state", member.state, state_from)
        .get("reason", member.reason)
        .get("drain", member.drain);
}

json document(const WorkloadNode& node);
void read(const Fields& fields, WorkloadNode& node);

template <class T>
json list_document(const std::vector<T>& list) {
    json out = json::array();
    for (const T& entry : list) out.push_back(document(entry));
    return out;
}

template <class T>
void read_list(const Fields& fields, const char* name, std::vector<T>& out) {
    const json* list = fields.member(name);
    if (list == nullptr || !list->is_array()) return;
    for (const json& entry : *list) read(Fields(entry), out.emplace_back());
}

json document(const Orders& orders) {
    json out = {{"revision", orders.revision},
                {"cluster", orders.cluster},
                {"clusterName", orders.cluster_name},
                {"node", orders.node},
                {"isHead", orders.is_head},
                {"workloadKey", to_base64(orders.workload_key.reveal())},
                {"users", list_document(orders.users)},
                {"initScript", orders.init_script},
                {"initScriptFirst", orders.init_script_first},
                {"members", list_document(orders.members)},
                {"headAddress", orders.head_address},
                {"vcpus", orders.vcpus},
                {"memoryMb", orders.memory_mb},
                {"gpus", orders.gpus},
                {"placeholders", list_document(orders.placeholders)},
                {"pageCertificate", orders.page_certificate_pem.reveal()},
                {"pageKey", orders.page_key_pem.reveal()}};
    if (orders.storage)
        out["storage"] = {{"sasUrl", orders.storage->sas_url.reveal()},
                          {"authority", orders.storage->ca_pem}};
    out["workers"] = json::object();
    for (const auto& [name, worker] : orders.workers) out["workers"][name] = document(worker);
    return out;
}

Result<Orders> read_orders(const json& from) {
    Orders orders;
    std::string workload_key;
    Fields fields(from);
    fields.get("revision", orders.revision)
        .get("cluster", orders.cluster)
        .get("clusterName", orders.cluster_name)
        .get("node", orders.node)
        .get("isHead", orders.is_head)
        .get("workloadKey", workload_key)
        .get("initScript", orders.init_script)
        .get("initScriptFirst", orders.init_script_first)
        .get("headAddress", orders.head_address)
        .get("vcpus", orders.vcpus)
        .get("memoryMb", orders.memory_mb)
        .get("gpus", orders.gpus)
        .get("pageCertificate", orders.page_certificate_pem)
        .get("pageKey", orders.page_key_pem);
    if (!fields.good()) return malformed("orders", fields);
    const auto key = from_base64(workload_key);
    if (!key)
        return fail(
            ErrorKind::invalid_argument, "message_malformed", "orders have a bad workloadKey");
    orders.workload_key = Secret(*key);
    read_list(fields, "users", orders.users);
    read_list(fields, "members", orders.members);
    read_list(fields, "placeholders", orders.placeholders);
    if (const json* storage = fields.member("storage")) {
        StorageGrant& grant = orders.storage.emplace();
        Fields(*storage).get("sasUrl", grant.sas_url).get("authority", grant.ca_pem);
    }
    if (const json* workers = fields.member("workers"); workers != nullptr && workers->is_object())
        for (const auto& [name, worker] : workers->items()) {
            ASSIGN_OR_RETURN(orders.workers[name], read_orders(worker));
        }
    return orders;
}

// --- parts of a report -------------------------------------------------------------------------

json document(const WorkloadNode& node) {
    return {{"name", node.name},
            {"state", node.state},
            {"drained", node.drained},
            {"draining", node.draining},
            {"drain", node.drain},
            {"responding", node.responding},
            {"jobs", node.jobs},
            {"allocated", document(node.allocated)},
            {"busyUntil", to_field(node.busy_until)},
            {"completing", node.completing}};
}

void read(const Fields& fields, WorkloadNode& node) {
    Fields(fields)
        .get("name", node.name)
        .get("state", node.state)
        .get("drained", node.drained)
        .get("draining", node.draining)
        .get("drain", node.drain)
        .get("responding", node.responding)
        .get("jobs", node.jobs)
        // Programs before that said no more of what is taken.
        .get("allocatedCpus", node.allocated.cpus)
        .get("busyUntil", node.busy_until)
        .get("completing", node.completing);
    if (const json* allocated = fields.member("allocated"))
        static_cast<void>(read(*allocated, node.allocated));
}

json document(const Report& report) {
    json out = {{"node", report.node},
                {"machineId", report.machine_id},
                {"bootId", report.boot_id},
                {"programVersion", report.program_version},
                {"run", report.run},
                {"number", report.number},
                {"appliedRevision", report.applied_revision},
                {"servicesReady", report.services_ready},
                {"stage", report.stage},
                {"mountReady", report.mount_ready},
                {"mountPendingWrites", report.mount_pending_writes},
                {"at", to_field(report.at)},
                {"workload", list_document(report.workload)},
                {"jobsRunning", report.jobs_running},
                {"jobsPending", report.jobs_pending}};
    if (report.failure) out["failure"] = json::parse(model::to_json(*report.failure));
    if (report.init_script)
        out["initScript"] = {{"exitCode", report.init_script->exit_code},
                             {"outputTail", report.init_script->output_tail}};
    if (report.demand) out["demand"] = document(*report.demand);
    out["workers"] = json::array();
    for (const Report::Relayed& worker : report.workers)
        out["workers"].push_back({{"report", document(worker.report)}, {"ageMs", worker.age_ms}});
    return out;
}

Result<Report> read_report(const json& from) {
    Report report;
    Fields fields(from);
    fields.get("node", report.node)
        .get("machineId", report.machine_id)
        .get("bootId", report.boot_id)
        .get("programVersion", report.program_version)
        .get("run", report.run)
        .get("number", report.number)
        .get("appliedRevision", report.applied_revision)
        .get("servicesReady", report.services_ready)
        .get("stage", report.stage)
        .get("mountReady", report.mount_ready)
        .get("mountPendingWrites", report.mount_pending_writes)
        .get("at", report.at)
        .get("jobsRunning", report.jobs_running)
        .get("jobsPending", report.jobs_pending);
    if (!fields.good()) return malformed("a report", fields);
    if (const json* failure = fields.member("failure")) {
        ASSIGN_OR_RETURN(report.failure, model::error_from_json(failure->dump()));
    }
    if (const json* script = fields.member("initScript"))
        Fields(*script)
            .get("exitCode", report.init_script.emplace().exit_code)
            .get("outputTail", report.init_script->output_tail);
    read_list(fields, "workload", report.workload);
    const json* demand = fields.member("demand");
    if (demand != nullptr && !read(*demand, report.demand.emplace()))
        return fail(
            ErrorKind::invalid_argument, "message_malformed", "a report has a malformed 'demand'");
    if (const json* workers = fields.member("workers"); workers != nullptr && workers->is_array())
        for (const json& entry : *workers) {
            Report::Relayed relayed;
            Fields inner(entry);
            inner.get("ageMs", relayed.age_ms);
            const json* own = inner.member("report");
            if (own == nullptr) return malformed("a relayed report", inner);
            ASSIGN_OR_RETURN(relayed.report, read_report(*own));
            report.workers.push_back(std::move(relayed));
        }
    return report;
}

}  // namespace

std::string to_json(const UserData& data) {
    return to_text({{"wireVersion", data.wire_version},
                    {"cluster", data.cluster},
                    {"node", data.node},
                    {"isHead", data.is_head},
                    {"url", data.url},
                    {"authority", data.ca_pem},
                    {"token", data.token.reveal()}});
}

std::string to_json(const EnrolRequest& request) {
    return to_text({{"cluster", request.cluster},
                    {"node", request.node},
                    {"token", request.token.reveal()},
                    {"machineId", request.machine_id},
                    {"privateIp", request.private_ip},
                    {"signingRequest", request.signing_request_pem}});
}

std::string to_json(const EnrolReply& reply) {
    return to_text({{"certificate", reply.certificate_pem}});
}

std::string to_json(const Orders& orders) {
    return to_text(document(orders));
}
std::string to_json(const Report& report) {
    return to_text(document(report));
}

std::string to_json(const std::vector<LogRequest>& requests) {
    json list = json::array();
    for (const LogRequest& request : requests)
        list.push_back({{"node", request.node}, {"lines", request.lines}});
    return to_text({{"logs", std::move(list)}});
}

std::string to_json(const LogReply& reply) {
    return to_text(
        {{"node", reply.node}, {"program", reply.program}, {"initScript", reply.init_script}});
}

Result<UserData> user_data_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "user data"));
    UserData data;
    Fields fields(from);
    fields.get("wireVersion", data.wire_version)
        .get("cluster", data.cluster)
        .get("node", data.node)
        .get("isHead", data.is_head)
        .get("url", data.url)
        .get("authority", data.ca_pem)
        .get("token", data.token);
    if (!fields.good()) return malformed("user data", fields);
    if (data.wire_version != version)
        return fail(ErrorKind::invalid_argument,
                    "wire_version",
                    "user data speak version " + std::to_string(data.wire_version) +
                        " of the node wire; this program speaks " + std::to_string(version));
    return data;
}

Result<EnrolRequest> enrol_request_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "an enrolment"));
    EnrolRequest request;
    Fields fields(from);
    fields.get("cluster", request.cluster)
        .get("node", request.node)
        .get("token", request.token)
        .get("machineId", request.machine_id)
        .get("privateIp", request.private_ip)
        .get("signingRequest", request.signing_request_pem);
    if (!fields.good()) return malformed("an enrolment", fields);
    return request;
}

Result<EnrolReply> enrol_reply_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "an enrolment's reply"));
    EnrolReply reply;
    Fields fields(from);
    fields.get("certificate", reply.certificate_pem);
    if (!fields.good()) return malformed("an enrolment's reply", fields);
    return reply;
}

Result<Orders> orders_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "orders"));
    return read_orders(from);
}

Result<PollReply> poll_reply_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "orders"));
    PollReply reply;
    const auto logs = from.find("logs");
    if (logs == from.end()) {
        ASSIGN_OR_RETURN(reply.orders, read_orders(from));
        return reply;
    }
    if (!logs->is_array())
        return fail(
            ErrorKind::invalid_argument, "message_malformed", "wishes for logs are not a list");
    for (const json& entry : *logs) {
        LogRequest& request = reply.logs.emplace_back();
        Fields fields(entry);
        fields.get("node", request.node).get("lines", request.lines);
        if (!fields.good()) return malformed("a wish for a log", fields);
    }
    return reply;
}

Result<LogReply> log_reply_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "a log"));
    LogReply reply;
    Fields fields(from);
    fields.get("node", reply.node)
        .get("program", reply.program)
        .get("initScript", reply.init_script);
    if (!fields.good()) return malformed("a log", fields);
    return reply;
}

Result<Report> report_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json from, parsed(text, "a report"));
    return read_report(from);
}

}  // namespace hopyard::nodewire
