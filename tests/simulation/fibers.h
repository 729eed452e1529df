// Threads without threads: whatever waits for a reply runs on a fiber of its own, so calls to the
// cloud are under way side by side and their replies come late and out of order, all in one thread
// and in an order that the seed decides.
//
// A fiber belongs to a program (a replica of the control plane). When that dies, its fibers end
// where they wait, as threads of a killed process do: ProgramDied goes through their frames.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <ucontext.h>

#include "simulation/engine.h"

namespace hopyard::simulation {

/// Goes through the frames of a program that has been killed. Not a std::exception: nobody who
/// handles failures takes it for one.
struct ProgramDied {};

class Fibers {
  public:
    /// `on_death` is called, outside of all fibers, when a fiber let ProgramDied escape.
    Fibers(Queue& queue, std::function<void(int program)> on_death);
    ~Fibers();
    Fibers(const Fibers&) = delete;
    Fibers& operator=(const Fibers&) = delete;

    /// Starts later, never inside this call.
    void start(int program, Milliseconds delay, std::function<void()> body);
    /// Runs up to its first wait inside this call, as a thread does that is quicker than its
    /// maker. Not from a fiber.
    void start_at_once(int program, std::function<void()> body);
    /// Of the fiber that calls.
    void sleep(Milliseconds delay);
    bool inside() const { return current_ != nullptr; }
    /// Ends all fibers of a program. Not from one of them.
    void kill(int program);
    /// Fibers of that program go on no sooner than then: the machine it runs on stands still.
    void freeze(int program, Timestamp until);
    std::size_t alive(int program) const;

  private:
    struct Fiber;
    static void entry(unsigned low, unsigned high);
    Fiber& take();
    Fiber& begin(int program, std::function<void()> body);
    static void prepare(Fiber& fiber);
    void wake_at(Fiber& fiber, Timestamp time);
    void resume(Fiber& fiber);
    void run(Fiber& fiber);

    Queue& queue_;
    std::function<void(int)> on_death_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber*> idle_;
    Fiber* current_ = nullptr;
    std::vector<std::pair<int, Timestamp>> frozen_;
};

}  // namespace hopyard::simulation
