// What control plane, head and workers say to each other, versioned. Level-triggered in both
// directions: orders are the whole of what a node should be, a report is the whole of what it is. A
// lost or repeated message changes nothing; only the newest counts.
//
//   node -> control plane (head) or node -> head (worker), HTTPS:
//     POST /node/v1/enrol            no client certificate; EnrolRequest -> EnrolReply
//     POST /node/v1/report           mutual TLS; Report -> 204
//     POST /node/v1/report?seen=N    a poll: the same, but its answer waits up to 5 s for a
//                                    revision above N: 200 with Orders, or 204 when there is
//                                    nothing new. With &logs=yes the wait also ends with 200 and
//                                    LogRequests when somebody wants to see a log
//     POST /node/v1/log              mutual TLS; LogReply -> 204
//     GET  /node/v1/init-script      mutual TLS; the script's bytes, 404 when there is none
//     POST /node/v1/renew            mutual TLS; EnrolRequest without token -> EnrolReply
//
// A node always has one poll under way, and sends another report beside it at once when something
// changes: so most nodes hold one connection, most of the time. The two may overtake each other;
// each says which is the newer.
//
// The head's channel opens to the control plane; it relays enrolment, orders, reports, logs and the
// script for its workers, which reach nothing but the head. Orders for workers travel inside the
// head's.
//
// User data of a machine (the UserData below as JSON) holds what a machine needs to enrol, and is
// worth nothing once that is done.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/cluster.h"
#include "model/demand.h"

