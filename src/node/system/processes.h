// Every child process of the program is born and buried here, on one thread: the one that runs
// run(). As PID 1 it also buries orphans of others. Because one thread does both, an exit is never
// lost, and "dies with us" (prctl PR_SET_PDEATHSIG, which follows the thread that forked) holds.
//
// A command runs once and is waited for; a service runs in the foreground for as long as the
// machine does, and is started again, with a growing wait, when it ends by itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::node::system {

/// Whom a process runs as.
struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    bool operator==(const Account&) const = default;
};

struct Command {
    /// The program's absolute path and its arguments. Never a secret: every user can read them.
    std::vector<std::string> arguments;
    /// Added to PATH, LANG and HOME=/root: "NAME=value".
    std::vector<std::string> environment;
    std::optional<Account> account;  ///< without it: as we run
    std::string directory = "/";
    std::string input;  ///< of a command; a service reads nothing
    /// Where a service's output goes (appended, 0600); empty for nowhere. A command's is collected.
    std::string output_file;
    std::size_t output_max = 4u << 20;  ///< of what is collected, its end is kept
    bool operator==(const Command&) const = default;
};

struct Finished {
    int exit_code = 0;  ///< 128 + signal when one ended it
    std::string output;
    std::string errors;
};

struct Service {
    std::string name;
    Command command;
    bool operator==(const Service&) const = default;
};

struct ServiceState {
    bool running = false;
    int unexpected_exits = 0;
    std::string last_exit;  ///< "exit code 1", "signal 9"
    std::optional<Timestamp> last_exit_at;
};

class Processes {
  public:
    explicit Processes(const Clock& clock);
    ~Processes();
    Processes(const Processes&) = delete;
    Processes& operator=(const Processes&) = delete;

    /// Forks, buries and restarts until stopped. Exactly one thread; the others wait for it.
    void run(std::stop_token stop);

    /// Runs it to its end. `timed_out`, and `cancelled` when stopped: it was killed with its
    /// process group. `unavailable`: it could not be started. Any exit code is a success here.
    Result<Finished> finish(const Command& command,
                            Milliseconds timeout,
                            const std::stop_token& stop = {});
    /// The same, with another exit code than 0 as an error that holds the end of its output.
    Result<std::string> output_of(const Command& command, Milliseconds timeout);

    /// Starts it unless it runs with the same command already; another command replaces it.
    Result<void> start(const Service& service);
    /// SIGTERM, that long a wait, SIGKILL. Nothing when it does not run.
    void stop(const std::string& name, Milliseconds grace);
    void signal(const std::string& name, int number);
    ServiceState state(const std::string& name) const;
    /// Called from the thread of run() whenever a service ends by itself or comes back.
    void on_change(std::function<void()> callback);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::node::system
