// The rules of `standard` written down once more, as plainly as can be and in no hurry, and
// compared with the real thing action by action over random situations.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "decide/scale/record.h"
#include "decide/scale/test_situation.h"

namespace hopyard::decide::scale::test {
namespace {

/// What is to be done, without words.
struct Acts {
    std::set<std::string> recalled;
    std::set<std::string> removed;
    std::map<std::string, int> added;  ///< by instance type
    std::set<std::string> unmet;
    bool operator==(const Acts&) const = default;
};

void PrintTo(const Acts& acts, std::ostream* out) {
    *out << "recall";
    for (const auto& name : acts.recalled) *out << " " << name;
    *out << "; add";
    for (const auto& [type, count] : acts.added) *out << " " << count << "x" << type;
    *out << "; remove";
    for (const auto& name : acts.removed) *out << " " << name;
    *out << "; unmet";
    for (const auto& name : acts.unmet) *out << " " << name;
}

struct Machine {
    std::string name;  ///< empty: a new one
    std::string type;
    Resources size;
    Resources room;
    State state = State::ready;
    std::optional<GroupName> group;
    bool stays = true;  ///< false: leaving and not called back
    int packed = 0;
    bool is_let_go = false;
};

class Reference {
  public:
    explicit Reference(const Situation& s) : s_(s) {}

    Acts decide() {
        for (const Worker& w : s_.workers) {
            if (w.group) ++present_[*w.group];
            if (w.state == State::gone || !w.takes_work) {
                if (w.group && w.state != State::gone && w.state != State::leaving)
                    ++others_[*w.group];
                continue;
            }
            machines_.push_back({w.name,
                                 w.key.instance_type,
                                 w.size,
                                 w.size - w.used,
                                 w.state,
                                 w.group,
                                 w.state != State::leaving});
        }
        std::sort(machines_.begin(), machines_.end(), [](const Machine& a, const Machine& b) {
            return std::tuple(a.state, a.room.gpus, a.room.cpus, a.room.memory_mb, a.name) <
                   std::tuple(b.state, b.room.gpus, b.room.cpus, b.room.memory_mb, b.name);
        });
        if (s_.gpu) roll_over(GroupName::gpu);
        roll_over(GroupName::general);
        if (s_.gpu) leave_beyond_maximum(GroupName::gpu);
        leave_beyond_maximum(GroupName::general);
        std::vector<std::size_t> order(s_.requests.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return share(s_.requests[a]) > share(s_.requests[b]);
        });
        for (const std::size_t i : order) place(s_.requests[i]);
        if (s_.gpu) grow(GroupName::gpu);
        grow(GroupName::general);
        if (s_.gpu) shrink(GroupName::gpu);
        shrink(GroupName::general);
        for (const Machine& m : machines_) {
            if (m.name.empty()) ++acts_.added[m.type];
            if (!m.name.empty() && m.state == State::leaving && m.stays)
                acts_.recalled.insert(m.name);
        }
        return acts_;
    }

  private:
    const Group* group(GroupName name) const {
        return name == GroupName::general ? &s_.general : s_.gpu ? &*s_.gpu : nullptr;
    }
    const Worker* worker(const std::string& name) const {
        for (const Worker& w : s_.workers)
            if (w.name == name) return &w;
        return nullptr;
    }
    double share(const Request& r) const {
        Resources largest{1, 1, 1};
        const auto widen = [&](const Resources& size) {
            largest.cpus = std::max(largest.cpus, size.cpus);
            largest.memory_mb = std::max(largest.memory_mb, size.memory_mb);
            largest.gpus = std::max(largest.gpus, size.gpus);
        };
        for (const Worker& w : s_.workers) widen(w.size);
        for (const Kind& k : s_.general.kinds) widen(k.size);
        if (s_.gpu)
            for (const Kind& k : s_.gpu->kinds) widen(k.size);
        const double part = std::max({double(r.each.cpus) / double(largest.cpus),
                                      double(r.each.memory_mb) / double(largest.memory_mb),
                                      double(r.each.gpus) / double(largest.gpus)});
        return r.each.gpus > 0 ? 1 + part : part;
    }
    int staying(GroupName name) const {
        int count = others_.contains(name) ? others_.at(name) : 0;
        for (const Machine& m : machines_) count += m.group == name && m.stays;
        return count;
    }

