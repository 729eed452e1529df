// A workload manager as its users meet it: how work is given to it, and where its machines' files
// come from. The manager itself is behind the interface; the test gives work as people do.
#pragma once

#include <string>
#include <vector>

#include "lab.h"

namespace hopyard::test {

/// Each appends a line to /tmp/began-NAME of its machine when it begins, and one to /tmp/ended-NAME
/// when it ends, which it does once /tmp/end-NAME is there.
struct Work {
    std::string name;
    int count = 1;  ///< so many of them, each by itself
    int cpus = 1;
    int memory_mb = 64;
    int gpus = 0;
    std::string on = {};     ///< the only machine that will do; empty: any
    std::string after = {};  ///< may begin when that work has ended
    bool held = false;       ///< where the engine knows that
};

class Engine {
  public:
    virtual ~Engine() = default;
    /// A word: "slurm", "dask".
    virtual std::string name() const = 0;
    /// The root file system that its machines start from.
    virtual std::string image() const = 0;
    /// People may hold work back.
    virtual bool can_hold() const = 0;
    /// All of it was taken when this returns; false when it was not.
    virtual bool submit(Lab& lab, const std::vector<Work>& works) const = 0;
    /// Takes all back that waits; what runs and was told to end may end.
    virtual void clear(Lab& lab) const = 0;
};

const Engine& slurm();
const Engine& dask();

inline constexpr const char* head = "head";

}  // namespace hopyard::test
