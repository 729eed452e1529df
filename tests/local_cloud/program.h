// The program hopyard-cloud as its users run it: started in a state directory of its own, killed,
// started again, told to go down. What it made is gone afterwards, also when a test failed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/time.h"

namespace hopyard::tests {

struct Finished {
    int code = 0;
    std::string output;  ///< standard output and error
};

class Program {
  public:
    /// Starts nothing. `options` come behind those that every start of `serve` has.
    explicit Program(std::vector<std::string> options = {});
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Starts `serve` and waits until it is ready; an empty text, or what it said instead.
    std::string start();
    /// Runs `serve` that is expected to refuse, to its end.
    Finished refused(const std::vector<std::string>& more = {}) const;
    /// Runs another command of the program on this state.
    Finished run(const std::string& command, const std::vector<std::string>& more = {}) const;
    void kill_hard();
    /// The process of its blob service, 0 when it has none.
    pid_t blob_service() const;

    const std::filesystem::path& state() const { return state_; }
    std::string instance() const;
    std::string cloud_file() const { return (state_ / "cloud.json").string(); }
    std::string log() const;

    /// Replaces a default option of `serve`, or adds one.
    void set_option(const std::string& name, const std::string& value);
    /// The init of machines that start from now on: a shell script.
    void set_init(const std::string& script) const;

    /// Runs a command as a user inside the running machine of that host name; its exit code and
    /// output. Code -1: there is no such machine.
    Finished inside(const std::string& machine,
                    const std::vector<std::string>& command,
                    uid_t user = 0) const;
    /// The init of that machine as this host sees it, 0 when it does not run.
    pid_t init_of(const std::string& machine) const;

  private:
    std::vector<std::string> serve_command() const;

    std::filesystem::path folder_;  ///< holds the state, the init and the log
    std::filesystem::path state_;
    std::vector<std::pair<std::string, std::string>> options_;
    std::vector<std::string> more_;
    std::string last_instance_;
    pid_t process_ = -1;
};

/// Ends on SIGTERM; prints who it is.
extern const char* const quiet_init;

}  // namespace hopyard::tests
