#include "simulation/world.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/open.h"

namespace hopyard::simulation {
namespace {

/// How long a chaotic time lasts at most, and how long it may take until all is as wanted: longer
/// than the longest wait after a refusal.
constexpr Milliseconds chaos_most = Seconds(900);
constexpr Milliseconds rest_most = Seconds(2 * 3600);
/// All has to stay as it is for so long.
constexpr Milliseconds rest_least = Seconds(40);

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      ground_(options.seed, options.trace),
      of_control_(options.seed ^ 0x5bd1e995u),
      fibers_(ground_.queue, [this](int number) { replica_died(number); }),
      store_(store::open_memory([this] {
          if (ground_.dies_at(CrashPoint::Place::before_commit)) throw ProgramDied();
      })),
      judge_(ground_, *store_),
      nodes_(ground_, *this),
      users_(ground_, *this, judge_, nodes_, *store_) {
    judge_.know(nodes_);
    if (options_.calm) ground_.faults.clear();
    ground_.crash_point = options_.crash;
    ground_.cloud.add_foreign_things();
}

World::~World() {
    for (const auto& one : replicas_) {
        one->die();
        fibers_.kill(one->number());
    }
    nodes_.connections_lost();
}

// --- replicas ----------------------------------------------------------------------------------

Replica* World::replica(int number) {
    for (const auto& one : replicas_)
        if (one->number() == number) return one.get();
    return nullptr;
}

Replica* World::serving() {
    Replica* one = replica(serving_);
    return one == nullptr || one->dead() ? nullptr : one;
}

void World::start_replica(const std::string& holder) {
    const int number = next_replica_++;
    serving_ = number;
    holder_ = holder;
    replicas_.push_back(std::make_unique<Replica>(ReplicaParts{.ground = ground_,
                                                               .fibers = fibers_,
                                                               .store = *store_,
                                                               .requests = judge_,
                                                               .changes = judge_,
                                                               .mourner = *this,
                                                               .random = of_control_},
                                                  number,
                                                  holder));
}

void World::replica_died(int number) {
    Replica* one = replica(number);
    if (one == nullptr || one->dead()) return;
    ground_.trace.note([&] { return fmt::format("replica {} dies", number); });
    ++crashes_;
    one->die();
    // Its frames may still be on the stack: what is left of it goes in a moment.
    ground_.queue.after(Milliseconds(0), [this, number] { bury(number); });
    if (number != serving_) return;
    const Milliseconds down = ground_.faults.between(Milliseconds(300), Seconds(20));
    const std::string holder =
        chance(ground_.faults.random(), 0.5) ? holder_ : fmt::format("host-{}", ++hosts_);
    ground_.queue.after(down, [this, holder, number] {
        if (serving_ == number) start_replica(holder);
    });
}

void World::bury(int number) {
    fibers_.kill(number);
    if (number == serving_) nodes_.connections_lost();
    std::erase_if(replicas_, [&](const auto& one) {
        if (one->number() != number) return false;
        steps_ += one->steps();
        return true;
    });
}

/// The leader stands still: its lease runs out, another replica takes over, and later the first one
/// moves again, with everything in its head as it was.
void World::take_over() {
    Replica* leader = serving();
    if (leader == nullptr || leader->stands_still()) return;
    const int number = leader->number();
    const Timestamp until = ground_.clock.now() + ground_.faults.between(Seconds(3), Seconds(60));
    ground_.trace.note([&] { return fmt::format("replica {} stands still", number); });
    leader->stand_still(until);
    fibers_.freeze(number, until);
    judge_.stands_still(number);
    nodes_.connections_lost();
    start_replica(fmt::format("host-{}", ++hosts_));
    ground_.queue.at(until + ground_.faults.between(Seconds(1), Seconds(60)), [this, number] {
        if (Replica* old = replica(number); old != nullptr && !old->dead()) replica_died(number);
    });
}

bool World::with_sessions(const std::function<void(control::NodeSessions&)>& call) {
    Replica* one = serving();
    if (one == nullptr || one->stands_still()) return false;
    return one->survives([&] { call(one->sessions()); });
}

bool World::run_command(std::function<void(control::Commands&)> command) {
    Replica* one = serving();
    if (one == nullptr || one->stands_still()) return false;
    fibers_.start(one->number(), Milliseconds(1), [one, command = std::move(command)] {
        command(one->commands());
    });
    return true;
}

// --- time --------------------------------------------------------------------------------------

void World::every_second() {
    if (!ground_.faults.over()) {
        nodes_.draw_faults();
        if (chance(ground_.faults.random(), ground_.faults.rate(Fault::takeover) / 60)) take_over();
        ground_.queue.after(Seconds(1), [this] { every_second(); });
    }
}

void World::run_until(Timestamp time) {
    while (!ground_.findings.any() && ground_.queue.run_next(time)) {
    }
}

void World::run_while(const std::function<bool()>& goes_on, Milliseconds at_most) {
    const Timestamp end = ground_.clock.now() + at_most;
    while (!ground_.findings.any() && ground_.clock.now() < end && goes_on())
        run_until(ground_.clock.now() + Seconds(2));
}

void World::end_faults() {
    ground_.trace.note([] { return "the faults are over"; });
    ground_.faults.end();
    users_.calm_down();
    nodes_.heal();
}

std::vector<std::string> World::differences() {
    const std::vector<Wish> wishes = users_.wishes();
    std::vector<std::string> all;
    for (const Wish& wish : wishes) {
        const auto found = judge_.differences(wish);
        all.insert(all.end(), found.begin(), found.end());
        if (!all.empty()) return all;
    }
    return judge_.leftovers(wishes);
}

void World::converge(const char* what) {
    int seconds = 0;
    Timestamp good_since = ground_.clock.now();
    run_while(
        [&] {
            if (++seconds % 30 == 0) users_.retry_what_failed();
            if (!differences().empty()) good_since = ground_.clock.now() + Seconds(2);
            return ground_.clock.now() - good_since < rest_least;
        },
        rest_most);
    if (ground_.findings.any()) return;
    for (const std::string& difference : differences())
        ground_.findings.add(fmt::format("{}: {}", what, difference));
    if (ground_.clock.now() - good_since < rest_least && !ground_.findings.any())
        ground_.findings.add(fmt::format("{}: it does not stay as it is", what));
}

Outcome World::run() {
    users_.begin(options_.lives > 0 ? options_.lives
                                    : 1 + static_cast<int>(below(ground_.of_users, 3)));
    start_replica(holder_);
    every_second();
    run_while([&] { return !users_.done(); }, chaos_most);
    run_until(ground_.clock.now() + between(ground_.of_users, Seconds(1), Seconds(60)));
    end_faults();
    converge("after the faults");
    if (!ground_.findings.any()) {
        users_.terminate_all();
        converge("after the termination of all");
    }
    if (!ground_.findings.any())
        for (const Wish& wish : users_.wishes()) judge_.judge_history(wish);
    Outcome outcome{.seed = options_.seed,
                    .findings = ground_.findings.all(),
                    .last_events = ground_.trace.last(),
                    .lives = users_.lives(),
                    .simulated = ground_.clock.now() - day_one,
                    .steps = steps_,
                    .reports = nodes_.reports_sent(),
                    .passed = ground_.passed,
                    .crashes = crashes_};
    for (const auto& one : replicas_) outcome.steps += one->steps();
    if (outcome.findings.empty()) return outcome;
    for (const Wish& wish : users_.wishes())
        for (std::string& line : judge_.describe(wish)) outcome.rows.push_back(std::move(line));
    return outcome;
}

Outcome run_seed(const WorldOptions& options) {
    Outcome outcome = World(options).run();
    if (outcome.findings.empty() || options.trace != Trace::Mode::off) return outcome;
    WorldOptions again = options;
    again.trace = Trace::Mode::keep;
    Outcome traced = World(again).run();
    if (traced.findings != outcome.findings)
        traced.findings.insert(traced.findings.begin(),
                               "THE SECOND RUN OF THIS SEED WENT ANOTHER WAY");
    return traced;
}

}  // namespace hopyard::simulation