    bool piece(const Request& r, std::size_t from, std::size_t& at) {
        for (at = from; at < machines_.size(); ++at) {
            Machine& m = machines_[at];
            if (m.is_let_go || !r.each.fits_in(m.room)) continue;
            if (!m.stays && rolls(m)) continue;
            if (!m.stays && staying(*m.group) >= group(*m.group)->policy.max_workers) continue;
            m.stays = true;
            ++m.packed;
            m.room -= r.each;
            return true;
        }
        const GroupName name = r.each.gpus > 0 ? GroupName::gpu : GroupName::general;
        const Group* of = group(name);
        if (of == nullptr || present_[name] >= of->policy.max_workers) return false;
        for (const Kind& kind : of->kinds) {
            if (!r.each.fits_in(kind.size)) continue;
            if (kind.rests_until && *kind.rests_until > s_.now) continue;
            ++present_[name];
            machines_.push_back({"",
                                 kind.key.instance_type,
                                 kind.size,
                                 kind.size - r.each,
                                 State::ready,
                                 name,
                                 true,
                                 1});
            at = machines_.size() - 1;
            return true;
        }
        return false;
    }

    void place(const Request& r) {
        for (std::int64_t i = 0; i < r.count; ++i) {
            const auto machines = machines_;
            const auto present = present_;
            std::size_t at = 0;
            bool all = true;
            for (int p = 0; p < r.pieces && all; ++p) {
                all = piece(r, at, at);
                if (r.apart) ++at;
            }
            if (all) {
                pending_ = true;
                continue;
            }
            machines_ = machines;
            present_ = present;
            acts_.unmet.insert(r.name);
            pending_ |= !hopeless(r);
            return;
        }
    }
    bool hopeless(const Request& r) const {
        const GroupName name = r.each.gpus > 0 ? GroupName::gpu : GroupName::general;
        const auto on = [&](const Resources& size) {
            Resources room = size;
            std::int64_t n = 0;
            while (n < (r.apart ? 1 : r.pieces) && r.each.fits_in(room)) {
                room -= r.each;
                ++n;
            }
            return n;
        };
        std::int64_t best = 0;
        std::int64_t fresh = 0;
        for (const Worker& w : s_.workers)
            if (w.group != name && w.state != State::gone) best += on(w.size);
        const Group* of = group(name);
        if (of != nullptr)
            for (const Kind& k : of->kinds) fresh = std::max(fresh, on(k.size));
        return best + fresh * (of == nullptr ? 0 : of->policy.max_workers) < r.pieces;
    }

