// One function a command: calls, renders, returns the exit code. cli.cpp binds them to the words.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/render.h"
#include "cli/session.h"

namespace hopyard::cli {

struct Output {
    Format format = Format::table;
    bool yes = false;  ///< answers every question
};

// --- clusters (cluster_commands.cpp) ---
struct CreateOptions {
    std::string file;  ///< YAML or JSON; "-" is standard input
    std::string name, cloud_account, resource_group, head_type, worker_type, account, container,
        ssh_key, identity;
    int workers = -1;
    long head_disk_gb = 0;
    long worker_disk_gb = 0;
    std::vector<std::string> tags;  ///< "name=value"
    std::string init_script_file;
    bool dry_run = false;
    bool wait = false;
    bool example = false;
    int timeout_s = 1800;
};
int cluster_create(Session& session, const Output& output, const CreateOptions& options);
int cluster_list(Session& session, const Output& output);
int cluster_show(Session& session, const Output& output, const std::string& cluster);
int cluster_resources(Session& session, const Output& output, const std::string& cluster);
/// start, stop, restart, retry, delete.
struct ActOptions {
    std::string verb;
    std::string cluster;
    bool wait = false;
    int timeout_s = 1800;
};
int cluster_act(Session& session, const Output& output, const ActOptions& options);
int cluster_wait(Session& session,
                 const std::string& cluster,
                 const std::string& phase,
                 int timeout_s);
int cluster_events(Session& session, const Output& output, const std::string& cluster, bool follow);
struct PortsOptions {
    std::string cluster;
    std::map<std::string, bool> switches;  ///< by the API's name: "ssh", "kafka" …
    std::vector<std::string> sources;      ///< CIDRs; empty: as they are
};
int cluster_ports(Session& session, const PortsOptions& options);
int cluster_ssh(Session& session,
                const std::string& cluster,
                const std::vector<std::string>& words);
/// The words of an ssh that logs in to the head, or runs `command` there; port 22 must be open. Its
/// host key is learnt at the first login and kept with the cluster's id: addresses are used again.
Result<std::vector<std::string>> ssh_words(Session& session,
                                           const std::string& cluster,
                                           const std::vector<std::string>& command);
struct WorkersOptions {
    std::string cluster;
    bool add = true;
    int count = 1;
    std::string instance_type;  ///< empty: that of the first group
    long disk_gb = 0;
    bool wait = false;
    int timeout_s = 1800;
};
int workers_change(Session& session, const Output& output, const WorkersOptions& options);
/// The id of a cluster given by name or id.
Result<std::string> cluster_id(Session& session, const std::string& name_or_id);

// --- nodes, and who signs in to them (node_commands.cpp) ---
struct NodeOptions {
    std::string verb;  ///< drain, resume, restart, protect, unprotect
    std::string cluster;
    std::string node;  ///< its id, or its place: "head", "w2"
    int lines = 200;
};
int node_list(Session& session, const Output& output, const std::string& cluster);
int node_act(Session& session, const NodeOptions& options);
/// Also shows what is left of a node that is out of reach; then the code is that of `unavailable`.
int node_log(Session& session, const Output& output, const NodeOptions& options);
int cluster_rotate_password(Session& session, const Output& output, const std::string& cluster);

// --- workers that follow demand (autoscale_commands.cpp) ---
struct AutoscaleGroupOptions {  ///< what is not named stays as it is
    std::string instance_type;
    std::vector<std::string> fallback_types;
    std::optional<long> disk_gb;
    std::optional<int> min_workers, max_workers;
    std::optional<double> standby_workers;
    std::optional<long> downscale_wait_s;
    // In the words of policy_words.h.
    std::string spot, standby_shape;
    std::optional<bool> spot_fallback;
    std::vector<std::string> schedule;
};
struct AutoscaleOptions {
    std::string cluster;
    std::string file;  ///< a whole policy; "-" is standard input
    std::string mode;  ///< "standard" or "adaptive"; empty: as it is
    AutoscaleGroupOptions general, gpu;
    bool no_gpu = false;
    int number = 5;    ///< of decisions to explain
    std::string save;  ///< file for them
};
int autoscale_set(Session& session, const Output& output, const AutoscaleOptions& options);
int autoscale_off(Session& session, const std::string& cluster);
int autoscale_show(Session& session, const Output& output, const std::string& cluster);
int autoscale_explain(Session& session, const Output& output, const AutoscaleOptions& options);

// --- a policy tried on a recorded workload (simulate_command.cpp) ---
struct SimulateOptions {
    AutoscaleOptions policy;  ///< of `cluster`, of `file`, or of flags alone
    std::string trace;        ///< may be packed by gzip; "-" is standard input
    std::string format;       ///< empty: by the trace's name and first line
    std::string location;     ///< empty: the cluster's
    std::optional<double> boot_s;
    std::string boot_samples;  ///< file of seconds
    int cores = 1;             ///< of one processor of the trace
    bool skip_bad_lines = false;
    std::string svg;  ///< file for the chart
};
int autoscale_simulate(Session& session, const Output& output, const SimulateOptions& options);

// --- the cloud and keys (cloud_commands.cpp) ---
struct LookUp {
    std::string what;  ///< "locations", "sizes", …
    std::string location;
    std::string group;
    std::string cloud_account;  ///< empty: the default
};
int cloud_list(Session& session, const Output& output, const LookUp& look_up);
struct PrepareOptions {
    std::string group, location, account, identity, ssh_key, ssh_key_file;
    std::string cloud_account;  ///< empty: the default
};
int cloud_prepare(Session& session, const Output& output, const PrepareOptions& options);
/// Takes a price list that was saved from the vendor's public one.
int prices_import(Session& session, const Output& output, const std::string& file);
int cloud_orphans(Session& session, const Output& output, bool remove);
int api_key_create(Session& session,
                   const Output& output,
                   const std::string& name,
                   const std::string& scope);
int api_key_list(Session& session, const Output& output);
int api_key_revoke(Session& session, const Output& output, const std::string& id);

// --- cloud accounts (cloud_account_commands.cpp) ---
struct AccountOptions {
    std::string name, subscription, tenant, client_id;
    std::string sign_in = "client_secret";
    std::string client_secret_file;  ///< never the secret itself: argument lists are read by all
};
int cloud_account_list(Session& session, const Output& output);
int cloud_account_add(Session& session, const Output& output, const AccountOptions& options);
int cloud_account_sign_in(Session& session, const Output& output, const AccountOptions& options);
int cloud_account_remove(Session& session, const Output& output, const std::string& name);
struct RightsOptions {
    std::string account = "default";
    std::string group;  ///< empty: every one we see
    std::string role_name = "Hopyard control plane";
    bool no_networks = false, no_security_groups = false, no_public_addresses = false;
};
/// Not usable: exit_refused.
int cloud_account_check(Session& session, const Output& output, const RightsOptions& options);
/// Of the group; without one, of the only one there is.
int cloud_account_role(Session& session, const Output& output, const RightsOptions& options);

// --- usage (usage_commands.cpp) ---
struct UsageOptions {
    std::string from, to;  ///< days of UTC; empty: the last 30
    std::string cluster;   ///< name or id, also of one that is gone (id); empty: all
    bool csv = false;      ///< in place of the output's format
};
int usage(Session& session, const Output& output, const UsageOptions& options);

// --- people (people_commands.cpp) ---
int member_list(Session& session, const Output& output);
struct InviteOptions {
    std::string email;  ///< empty: the link is for whoever has it
    std::string role;
    bool by_mail = false;
};
int member_invite(Session& session, const Output& output, const InviteOptions& options);
/// A member is named by id or address.
int member_role(Session& session,
                const Output& output,
                const std::string& member,
                const std::string& role);
int member_reset_password(Session& session, const Output& output, const std::string& member);
int member_remove(Session& session, const Output& output, const std::string& member);
int organisation_show(Session& session, const Output& output);
struct OrganisationOptions {
    std::string name, plan;  ///< empty: as they are
    std::optional<bool> require_totp;
    std::map<std::string, bool> permissions;  ///< by the API's name: "inviteMembers" …
};
int organisation_set(Session& session, const Output& output, const OrganisationOptions& options);

/// Asks on the terminal; false when there is none or the answer is not yes.
bool confirmed(const Output& output, const std::string& question);

}  // namespace hopyard::cli
