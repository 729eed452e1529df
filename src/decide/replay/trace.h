// Recorded workloads, in the two formats that are published: the Standard Workload Format of the
// Parallel Workloads Archive (version 2.2: 18 numbers a line, -1 for what is not known) and the
// tasks of a GPU cluster as "openb" has them (alibaba/clusterdata, cluster-trace-gpu-v2023: a CSV
// with a header).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/demand.h"

namespace hopyard::decide::replay {

/// A job of a trace. Its pieces begin together and each may lie on any machine that has room.
struct Job {
    std::string name;
    Timestamp submitted_at;
    Milliseconds run{0};
    int pieces = 1;
    model::Resources each;
    std::string gpu_type;
    std::int64_t limit_s = 0;  ///< 0: not said
    bool operator==(const Job&) const = default;
};

struct BadLine {
    int number = 0;  ///< from 1
    std::string reason;
    bool operator==(const BadLine&) const = default;
};

struct Trace {
    std::vector<Job> jobs;     ///< by the time they were submitted
    std::vector<BadLine> bad;  ///< skipped; the first hundred
    int skipped = 0;           ///< all of them
    int never_ran = 0;         ///< well-formed, but cancelled before they began
};

enum class Format { swf, openb };
std::optional<Format> format_from(std::string_view word);

struct Reading {
    Format format = Format::swf;
    /// One processor of an SWF job, whose memory is rarely said.
    model::Resources processor{.cpus = 1};
    /// Else the first bad line is an error.
    bool skip_bad_lines = false;
};

/// A trace may say when it began (SWF: `UnixStartTime`); else it begins on a Monday at 00:00 UTC.
/// `invalid_argument` names the first bad line and why, or that there is no job in it.
Result<Trace> read_trace(std::string_view text, const Reading& reading);

}  // namespace hopyard::decide::replay
