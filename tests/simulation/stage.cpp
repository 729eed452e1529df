#include "simulation/stage.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/keys.h"
#include "store/open.h"

namespace hopyard::simulation {

Stage::Stage(const StageOptions& options)
    : ground(options.seed, options.trace),
      store(store::open_memory([this] {
          if (dies_ && ground.dies_at(CrashPoint::Place::before_commit)) throw ProgramDied();
      })),
      judge(ground, *store),
      nodes(ground, *this),
      of_control_(options.seed ^ 0x5bd1e995u),
      fibers_(ground.queue, [this](int number) { replica_died(number); }) {
    judge.know(nodes);
    if (options.calm) ground.faults.clear();
    key_ = **api::make_first_key(*store, of_control_, ground.clock.now());
    dies_ = true;
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
    serving_ = start_replica(holder_);
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

Replica* Stage::awake(int number) {
    Replica* one = replica(number);
    return one == nullptr || one->dead() || one->stands_still() ? nullptr : one;
}

Replica* Stage::serving() {
    Replica* first = awake(serving_);
    Replica* second = awake(second_);
    if (first == nullptr || second == nullptr) return first != nullptr ? first : second;
    return chance(ground.faults.random(), 0.5) ? first : second;
}

int Stage::start_replica(const std::string& holder) {
    const int number = next_replica_++;
    replicas_.push_back(std::make_unique<Replica>(ReplicaParts{.ground = ground,
                                                               .fibers = fibers_,
                                                               .store = *store,
                                                               .requests = judge,
                                                               .changes = judge,
                                                               .mourner = *this,
                                                               .random = of_control_},
                                                  number,
                                                  holder));
    return number;
}

void Stage::replica_died(int number) {
    Replica* one = replica(number);
    if (one == nullptr || one->dead()) return;
    ground.trace.note([&] { return fmt::format("replica {} dies", number); });
    ++crashes_;
    one->die();
    // Its frames may still be on the stack: what is left of it goes in a moment.
    ground.queue.after(Milliseconds(0), [this, number] { bury(number); });
    if (number == second_) second_ = 0;
    if (number != serving_) return;
    if (second_ != 0) {
        serving_ = std::exchange(second_, 0);
        return;
    }
    const Milliseconds down = ground.faults.between(Milliseconds(300), Seconds(20));
    if (!chance(ground.faults.random(), 0.5)) holder_ = fmt::format("host-{}", ++hosts_);
    ground.queue.after(down, [this, number] {
        if (serving_ == number) serving_ = start_replica(holder_);
    });
}

void Stage::bury(int number) {
    fibers_.kill(number);
    nodes.connections_lost();
    std::erase_if(replicas_, [&](const auto& one) {
        if (one->number() != number) return false;
        steps_ += one->steps();
        return true;
    });
}

void Stage::stand_still(Replica& one, Milliseconds for_how_long) {
    const Timestamp until = ground.clock.now() + for_how_long;
    ground.trace.note([&] { return fmt::format("replica {} stands still", one.number()); });
    one.stand_still(until);
    fibers_.freeze(one.number(), until);
    nodes.connections_lost();
}

/// The leader stands still: its lease runs out, another replica takes over, and later the first one
/// moves again, with everything in its head as it was.
void Stage::take_over() {
    Replica* leader = awake(serving_);
    if (leader == nullptr || second_ != 0) return;
    const int number = leader->number();
    const Milliseconds pause = ground.faults.between(Seconds(3), Seconds(60));
    stand_still(*leader, pause);
    holder_ = fmt::format("host-{}", ++hosts_);
    serving_ = start_replica(holder_);
    ground.queue.after(pause + ground.faults.between(Seconds(1), Seconds(60)), [this, number] {
        if (Replica* old = replica(number); old != nullptr && !old->dead()) replica_died(number);
    });
}

void Stage::add_second() {
    if (second_ != 0 || awake(serving_) == nullptr) return;
    second_ = start_replica(fmt::format("host-{}", ++hosts_));
    ground.trace.note([&] { return fmt::format("replicas {} and {} serve", serving_, second_); });
    part();
}

/// One of two that serve dies after a while. Before that it may stand still for longer than its
/// lease, and goes on serving as if nothing had been.
void Stage::part() {
    const int number = chance(ground.faults.random(), 0.5) ? serving_ : second_;
    Milliseconds when = ground.faults.between(Seconds(2), Seconds(60));
    if (chance(ground.faults.random(), 0.6)) {
        const Milliseconds pause = ground.faults.between(Seconds(3), Seconds(60));
        ground.queue.after(when, [this, number, pause] {
            if (Replica* one = awake(number); one != nullptr) stand_still(*one, pause);
        });
        when += pause + ground.faults.between(Seconds(1), Seconds(60));
    }
    ground.queue.after(when, [this, number] {
        if (Replica* one = replica(number); one != nullptr && !one->dead()) replica_died(number);
    });
}

bool Stage::with_sessions(const std::function<void(control::NodeSessions&)>& call) {
    Replica* one = serving();
    return one != nullptr && one->survives([&] { call(one->sessions()); });
}

bool Stage::ask(http::Request request, Answer answer) {
    Replica* one = serving();
    if (one == nullptr) return false;
    if (ground.faults.happens(Fault::request_lost)) return true;
    if (ground.faults.happens(Fault::answer_lost)) answer = {};
    request.headers.set("Authorization", "Bearer " + key_.reveal());
    fibers_.start(one->number(),
                  Milliseconds(1),
                  [this, one, request = std::move(request), answer = std::move(answer)] {
                      one->serve(request, responder(ground.queue, answer));
                  });
    return true;
}

bool Stage::run_command(std::function<void(control::Commands&)> command) {
    Replica* one = serving();
    if (one == nullptr) return false;
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
