// Machines on one bridge, in namespaces of this test alone: when the test ends, however it ends,
// processes, mounts and networks end with it.
#pragma once

#include <map>
#include <string>
#include <thread>

#include "node/system/processes.h"

namespace hopyard::test {

/// Runs `program` again in fresh namespaces with a directory of its own, and removes that
/// afterwards. Returns its exit code.
int run_isolated(char** arguments);
/// In the isolated run: the directory; empty outside.
std::string isolated_directory();

/// The root file system of a node, as tools/build-image makes it.
std::string base_image();

class Lab {
  public:
    /// Machines start from that root file system, which stays as it is.
    explicit Lab(std::string directory, std::string image = base_image());
    ~Lab();

    /// Makes the machine's network the first time, and boots it.
    void start(const std::string& name, const std::string& address);
    /// SIGTERM to PID 1; false when it is still there after that time.
    bool stop(const std::string& name, Milliseconds patience);
    /// Takes its power away.
    void kill_machine(const std::string& name);
    /// Runs a shell command in that machine as that user; its output, or "failed: ...".
    std::string run(const std::string& name, const std::string& user, const std::string& command);
    std::string file(const std::string& name, const std::string& path);
    void host(const std::string& command);

  private:
    int pid_of(const std::string& name);
    /// It may be only just booting.
    int wait_for_pid(const std::string& name);

    const std::string directory_, image_;
    const SystemClock clock_;
    node::system::Processes processes_;
    std::jthread thread_;
    std::map<std::string, bool> has_network_;
};

inline constexpr const char* gateway = "10.9.0.1";

}  // namespace hopyard::test
