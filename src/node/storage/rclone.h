// What rclone is told, and what can be read off it from outside. rclone 1.60 speaks no remote
// control but a TCP port that any user of the machine may knock at; what we need of it stands in
// files that only root can read, so it gets no port at all.
//
// Secrets: the URL that holds the right is in a configuration file (0600), never in an argument or
// an environment. rclone prints it when a connection fails, so its messages go through a filter
// before they reach a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "node/system/processes.h"

namespace hopyard::node::storage {

/// The name of the container that a container-scoped SAS URL is for: its path's last segment.
/// `invalid_argument` when the URL is none that can stand in the configuration file.
Result<std::string> container_of(const Secret& sas_url);
/// The configuration file's text: one remote, "data".
Secret configuration(const Secret& sas_url);

struct MountPaths {
    std::string program = "/usr/bin/rclone";
    std::string mount_point = "/data";
    std::string configuration;
    std::string authority;  ///< CA file; empty: the machine's own authorities
    std::string cache;
    std::string log;
};
/// Runs in the foreground until SIGTERM, SIGHUP makes it forget what it knows of directories. A
/// mount that a killed predecessor left behind is taken away first.
system::Command mount_command(const std::string& container, const MountPaths& paths);

/// Whether the text of /proc/mounts names an rclone mount there.
bool has_mount(std::string_view mounts, std::string_view mount_point);

/// Asks the container, past the mount, whether it lists with this right; a call into the mount
/// would hang for minutes when nobody answers. `permission_denied` and `not_found` when it refuses.
Result<void> ask_container(const Secret& sas_url, const std::string& ca_pem);

/// Files of the cache that hold what the container does not have yet, open ones included: rclone
/// keeps one small JSON file for each file of its cache, with "Dirty" in it. Remembers what it has
/// read, so a scan reads only what changed.
class PendingWrites {
  public:
    explicit PendingWrites(std::string cache) : cache_(std::move(cache)) {}
    std::int64_t count();

  private:
    struct Seen {
        std::int64_t modified_ns = 0;
        std::int64_t size = 0;
        bool dirty = false;
        std::uint64_t scan = 0;
    };
    bool read(const std::string& path, Seen& seen) const;
    const std::string cache_;
    std::map<std::string, Seen> seen_;
    std::uint64_t scan_ = 0;
};

}  // namespace hopyard::node::storage
