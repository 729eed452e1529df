// What all parts of the program know of each other: the newest orders, how far each part has come
// with them, and from that the report. Parts never call each other; they read orders here and write
// their status here. Thread-safe.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "nodewire/wire.h"

namespace hopyard::node {

/// The parts that carry out orders; each takes the whole of them and does its share.
enum class Part { access, storage, workload, init_script };
inline constexpr std::size_t part_count = 4;

struct PartStatus {
    std::int64_t applied_revision = 0;
    bool ready = false;
    std::string stage;  ///< what it is doing; empty when nothing
    std::optional<Error> failure;
    bool operator==(const PartStatus&) const = default;
};

/// What never changes while the program runs.
struct Self {
    std::string node;
    std::string machine_id;
    std::string boot_id;
    std::string program_version;
    std::string run;  ///< see nodewire::Report
};

class Board {
  public:
    Board(Self self, const Clock& clock);

    void set_orders(nodewire::Orders orders);
    /// Null before the first ones came.
    std::shared_ptr<const nodewire::Orders> orders() const;
    /// Returns when orders newer than `revision` are there, somebody poked this part, the time is
    /// over or the program stops; whatever the orders are then.
    std::shared_ptr<const nodewire::Orders> wait_for_orders(Part part,
                                                            std::int64_t revision,
                                                            Milliseconds timeout,
                                                            std::stop_token stop);
    /// Makes that part look again now.
    void poke(Part part);
    /// Called, on the thread that brings them, when new orders are there.
    void on_orders(std::function<void()> callback);

    void set_status(Part part, PartStatus status);
    PartStatus status(Part part) const;
    void set_mount(bool ready, std::int64_t pending_writes);
    void set_init_script(nodewire::InitScriptResult result);
    /// What the workload manager says: the report's fields of these names.
    struct Workload {
        std::vector<nodewire::WorkloadNode> nodes;
        int jobs_running = 0;
        int jobs_pending = 0;
        std::optional<model::Demand> demand;
    };
    void set_workload(Workload workload);
    /// A worker's report that its head relays; one that a newer one overtook is dropped.
    void set_relayed(nodewire::Report report);
    std::optional<nodewire::Report> relayed(const std::string& node) const;

    /// Rises whenever the report would say something else.
    std::uint64_t change() const;
    /// Returns when it differs from `known`, or at the end of the time.
    std::uint64_t wait_for_change(std::uint64_t known, Milliseconds timeout, std::stop_token stop);
    nodewire::Report report() const;

  private:
    struct Relayed {
        nodewire::Report report;
        Timestamp received;
    };
    void changed_locked();

    const Self self_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any signal_;
    std::shared_ptr<const nodewire::Orders> orders_;
    std::array<bool, part_count> poked_{};
    std::array<PartStatus, part_count> parts_;
    nodewire::Report facts_;  ///< the fields that set_mount and the like write
    std::map<std::string, Relayed> relayed_;
    std::uint64_t change_ = 1;
    mutable std::int64_t reports_ = 0;  ///< made so far
    std::function<void()> on_orders_;
};

/// Equal but for when they were made.
bool says_the_same(const nodewire::Report& a, const nodewire::Report& b);

}  // namespace hopyard::node