    bool enough(GroupName name, const Machine* without) const {
        Resources free;
        for (const Machine& m : machines_)
            if (m.stays && &m != without && (name == GroupName::general || m.size.gpus > 0))
                free += m.room;
        const auto& policy = group(name)->policy;
        const Resources one = group(name)->kinds.front().size;
        const double s = policy.standby_workers;
        return double(free.cpus) >= s * double(one.cpus) &&
               double(free.memory_mb) >= s * double(one.memory_mb) &&
               double(free.gpus) >= s * double(one.gpus);
    }
    bool standby_holds(GroupName name) const {
        const bool used = std::any_of(
            s_.workers.begin(), s_.workers.end(), [](const Worker& w) { return !w.is_idle(); });
        return group(name)->policy.min_workers > 0 || used || pending_;
    }
    bool one_more(GroupName name) {
        const auto& policy = group(name)->policy;
        if (staying(name) >= policy.max_workers) return false;
        for (Machine& m : machines_)
            if (m.group == name && !m.stays && !m.is_let_go && !rolls(m)) return m.stays = true;
        if (present_[name] >= policy.max_workers) return false;
        for (const Kind& kind : group(name)->kinds) {
            if (kind.rests_until && *kind.rests_until > s_.now) continue;
            ++present_[name];
            machines_.push_back(
                {"", kind.key.instance_type, kind.size, kind.size, State::ready, name});
            return true;
        }
        return false;
    }
    void grow(GroupName name) {
        const auto& policy = group(name)->policy;
        while (staying(name) - old(name) < policy.min_workers && one_more(name)) {
        }
        while (standby_holds(name) && !enough(name, nullptr) && one_more(name)) {
        }
        recall_the_used(name);
    }
    void recall_the_used(GroupName name) {
        for (Machine& m : machines_)
            if (m.group == name && !m.stays && !m.is_let_go && !worker(m.name)->is_idle() &&
                !rolls(m) && staying(name) < group(name)->policy.max_workers)
                m.stays = true;
    }
    void let_go(Machine& m) {
        m.stays = false;
        m.is_let_go = true;
        acts_.removed.insert(m.name);
    }
    /// Outdated, and its group can have a new one.
    bool rolls(const Machine& m) const {
        const Worker* w = worker(m.name);
        if (w == nullptr || !w->group || !w->is_outdated || w->is_protected) return false;
        for (const Kind& kind : group(*w->group)->kinds)
            if (!kind.rests_until || *kind.rests_until <= s_.now) return true;
        return false;
    }
    int ready(GroupName name) const {
        int count = 0;
        for (const Machine& m : machines_)
            count += m.group == name && m.stays && !m.name.empty() &&
                     worker(m.name)->state == State::ready;
        return count;
    }
    int old(GroupName name) const {
        int count = 0;
        for (const Machine& m : machines_) count += m.group == name && m.stays && rolls(m);
        return count;
    }
    /// The worker that stays and that nobody would miss most: the least disturbed of the group.
    template <class Good>
    Machine* least_disturbed(GroupName name, Good good) {
        Machine* least = nullptr;
        const auto cost = [&](const Machine& m) {
            const Worker& w = *worker(m.name);
            return std::tuple(!w.is_idle(),
                              w.state != State::coming,
                              w.jobs,
                              w.used.cpus,
                              w.idle_since.value_or(s_.now));
        };
        for (Machine& m : machines_)
            if (m.group == name && m.stays && worker(m.name)->state != State::leaving && good(m) &&
                (least == nullptr || cost(m) < cost(*least)))
                least = &m;
        return least;
    }
    void leave_beyond_maximum(GroupName name) {
        while (staying(name) > group(name)->policy.max_workers) {
            Machine* least = least_disturbed(
                name, [&](const Machine& m) { return !worker(m.name)->is_protected; });
            if (least == nullptr) break;
            let_go(*least);
        }
    }
    /// Old ones go while enough ready ones are left for the minimum: new ones, and old ones that
    /// nobody may take. One more goes where nothing else can ever change.
    void roll_over(GroupName name) {
        const auto& policy = group(name)->policy;
        const int full = old(name);
        int ready = full;
        bool moves = present_[name] < policy.max_workers;
        for (const Worker& w : s_.workers) {
            const bool is_old =
                std::any_of(machines_.begin(), machines_.end(), [&](const Machine& m) {
                    return m.name == w.name && m.stays && rolls(m);
                });
            ready += w.group == name && w.state == State::ready && !is_old;
            moves |= w.group == name && w.state != State::ready;
        }
        while (Machine* m = least_disturbed(name, [&](const Machine& m) { return rolls(m); })) {
            const bool makes_room = !moves && old(name) == full && ready == policy.min_workers;
            if (ready <= policy.min_workers && !makes_room) break;
            --ready;
            let_go(*m);
        }
    }
    void shrink(GroupName name) {
        const auto& policy = group(name)->policy;
        std::vector<Machine*> idle;
        for (Machine& m : machines_) {
            if (m.group != name || !m.stays || m.name.empty() || m.packed > 0 || rolls(m)) continue;
            const Worker& w = *worker(m.name);
            if (w.state == State::ready && w.is_idle() && w.idle_since && !w.is_protected &&
                std::min(*w.idle_since, s_.now) + Seconds(policy.downscale_wait_s) <= s_.now)
                idle.push_back(&m);
        }
        std::sort(idle.begin(), idle.end(), [&](const Machine* a, const Machine* b) {
            return std::tuple(*worker(a->name)->idle_since, b->name) <
                   std::tuple(*worker(b->name)->idle_since, a->name);
        });
        for (Machine* m : idle)
            if (ready(name) > policy.min_workers && (!standby_holds(name) || enough(name, m)))
                let_go(*m);
        recall_the_used(name);
    }

