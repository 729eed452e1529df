// One cluster of the tests: a head and workers in a lab, and the control plane they obey.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "control_plane.h"
#include "lab.h"

namespace hopyard::test {

using nodewire::Member;
using nodewire::Orders;
using nodewire::Report;

inline constexpr const char* head_address = "10.9.0.4";

Member member(const std::string& name, const std::string& address, Member::State state);
/// As crypt(5) keeps it.
std::string hash_of(const std::string& password);
/// Null when the workload manager does not speak of it.
const nodewire::WorkloadNode* find(const Report& report, const std::string& name);
nodewire::WorkloadNode state_of(const Report& report, const std::string& name);
bool is_idle(const Report& report, const std::string& name);

class Stopwatch {
  public:
    long ms() const {
        return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin_)
            .count();
    }

  private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class Cluster {
  public:
    /// With two cores and 1 GiB on each machine, and a size that may come with sixteen cores.
    Cluster();
    /// Shows what all said when the test has failed.
    ~Cluster();

    std::string address_of(const std::string& worker) const {
        return "10.9.0.1" + worker.substr(1);
    }
    /// Names it in the orders, which are not given yet.
    void add_worker(const std::string& name, Member::State state);
    /// Boots head and workers, and waits until all take jobs.
    bool start(const std::vector<std::string>& workers);
    /// Waits until a report fits.
    bool sees(const std::function<bool(const Report&)>& fits) {
        return control.wait_for(fits, Milliseconds(20'000));
    }
    std::string on_head(const std::string& command) {
        return lab.run("c-test-head", "ada", command);
    }
    void set_state(const std::string& name, Member::State state, std::int64_t drain = 0);

    const std::string directory;
    Lab lab;
    ControlPlane control;
    Orders orders;

  private:
    void show();
};

}  // namespace hopyard::test
