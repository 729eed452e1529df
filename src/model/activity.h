// The record of what happened to a cluster and why: append-only, shown to users, never holding a
// secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace hopyard::model {

enum class Severity { info, warning, error };

struct Activity {
    std::int64_t sequence = 0;  ///< given by the store; rises through the whole installation
    Timestamp at;
    OrganisationId organisation;
    ClusterId cluster;
    NodeId node;  ///< empty when it concerns the whole cluster
    Severity severity = Severity::info;
    std::string code;              ///< stable: "node_ready", "request_accepted", "job_cut_off"
    std::string message;           ///< one sentence for a person
    std::string reason;            ///< the rule and the numbers behind it; may be empty
    std::string actor;             ///< name of a person or an API key, or "hopyard"
    std::string cloud_request_id;  ///< for the cloud's support; may be empty
    std::optional<Error> error;
    bool operator==(const Activity&) const = default;
};

}  // namespace hopyard::model