namespace hopyard::nodewire {

inline constexpr int version = 1;
/// So long the answer to a report waits at most, and so often a node reports at least.
inline constexpr Milliseconds report_period{5'000};

struct UserData {
    int wire_version = version;
    std::string cluster;
    std::string node;  ///< NodeId
    bool is_head = false;
    /// Where to enrol: the control plane's node_url for a head, "https://<head's address>:7443" for
    /// a worker.
    std::string url;
    std::string ca_pem;  ///< the installation's authority; nothing else is trusted
    Secret token;        ///< one-time
};

struct EnrolRequest {
    std::string cluster;
    std::string node;
    Secret token;
    std::string machine_id;  ///< from the metadata service: the cloud's id of the machine
    std::string private_ip;
    std::string signing_request_pem;
};

struct EnrolReply {
    std::string certificate_pem;  ///< client and server use; CN = NodeId, SAN = private_ip
};

struct User {
    std::string name;
    int uid = 0;
    bool administrator = false;
    std::string password_hash;  ///< crypt(5) form, for PAM and the head's page
    std::vector<std::string> ssh_keys;
};

/// A machine that the workload manager should know.
struct Member {
    std::string name;  ///< NodeId, also the host name
    bool is_head = false;
    std::string address;
    int vcpus = 1;
    std::int64_t memory_mb = 1024;
    int gpus = 0;
    enum class State {
        expected,  ///< not there yet: a placeholder
        member,    ///< should take work
        draining,  ///< no new work; report when nothing is left on it
        absent,    ///< gone on purpose: down, its work requeued
        removed,   ///< forget it
    } state = State::expected;
    std::string reason;
    /// Of one that is draining: which drain this is. It rises whenever one was taken back.
    std::int64_t drain = 0;
    bool operator==(const Member&) const = default;
};

struct StorageGrant {
    Secret sas_url;
    std::string ca_pem;  ///< authority of the blob endpoint; empty: public ones
};

/// All that a node should be. `revision` rises with every change of any part.
struct Orders {
    std::int64_t revision = 0;
    std::string cluster;
    std::string cluster_name;
    std::string node;
    bool is_head = false;
    Secret workload_key;  ///< 128 bytes, by which daemons of the workload manager know each other
    std::vector<User> users;
    std::optional<StorageGrant> storage;
    bool init_script = false;  ///< there is one: fetch it and run it once per machine
    bool init_script_first = false;
    std::vector<Member> members;  ///< the whole cluster, the head included
    std::string head_address;
    /// Cores, memory (MB) and GPUs this node offers to the workload manager.
    int vcpus = 1;
    std::int64_t memory_mb = 1024;
    int gpus = 0;
    /// Sizes that may join later: jobs are checked against them (placeholders).
    std::vector<Member> placeholders;
    // Head only.
    Secret page_certificate_pem;  ///< chain and key of the head's page
    Secret page_key_pem;
    std::map<std::string, Orders> workers;  ///< by NodeId: what the head relays
};

struct InitScriptResult {
    int exit_code = -1;
    std::string output_tail;  ///< at most 16 KiB
};

/// How one workload manager's node is doing, as the head sees it.
struct WorkloadNode {
    std::string name;
    std::string state;     ///< idle, allocated, mixed, down; else a word of the manager's own
    bool drained = false;  ///< draining and nothing is left on it
    bool draining = false;
    /// Which drain was in force when it was looked at; -1: none of ours. A program that does not
    /// say knows the first one only.
    std::int64_t drain = 0;
    bool responding = true;
    int jobs = 0;
    model::Resources allocated;
    /// The latest end by time limit of all that runs there; none if nothing does, or without limit.
    std::optional<Timestamp> busy_until;
    /// Work may be on it that `jobs` doesn't count: what ran there is being cleaned up.
    bool completing = false;
    bool operator==(const WorkloadNode&) const = default;
};

struct Report {
    std::string node;
    std::string machine_id;
    std::string boot_id;
    std::string program_version;
    /// Of two reports of one run of the program the one with the greater number is the newer.
    std::string run;
    std::int64_t number = 0;
    std::int64_t applied_revision = 0;
    bool services_ready = false;  ///< it is what its orders say
    std::string stage;            ///< what it is doing now
    std::optional<Error> failure;
    bool mount_ready = false;
    std::int64_t mount_pending_writes = 0;
    std::optional<InitScriptResult> init_script;
    Timestamp at;
    // Head only.
    std::vector<WorkloadNode> workload;
    int jobs_running = 0;
    int jobs_pending = 0;
    std::optional<model::Demand> demand;  ///< none before the manager has been asked
    /// The newest report of each worker, with its age when the head sent this.
    struct Relayed;
    std::vector<Relayed> workers;
};

struct Report::Relayed {
    Report report;
    std::int64_t age_ms = 0;
};

/// Somebody wants to see the end of that node's log.
struct LogRequest {
    std::string node;
    int lines = 200;  ///< at most that many of each part
};

/// Without secrets, and never more than the two limits below.
struct LogReply {
    std::string node;
    std::string program;      ///< the end of the node program's log
    std::string init_script;  ///< the end of what the init script printed; empty without one
};
inline constexpr std::size_t program_log_max = 48u << 10;
inline constexpr std::size_t init_script_log_max = 16u << 10;

/// What a poll brings: newer orders or wishes for logs.
struct PollReply {
    std::optional<Orders> orders;
    std::vector<LogRequest> logs;
};

std::string to_json(const UserData&);
std::string to_json(const EnrolRequest&);
std::string to_json(const EnrolReply&);
std::string to_json(const Orders&);
std::string to_json(const Report&);
std::string to_json(const std::vector<LogRequest>&);
std::string to_json(const LogReply&);
Result<UserData> user_data_from_json(std::string_view);
Result<EnrolRequest> enrol_request_from_json(std::string_view);
Result<EnrolReply> enrol_reply_from_json(std::string_view);
Result<Orders> orders_from_json(std::string_view);
Result<Report> report_from_json(std::string_view);
Result<PollReply> poll_reply_from_json(std::string_view);
Result<LogReply> log_reply_from_json(std::string_view);

/// Head, workers and placeholders of one cluster: the workload manager is set up for no more.
inline constexpr int machines_max = 1024;
/// The port of the head's relay for its workers.
inline constexpr int relay_port = 7443;

}  // namespace hopyard::nodewire
