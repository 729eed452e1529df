// Loops that run beside each other; the threads under them are the program's to give.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

namespace hopyard::node {

class Loop {
  public:
    virtual ~Loop() = default;
    /// Asks it to stop, and returns when it has.
    virtual void stop() = 0;
};
using LoopBody = std::function<void(std::stop_token)>;
using StartLoop = std::function<std::unique_ptr<Loop>(LoopBody)>;

}  // namespace hopyard::node
