// One machine from inside. Private to nodes*.cpp and node_faults.cpp.
#pragma once

#include "simulation/nodes.h"

namespace hopyard::simulation {

struct Nodes::Machine {
    std::string id;
    std::uint64_t number = 0;  ///< in the order of creation
    std::string interface_ip;
    nodewire::UserData data;
    bool never_boots = false;
    bool slow = false;

    // On its disk.
    bool enrolled = false;
    std::unique_ptr<SlurmModel> slurm;
    std::int64_t init_script_runs = 0;

    // Of this boot.
    bool powered = false;
    std::uint64_t life = 0;  ///< rises with every change of power: old tasks find nobody
    std::string boot_id;
    std::optional<nodewire::Orders> orders;
    std::int64_t applied = 0;
    bool ready = false;
    bool reporting = false;
    bool report_due = false;
    bool fetching = false;
    bool offered = false;
    std::unique_ptr<control::NodeSessions::Subscription> subscription;
    bool connected = false;
    /// What each worker last said, and when the head heard it.
    std::map<std::string, std::pair<nodewire::Report, Timestamp>> relayed;

    bool cut_off = false;
    std::uint64_t cuts = 0;
};

}  // namespace hopyard::simulation
