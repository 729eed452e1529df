#include "decide/replay/replay.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

#include "decide/replay/tally.h"
#include "decide/scale/experience.h"
#include "decide/scale/packing.h"

namespace hopyard::decide::replay {
namespace {

using scale::GroupName;
using scale::Step;
using scale::Worker;

struct Event {
    enum class Kind { end, ready, look };
    Timestamp at;
    Kind kind = Kind::look;
    std::size_t subject = 0;  ///< end: a run; ready: a machine
    bool operator>(const Event& other) const {
        return std::tuple(at, kind, subject) > std::tuple(other.at, other.kind, other.subject);
    }
};

/// A job that runs, and where.
struct Run {
    std::size_t job = 0;
    std::vector<std::pair<std::size_t, std::int64_t>> pieces;  ///< machine, how many
};

/// Jobs that ask for the same, in the order they came.
struct Line {
    model::Request request;
    std::queue<std::size_t> jobs;
};

class Replay {
  public:
    Replay(const Trace& trace, const Setup& setup)
        : trace_(trace),
          setup_(setup),
          tally_(trace, setup.count_from.value_or(trace.jobs.front().submitted_at)) {
        situation_.mode = setup.mode;
        situation_.general = setup.general;
        situation_.gpu = setup.gpu;
    }

    Outcome run() {
        bool ended_early = false;
        while (const auto now = next_time()) {
            situation_.now = *now;
            tally_.pass_until(*now, situation_.workers, waiting_);
            take_events();
            take_submissions();
            settle();
            if (submitted_ == trace_.jobs.size() && running_ == 0 && waiting_ == 0) break;
            if (!report_progress()) {
                ended_early = true;
                break;
            }
        }
        Outcome outcome = tally_.outcome(machines_);
        for (const auto& [shape, line] : lines_)
            outcome.left_waiting += static_cast<std::int64_t>(line.jobs.size());
        outcome.decisions = decisions_;
        outcome.never_met = never_met_;
        outcome.ended_early = ended_early;
        return outcome;
    }

  private:
    using Shape = std::tuple<int, model::Resources, std::int64_t>;

    std::optional<Timestamp> next_time() const {
        std::optional<Timestamp> next;
        if (submitted_ < trace_.jobs.size()) next = trace_.jobs[submitted_].submitted_at;
        if (!events_.empty() && (!next || events_.top().at < *next)) next = events_.top().at;
        return next;
    }

    bool report_progress() {
        constexpr std::int64_t every = 256;
        if (!setup_.progress || decisions_ % every != 0) return true;
        return setup_.progress(static_cast<double>(submitted_) /
                               static_cast<double>(trace_.jobs.size()));
    }

    void take_events() {
        while (!events_.empty() && events_.top().at <= situation_.now) {
            const Event event = events_.top();
            events_.pop();
            if (event.kind == Event::Kind::end) end(event.subject);
            if (event.kind == Event::Kind::ready) become_ready(event.subject);
        }
    }

    void take_submissions() {
        for (; submitted_ < trace_.jobs.size() &&
               trace_.jobs[submitted_].submitted_at <= situation_.now;
             ++submitted_) {
            const Job& job = trace_.jobs[submitted_];
            Line& line = lines_[Shape(job.pieces, job.each, job.limit_s)];
            line.request.pieces = job.pieces;
            line.request.each = job.each;
            line.request.limit_s = job.limit_s;
            line.jobs.push(submitted_);
            ++waiting_;
        }
    }

    /// Begins what can begin and lets the autoscaler decide, until neither changes anything.
    void settle() {
        do {
            begin_what_fits();
            list_requests();
        } while (decide_once());
    }

    void begin_what_fits();
    bool begin(std::size_t job);
    void end(std::size_t run);
    void become_ready(std::size_t machine);
    void list_requests();
    bool decide_once();
    void learn(const scale::Decision& decision);
    bool carry_out(const Step& step);
    void add(const Step& step);
    void drop(const std::string& name);
    void forget_hopeless(const scale::Decision& decision);

