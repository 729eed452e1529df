#include "simulation/stage.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/open.h"

namespace hopyard::simulation {

Stage::Stage(const StageOptions& options)
    : ground(options.seed, options.trace),
      store(store::open_memory([this] {
          if (ground.dies_at(CrashPoint::Place::before_commit)) throw ProgramDied();
      })),
      judge(ground, *store),
      nodes(ground, *this),
      of_control_(options.seed ^ 0x5bd1e995u),
      fibers_(ground.queue, [this](int number) { replica_died(number); }) {
    judge.know(nodes);
    if (options.calm) ground.faults.clear();
    ground.crash_point = options.crash;
    ground.cloud.add_foreign_things();
}

Stage::~Stage() {
    for (const auto& one : replicas_) {
        one->die();
        fibers_.kill(one->number());
    }
    nodes.connections_lost();
}

void Stage::begin() {
    start_replica(holder_);
}

std::uint64_t Stage::steps() const {
    std::uint64_t steps = steps_;
    for (const auto& one : replicas_) steps += one->steps();
    return steps;
}

// --- replicas ----------------------------------------------------------------------------------

Replica* Stage::replica(int number) {
    for (const auto& one : replicas_)
        if (one->number() == number) return one.get();
    return nullptr;
}

Replica* Stage::serving() {
    Replica* one = replica(serving_);
    return one == nullptr || one->dead() ? nullptr : one;
}

void Stage::start_replica(const std::string& holder) {
    const int number = next_replica_++;
    serving_ = number;
    holder_ = holder;
    replicas_.push_back(std::make_unique<Replica>(ReplicaParts{.ground = ground,
                                                               .fibers = fibers_,
                                                               .store = *store,
                                                               .requests = judge,
                                                               .changes = judge,
                                                               .mourner = *this,
                                                               .random = of_control_},
                                                  number,
                                                  holder));
}

void Stage::replica_died(int number) {
    Replica* one = replica(number);
    if (one == nullptr || one->dead()) return;
    ground.trace.note([&] { return fmt::format("replica {} dies", number); });
    ++crashes_;
    one->die();
    // Its frames may still be on the stack: what is left of it goes in a moment.
    ground.queue.after(Milliseconds(0), [this, number] { bury(number); });
    if (number != serving_) return;
    const Milliseconds down = ground.faults.between(Milliseconds(300), Seconds(20));
    const std::string holder =
        chance(ground.faults.random(), 0.5) ? holder_ : fmt::format("host-{}", ++hosts_);
    ground.queue.after(down, [this, holder, number] {
        if (serving_ == number) start_replica(holder);
    });
}

void Stage::bury(int number) {
    fibers_.kill(number);
    if (number == serving_) nodes.connections_lost();
    std::erase_if(replicas_, [&](const auto& one) {
        if (one->number() != number) return false;
        steps_ += one->steps();
        return true;
    });
}

/// The leader stands still: its lease runs out, another replica takes over, and later the first one
/// moves again, with everything in its head as it was.
void Stage::take_over() {
    Replica* leader = serving();
    if (leader == nullptr || leader->stands_still()) return;
    const int number = leader->number();
    const Timestamp until = ground.clock.now() + ground.faults.between(Seconds(3), Seconds(60));
    ground.trace.note([&] { return fmt::format("replica {} stands still", number); });
    leader->stand_still(until);
    fibers_.freeze(number, until);
    nodes.connections_lost();
    start_replica(fmt::format("host-{}", ++hosts_));
    ground.queue.at(until + ground.faults.between(Seconds(1), Seconds(60)), [this, number] {
        if (Replica* old = replica(number); old != nullptr && !old->dead()) replica_died(number);
    });
}

bool Stage::with_sessions(const std::function<void(control::NodeSessions&)>& call) {
    Replica* one = serving();
    if (one == nullptr || one->stands_still()) return false;
    return one->survives([&] { call(one->sessions()); });
}

bool Stage::run_command(std::function<void(control::Commands&)> command) {
    Replica* one = serving();
    if (one == nullptr || one->stands_still()) return false;
    fibers_.start(one->number(), Milliseconds(1), [one, command = std::move(command)] {
        command(one->commands());
    });
    return true;
}

void Stage::run_until(Timestamp time) {
    while (!ground.findings.any() && ground.queue.run_next(time)) {
    }
}

void Stage::run_while(const std::function<bool()>& goes_on, Milliseconds at_most) {
    const Timestamp end = ground.clock.now() + at_most;
    while (!ground.findings.any() && ground.clock.now() < end && goes_on())
        run_until(ground.clock.now() + Seconds(4));
}

void Stage::end_faults() {
    ground.trace.note([] { return "the faults are over"; });
    ground.faults.end();
    nodes.heal();
}

}  // namespace hopyard::simulation
