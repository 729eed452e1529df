// The processes of one machine: LXC starts them, and from then on we hold on to init through a
// pidfd, which cannot be mistaken for another process. LXC's monitor may die, and this program may
// die; the truth about a machine is who lives in its port's namespace.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::compute {

/// A process that was alive when we looked. Copies share the handle.
class Process {
  public:
    Process() = default;
    /// Empty when there is no such process any more.
    static Process open(pid_t pid);

    pid_t pid() const { return pid_; }
    int handle() const { return handle_ ? handle_->get() : -1; }
    bool is_alive() const;
    void signal(int number) const;
    /// True when it has ended.
    bool wait(Milliseconds limit) const;

  private:
    pid_t pid_ = 0;
    std::shared_ptr<network::Descriptor> handle_;
};

struct Container {
    Process init;
    Process monitor;  ///< LXC's; not there when it was killed
};

/// Who lives in which network namespace, by the kernel's number of it.
std::map<std::uint64_t, std::vector<pid_t>> inhabitants();
/// Those of one namespace.
std::vector<pid_t> inhabitants_of(std::uint64_t network_namespace);

/// The machine whose processes these are, when init is among them.
std::optional<Container> find_container(const std::vector<pid_t>& processes,
                                        const std::string& name);

/// Starts `directory`/`name`/config. Returns when init runs.
Result<Container> start_container(const std::filesystem::path& directory,
                                  const std::string& name,
                                  std::uint64_t network_namespace);
/// Asks init to end, waits that long, then kills it.
Result<void> end_container(const Container& container, Milliseconds grace);
/// Waits until LXC has tidied up after init's death, and tidies up itself where it did not.
void settle_container(const Container& container, const std::string& name);

/// Kills these and waits until they are gone; false when some were not.
bool kill_processes(const std::vector<pid_t>& processes);

/// Removes the control groups "lxc.payload.NAME" and "lxc.monitor.NAME" of every hierarchy, for
/// each name that begins with `prefix`.
void remove_control_groups(const std::string& prefix);
/// The processes in them.
std::vector<pid_t> control_group_processes(const std::string& prefix);

/// The host has no cgroup v1 hierarchy.
bool has_cgroup2_only();

}  // namespace hopyard::localcloud::compute
