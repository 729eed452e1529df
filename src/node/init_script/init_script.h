// The cluster's init script on this machine: fetched after enrolment, run as root to its end once
// per machine, its exit code and the end of its output reported. Once means once to its end: a run
// that a stop of the machine or of the program cut short begins again, so scripts should bear a
// second run; what a killed program left running of the first is ended before.
//
// Order. A script that comes first runs before anything else, and everything else waits for it
// (may_start). Any other runs when users and storage are there and, on a head, the workload manager
// too; a worker takes jobs only when its script ended well (may_take_work), since a job on a
// machine that lacks what the script installs is a lost job.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "node/board.h"
#include "node/log_tail.h"
#include "node/state.h"
#include "node/system/processes.h"
#include "node/upstream.h"

namespace hopyard::node {

/// False while a script that comes first has not ended, however it ends: a machine that its script
/// broke can still be entered and looked at. For every part but this one, which pokes them then.
bool may_start(const Board& board);
/// False until this machine's script ended well. For joining the workload manager as one that
/// takes jobs; a head's own services need only may_start. The workload part is poked then.
bool may_take_work(const Board& board);

inline constexpr std::size_t init_script_tail_max = 16u << 10;

/// What a result means for the machine: nothing when it is good.
std::optional<Error> init_script_failure(const nodewire::InitScriptResult& result,
                                         const std::string& log_file);

class InitScript {
  public:
    struct Parts {
        Board& board;
        const StateDirectory& state;
        UpstreamSlot& upstream;
        system::Processes& processes;
        Random& random;
    };
    struct Options {
        std::string log_file = init_script_log;  ///< 0600: may hold anything
        Milliseconds timeout{3'600'000};
    };
    explicit InitScript(Parts parts) : InitScript(parts, Options{}) {}
    InitScript(Parts parts, Options options);

    /// Carries out orders until stopped; a script under way is then ended with its process group.
    void run(std::stop_token stop);

  private:
    enum class Outcome { done, not_yet, failed };
    Outcome carry_out(const nodewire::Orders& orders, const std::stop_token& stop);
    bool is_its_turn(const nodewire::Orders& orders) const;
    /// Nothing when stopped before there was an answer.
    std::optional<std::string> fetch(const std::stop_token& stop);
    /// `cancelled` when stopped.
    Result<nodewire::InitScriptResult> run_to_end(const nodewire::Orders& orders,
                                                  const std::string& script,
                                                  const std::stop_token& stop);
    void end_what_was_left() const;
    void publish(std::int64_t revision);
    void say(std::string stage, std::optional<Error> failure = std::nullopt);

    Parts parts_;
    const Options options_;
    std::optional<nodewire::InitScriptResult> result_;
    std::int64_t published_ = 0;  ///< the revision of what the board shows
};

}  // namespace hopyard::node
