// The queue of Slurm, by its own commands. Every job is submitted, and every output is read, as the
// Unix user who asks, never as root.
#pragma once

#include <functional>
#include <string>

#include "node/board.h"
#include "node/console/jobs.h"
#include "node/system/processes.h"

namespace hopyard::node::console {

class SlurmQueue final : public Queue {
  public:
    struct Parts {
        Board& board;
        system::Processes& processes;
        const Clock& clock;
        Random& random;
        /// Makes this machine see what others wrote to the container.
        std::function<void()> refresh_container;
    };
    struct Options {
        std::string book;  ///< where submitted jobs are kept
        std::string outputs = "/data/.hopyard/jobs";
        std::string programs = "/usr/bin";
        /// An output that did not come this long after the job's end will not come.
        Seconds output_patience{60};
    };
    SlurmQueue(Parts parts, Options options);

    Result<std::vector<Job>> jobs() override;
    Result<std::int64_t> submit(const Submission& submission) override;
    Result<Output> output(const Job& job) override;

  private:
    Result<system::Command> as_user(const std::string& user,
                                    std::vector<std::string> arguments) const;
    std::string output_file(const std::string& token) const;

    Parts parts_;
    const Options options_;
    JobBook book_;
};

}  // namespace hopyard::node::console