    scale::Group& group_of(GroupName name) {
        return name == GroupName::gpu ? situation_.gpu.value() : situation_.general;
    }
    Worker* worker_of(std::size_t machine) {
        const auto found = place_.find(machine);
        return found == place_.end() ? nullptr : &situation_.workers[found->second];
    }
    void note_places() {
        place_.clear();
        for (std::size_t i = 0; i < machine_at_.size(); ++i) place_[machine_at_[i]] = i;
    }

    const Trace& trace_;
    const Setup& setup_;
    Tally tally_;
    scale::Situation situation_;
    std::vector<std::size_t> machine_at_;       ///< of situation_.workers, by place
    std::map<std::size_t, std::size_t> place_;  ///< of a machine that is there
    std::vector<Machine> machines_;             ///< all there ever were
    std::map<Shape, Line> lines_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::vector<Run> runs_;
    std::size_t submitted_ = 0;
    std::int64_t waiting_ = 0;
    std::int64_t running_ = 0;
    std::int64_t never_met_ = 0;
    std::int64_t decisions_ = 0;
    std::set<Timestamp> looks_;
};

void Replay::begin_what_fits() {
    std::set<std::pair<std::size_t, Shape>> fronts;
    for (const auto& [shape, line] : lines_) fronts.emplace(line.jobs.front(), shape);
    while (!fronts.empty()) {
        const auto [job, shape] = *fronts.begin();
        fronts.erase(fronts.begin());
        // What does not fit now keeps the others of its shape waiting.
        if (!begin(job)) continue;
        const auto line = lines_.find(shape);
        line->second.jobs.pop();
        if (line->second.jobs.empty())
            lines_.erase(line);
        else
            fronts.emplace(line->second.jobs.front(), shape);
    }
}

bool Replay::begin(std::size_t index) {
    const Job& job = trace_.jobs[index];
    Run run{.job = index, .pieces = {}};
    std::int64_t left = job.pieces;
    for (std::size_t i = 0; i < situation_.workers.size() && left > 0; ++i) {
        const Worker& worker = situation_.workers[i];
        if (worker.state != Worker::State::ready) continue;
        const std::int64_t fit = scale::times_in(scale::free_of(worker), job.each, left);
        if (fit == 0) continue;
        run.pieces.emplace_back(machine_at_[i], fit);
        left -= fit;
    }
    if (left > 0) return false;
    for (const auto& [machine, count] : run.pieces) {
        Worker& worker = *worker_of(machine);
        worker.used += job.each * count;
        worker.jobs += 1;
        worker.idle_since.reset();
    }
    --waiting_;
    ++running_;
    tally_.began(job, situation_.now, setup_.general, setup_.gpu);
    events_.push({situation_.now + job.run, Event::Kind::end, runs_.size()});
    runs_.push_back(std::move(run));
    return true;
}

void Replay::end(std::size_t index) {
    Run& run = runs_[index];
    const Job& job = trace_.jobs[run.job];
    --running_;
    for (const auto& [machine, count] : run.pieces) {
        Worker& worker = *worker_of(machine);
        worker.used -= job.each * count;
        worker.jobs -= 1;
        if (worker.jobs > 0) continue;
        worker.idle_since = situation_.now;
        if (worker.state == Worker::State::leaving) drop(worker.name);
    }
    run.pieces = {};
}

void Replay::become_ready(std::size_t machine) {
    Worker* worker = worker_of(machine);
    if (worker == nullptr) return;
    worker->state = Worker::State::ready;
    worker->idle_since = situation_.now;
    if (setup_.mode != model::AutoscaleMode::adaptive) return;
    auto& experience = group_of(*worker->group).experience;
    experience = scale::learn_boot(experience.value_or(model::Experience{}),
                                   situation_.now - machines_[machine].asked_at);
}

void Replay::list_requests() {
    std::vector<std::pair<std::size_t, const Line*>> in_order;
    for (auto& [shape, line] : lines_) {
        const Job& first = trace_.jobs[line.jobs.front()];
        // Its own name may stand twice in a trace.
        line.request.name = std::to_string(line.jobs.front());
        line.request.count = static_cast<std::int64_t>(line.jobs.size());
        line.request.waiting_since = first.submitted_at;
        in_order.emplace_back(line.jobs.front(), &line);
    }
    std::sort(in_order.begin(), in_order.end());
    situation_.requests.clear();
    for (const auto& [front, line] : in_order) situation_.requests.push_back(line->request);
}

/// True when it changed who is there.
bool Replay::decide_once() {
    ++decisions_;
    const scale::Decision decision = scale::decide(situation_);
    bool changed = false;
    for (const Step& step : decision.steps) changed = carry_out(step) || changed;
    if (setup_.mode == model::AutoscaleMode::adaptive) learn(decision);
    forget_hopeless(decision);
    const auto& look = decision.look_again_at;
    if (look && *look > situation_.now && looks_.insert(*look).second)
        events_.push({*look, Event::Kind::look, 0});
    looks_.erase(looks_.begin(), looks_.upper_bound(situation_.now));
    return changed;
}

void Replay::learn(const scale::Decision& decision) {
    for (const scale::Balance& balance : decision.balances) {
        auto& experience = group_of(balance.group).experience;
        experience =
            scale::learn(experience.value_or(model::Experience{}), balance.demand, situation_.now);
    }
}

bool Replay::carry_out(const Step& step) {
    if (step.kind == Step::Kind::add) {
        add(step);
        return true;
    }
    const auto worker = std::find_if(situation_.workers.begin(),
                                     situation_.workers.end(),
                                     [&](const Worker& one) { return one.name == step.worker; });
    if (worker == situation_.workers.end()) return false;
    if (step.kind == Step::Kind::recall) {
        worker->state = Worker::State::ready;
    } else if (worker->jobs > 0) {
        worker->state = Worker::State::leaving;
    } else {
        drop(step.worker);
    }
    return true;
}

void Replay::add(const Step& step) {
    const scale::Group& group = step.group == GroupName::gpu ? setup_.gpu.value() : setup_.general;
    const auto kind = std::find_if(group.kinds.begin(), group.kinds.end(), [&](const auto& one) {
        return one.key == step.key;
    });
    for (int i = 0; i < step.count; ++i) {
        const std::size_t machine = machines_.size();
        const Milliseconds boot = setup_.boots[machine % setup_.boots.size()];
        machines_.push_back({.key = step.key, .asked_at = situation_.now});
        place_[machine] = machine_at_.size();
        machine_at_.push_back(machine);
        situation_.workers.push_back({.name = "w" + std::to_string(machine + 1),
                                      .key = step.key,
                                      .size = kind->size,
                                      .state = Worker::State::coming,
                                      .group = step.group});
        events_.push({situation_.now + boot, Event::Kind::ready, machine});
    }
}

void Replay::drop(const std::string& name) {
    for (std::size_t i = 0; i < situation_.workers.size(); ++i) {
        if (situation_.workers[i].name != name) continue;
        machines_[machine_at_[i]].left_at = situation_.now;
        situation_.workers.erase(situation_.workers.begin() + static_cast<std::ptrdiff_t>(i));
        machine_at_.erase(machine_at_.begin() + static_cast<std::ptrdiff_t>(i));
        note_places();
        return;
    }
}

/// What can never be met does not wait for ever: it is counted and gone.
void Replay::forget_hopeless(const scale::Decision& decision) {
    for (const scale::Unmet& unmet : decision.unmet) {
        if (!unmet.is_hopeless()) continue;
        const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const auto& entry) {
            return entry.second.request.name == unmet.request;
        });
        if (line == lines_.end()) continue;
        const auto count = static_cast<std::int64_t>(line->second.jobs.size());
        never_met_ += count;
        waiting_ -= count;
        lines_.erase(line);
    }
}

}  // namespace

double Outcome::hours() const {
    double sum = 0;
    for (const Use& use : uses) sum += use.hours;
    return sum;
}

Outcome replay(const Trace& trace, const Setup& setup) {
    return Replay(trace, setup).run();
}

}  // namespace hopyard::decide::replay
