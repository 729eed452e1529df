// The cluster's container at /data: rclone in the foreground under our supervision, with a right to
// that container alone. Ready means that the mount is there and the container answers with this
// right.
//
// A right that is prolonged keeps its URL, and nothing happens. Another URL means a new mount, made
// once no write is pending, or when that took too long: what is pending stays in the cache on disk
// and goes up after the new mount, so waiting spares running jobs an error and loses nothing.
//
// rclone ends without flushing. So the unmount at the end waits for pending writes first, for a
// bounded time; on a disk that stays, the rest goes up after the next start.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "base/time.h"
#include "node/board.h"
#include "node/state.h"
#include "node/storage/rclone.h"
#include "node/system/processes.h"

namespace hopyard::node {

class Storage {
  public:
    struct Parts {
        Board& board;
        const StateDirectory& state;
        system::Processes& processes;
    };
    struct Options {
        std::string service = "data";  ///< its name among the processes
        std::string program = "/usr/bin/rclone";
        std::string mount_point = "/data";
        std::string cache = "/var/cache/hopyard-data";
        std::string log_file = "/var/log/hopyard-data.log";
        /// How long a new URL waits for pending writes.
        Milliseconds remount_patience{300'000};
    };
    explicit Storage(Parts parts) : Storage(parts, Options{}) {}
    Storage(Parts parts, Options options);

    /// Carries out orders until stopped, and leaves the mount as it is then: stop what uses it,
    /// then unmount.
    void run(std::stop_token stop);
    /// Waits, at most that long, until nothing is pending, and unmounts. After run() has returned.
    /// Returns the writes that were still pending.
    std::int64_t unmount(Milliseconds patience);
    /// Lets this machine see at once what others wrote. Thread-safe.
    void refresh();

  private:
    struct Mounted {
        Secret configuration;
        std::string ca_pem;
        bool operator==(const Mounted& other) const {
            return configuration.reveal() == other.configuration.reveal() && ca_pem == other.ca_pem;
        }
    };
    enum class Step {
        settled,
        mounting,
        remount_later,  ///< the old mount still serves
    };
    Result<Step> carry_out(const nodewire::Orders& orders);
    Result<Step> mount(const nodewire::StorageGrant& grant);
    Result<void> start(const nodewire::StorageGrant& grant, const Mounted& wanted);
    void publish(const Result<Step>& outcome, std::int64_t revision);
    /// How long until the next look.
    Milliseconds rest_after(const Result<Step>& outcome);
    bool is_mounted() const;
    bool may_take_away();
    void take_away();
    void bound_log() const;

    Parts parts_;
    const Options options_;
    storage::PendingWrites pending_;
    std::optional<Mounted> mounted_;      ///< what the service was started with
    std::atomic<bool> answered_ = false;  ///< the container did, with what is mounted
    std::int64_t applied_ = 0;
    std::int64_t pending_now_ = 0;
    std::optional<std::chrono::steady_clock::time_point> started_, remount_wanted_since_;
};

}  // namespace hopyard::node