    const Situation& s_;
    std::vector<Machine> machines_;
    std::map<GroupName, int> present_;
    std::map<GroupName, int> others_;  ///< that stay and take no work
    bool pending_ = false;
    Acts acts_;
};

Acts acts_of(const Decision& decision) {
    Acts acts;
    for (const Step& step : decision.steps) {
        if (step.kind == Step::Kind::recall) acts.recalled.insert(step.worker);
        if (step.kind == Step::Kind::remove) acts.removed.insert(step.worker);
        if (step.kind == Step::Kind::add) acts.added[step.key.instance_type] += step.count;
    }
    for (const Unmet& unmet : decision.unmet) acts.unmet.insert(unmet.request);
    return acts;
}

class Dice {
  public:
    explicit Dice(unsigned seed) : engine_(seed) {}
    int operator()(int from, int to) {
        return std::uniform_int_distribution<int>(from, to)(engine_);
    }
    template <class T>
    T one_of(std::initializer_list<T> list) {
        return *(list.begin() + (*this)(0, static_cast<int>(list.size()) - 1));
    }

  private:
    std::mt19937 engine_;
};

Worker any_worker(Dice& dice, int index, bool has_gpu_group) {
    Worker w = idle("w" + std::to_string(index), dice.one_of({0, 10, 299, 300, 301, 900}));
    const bool gpu = has_gpu_group && dice(0, 3) == 0;
    if (gpu) w = gpu_worker(w);
    w.state = dice.one_of(
        {State::ready, State::ready, State::ready, State::coming, State::leaving, State::gone});
    if (w.state == State::coming) w.idle_since.reset();
    if (w.state != State::coming && dice(0, 1) == 0) {
        w.used = {.cpus = dice(0, 4), .memory_mb = dice.one_of({0, 1024, 16'384})};
        if (gpu) w.used.gpus = dice(0, 2);
        w.jobs = dice(0, 2);
        if (!w.is_idle()) w.idle_since.reset();
    }
    if (dice(0, 7) == 0) w.group.reset();
    if (!w.group && w.state != State::ready) w.state = State::ready;
    if (dice(0, 4) == 0) w = outdated(w);
    w.is_protected = dice(0, 9) == 0;
    w.takes_work = dice(0, 9) != 0;
    return w;
}

Request any_request(Dice& dice, int index) {
    Request r = job(std::to_string(index),
                    dice.one_of({1, 1, 2, 3, 4, 4, 8, 9}),
                    dice.one_of({0, 0, 0, 0, 1, 2, 3}));
    r.each.memory_mb = dice.one_of({100, 1024, 9000, 16'384, 20'000});
    r.count = dice.one_of({1, 1, 2, 5});
    if (dice(0, 3) == 0) {
        r.pieces = dice(2, 4);
        r.apart = dice(0, 1) == 0;
    }
    return r;
}

Situation any_situation(unsigned seed) {
    Dice dice(seed);
    const int min = dice(0, 2);
    Situation s = situation(min, min + dice(0, 5), dice.one_of({0.0, 0.25, 0.5, 1.0, 1.5}));
    if (dice(0, 1) == 0)
        s = with_gpu_group(s, dice(0, 1), dice(1, 3), dice.one_of({0.0, 0.5, 1.0}));
    if (dice(0, 2) == 0) {
        s.general.kinds.push_back(
            {.key = {.instance_type = "large"}, .size = {.cpus = 16, .memory_mb = 65'536}});
        if (dice(0, 1) == 0) s.general.kinds[0].rests_until = at_second(dice(-5, 50));
        if (dice(0, 3) == 0) s.general.kinds[1].rests_until = at_second(dice(-5, 50));
    }
    const int workers = dice(0, 7);
    for (int i = 1; i <= workers; ++i) s.workers.push_back(any_worker(dice, i, s.gpu.has_value()));
    const int requests = dice(0, 5);
    for (int i = 1; i <= requests; ++i) s.requests.push_back(any_request(dice, i));
    return s;
}

TEST(ScaleReference, every_action_is_that_of_the_plain_rules) {
    std::size_t with_steps = 0;
    for (unsigned seed = 0; seed < 40'000; ++seed) {
        const Situation s = any_situation(seed);
        const Decision decision = decide(s);
        with_steps += !decision.steps.empty();
        ASSERT_EQ(acts_of(decision), Reference(s).decide()) << "seed " << seed << " " << to_json(s);
    }
    EXPECT_GT(with_steps, 20'000u) << "situations that ask for nothing show nothing";
}

}  // namespace
}  // namespace hopyard::decide::scale::test
