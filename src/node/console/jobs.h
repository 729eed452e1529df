// Jobs as the head's page shows and submits them. A command submitted here runs in the queue like
// any other job of its user; its output goes to the cluster's container, which every machine sees,
// under a name nobody can guess and no later job gets again.
//
// The workload manager forgets a job minutes after its end, so what was submitted here is kept in a
// book on disk. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"

namespace hopyard::node::console {

enum class JobState { pending, running, completed, failed, cancelled, timed_out, unknown };
std::string_view to_string(JobState state);
bool has_ended(JobState state);

struct Job {
    std::int64_t id = 0;
    std::string user;
    std::string name;
    JobState state = JobState::unknown;
    std::string reason;  ///< why it waits; empty when it does not
    int nodes = 0;
    std::string on;  ///< the machines it has, as the manager abbreviates them: "w[1-2]"
    std::optional<int> exit_code;
    Timestamp submitted_at;
    std::optional<Timestamp> started_at, ended_at;
    // Of those submitted here:
    bool ours = false;
    std::string command;
    bool operator==(const Job&) const = default;
};

struct Submission {
    std::string user;
    std::string command;  ///< for bash; may have several lines
    int nodes = 1;
    enum class Runs { on_first_node, on_every_node } runs = Runs::on_first_node;
};

struct Output {
    bool complete = false;  ///< the job has ended, and this is all of it
    std::string text;       ///< at most output_max, its end
    std::string note;       ///< why there is none, for a person
};
inline constexpr std::size_t output_max = 1u << 20;
inline constexpr std::size_t command_max = 64u << 10;

/// What the page asks of the queue.
class Queue {
  public:
    virtual ~Queue() = default;
    /// Newest first: those of the queue, and those submitted here that it forgot.
    virtual Result<std::vector<Job>> jobs() = 0;
    /// The job's number. `invalid_argument` with a field for a submission that cannot be.
    virtual Result<std::int64_t> submit(const Submission& submission) = 0;
    /// `not_found` for one that was not submitted here.
    virtual Result<Output> output(const Job& job) = 0;
};

/// What `squeue --json` prints (openapi v0.0.38 of Slurm 22.05).
Result<std::vector<Job>> parse_jobs(std::string_view json);

/// The batch script: its output goes to `output_file`, or, where that cannot be made, to
/// `fallback_file`.
std::string batch_script(const Submission& submission,
                         const std::string& output_file,
                         const std::string& fallback_file);
/// One word of a shell, whatever is in the text.
std::string shell_quote(std::string_view text);

/// What was submitted here.
class JobBook {
  public:
    struct Entry {
        Job job;
        std::string token;  ///< names its output
    };
    static constexpr std::size_t entries_most = 200;

    /// Reads what is there; a damaged file counts as empty.
    explicit JobBook(std::string path, std::size_t most = entries_most);

    void add(Entry entry);
    std::optional<Entry> find(std::int64_t id) const;
    /// Takes over what the queue says of ours; marks ours that it no longer knows. Returns both
    /// together, newest first.
    std::vector<Job> merge(std::vector<Job> of_queue, Timestamp now);

  private:
    void keep_locked();
    const std::string path_;
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::map<std::int64_t, Entry> entries_;
};

}  // namespace hopyard::node::console
