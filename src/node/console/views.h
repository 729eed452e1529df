// What the pages show, as plain values, and where they come from. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/console/jobs.h"
#include "node/console/sessions.h"
#include "nodewire/wire.h"

namespace hopyard::node::console {

struct NodeRow {
    std::string name;
    bool is_head = false;
    std::string state;
    std::string address;
    int cpus = 0;
    int allocated_cpus = 0;
    std::int64_t memory_mb = 0;
    int gpus = 0;
    int jobs = 0;
    bool operator==(const NodeRow&) const = default;
};

/// The machines of the orders as the report says they are; head first, then by name. Those that are
/// gone on purpose are left out.
std::vector<NodeRow> node_rows(const nodewire::Orders& orders, const nodewire::Report& report);

/// What stands in the form; kept when it is refused.
struct SubmitForm {
    std::string command;
    int nodes = 1;
    bool every_node = true;
};

struct Overview {
    std::string cluster;
    Session session;
    std::vector<NodeRow> nodes;
    std::vector<Job> jobs;
    std::optional<Error> queue_failure;  ///< then there are no jobs to show
    SubmitForm form;
    std::optional<Error> refusal;  ///< of the form
    Timestamp now;
};

struct JobView {
    std::string cluster;
    Session session;
    Job job;
    bool is_own = false;  ///< or the visitor is an administrator: may see command and output
    Output output;
    Timestamp now;
};

struct SignInView {
    std::string cluster;
    std::string user;
    std::optional<Error> refusal;
};

}  // namespace hopyard::node::console
