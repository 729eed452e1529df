#include "simulation/slurm_model.h"

#include <algorithm>

namespace hopyard::simulation {

using State = nodewire::Member::State;

namespace {

constexpr Milliseconds slurmd_timeout = Seconds(120);
/// A job that was requeued waits that long (cred_expire).
constexpr Milliseconds requeue_delay = Seconds(5);

}  // namespace

SlurmModel::SlurmModel(Queue& queue, std::function<void()> changed)
    : queue_(queue), changed_(std::move(changed)) {}

SlurmModel::~SlurmModel() {
    *alive_ = false;
}

void SlurmModel::set_running(bool running) {
    running_ = running;
    if (running) schedule();
}

void SlurmModel::apply(const std::vector<nodewire::Member>& members) {
    std::set<std::string> named;
    for (const nodewire::Member& member : members) {
        if (member.is_head || member.state == State::removed) continue;
        named.insert(member.name);
        Node& node = nodes_[member.name];
        node.cpus = member.vcpus;
        node.drain = member.state == State::draining ? member.drain : -1;
        const State before = std::exchange(node.state, member.state);
        if (member.state == State::absent && before != State::absent) {
            node.down = true;
            requeue_on(member.name);
        }
        if (before == State::absent && member.state != State::absent && node.responding)
            node.down = false;
    }
    for (auto node = nodes_.begin(); node != nodes_.end();) {
        if (named.contains(node->first)) {
            ++node;
        } else {
            requeue_on(node->first);
            node = nodes_.erase(node);
        }
    }
    schedule();
    changed_();
}

void SlurmModel::answers(const std::string& name, const std::string& boot_id) {
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) return;
    Node& node = found->second;
    if (node.responding && node.boot_id == boot_id) return;
    if (node.boot_id != boot_id) requeue_on(name);
    node.boot_id = boot_id;
    node.registered = node.responding = true;
    if (node.state != State::absent) node.down = false;
    schedule();
    changed_();
}

void SlurmModel::falls_silent(const std::string& name) {
    const auto found = nodes_.find(name);
    if (found == nodes_.end() || !found->second.responding) return;
    found->second.responding = false;
    const std::uint64_t silence = ++found->second.silence;
    changed_();
    queue_.after(slurmd_timeout, [this, alive = alive_, name, silence] {
        if (!*alive) return;
        const auto node = nodes_.find(name);
        if (node == nodes_.end() || node->second.responding || node->second.silence != silence)
            return;
        node->second.down = true;
        requeue_on(name);
        changed_();
    });
}

void SlurmModel::submit(JobShape shape) {
    jobs_[next_job_++] = {.shape = shape, .submitted_at = queue_.now()};
    schedule();
    changed_();
}

int SlurmModel::allocated_cpus(const std::string& name) const {
    int cpus = 0;
    for (const auto& [id, job] : jobs_)
        if (job.on.contains(name)) cpus += job.shape.cpus_each;
    return cpus;
}

bool SlurmModel::is_free(const std::string& name, const Node& node, int cpus) const {
    const bool takes = node.state == State::member || node.state == State::expected;
    return takes && node.responding && !node.down && allocated_cpus(name) + cpus <= node.cpus;
}

bool SlurmModel::place(Job& job) {
    std::set<std::string> chosen;
    for (const auto& [name, node] : nodes_) {
        if (static_cast<int>(chosen.size()) == job.shape.nodes) break;
        if (is_free(name, node, job.shape.cpus_each)) chosen.insert(name);
    }
    if (static_cast<int>(chosen.size()) < job.shape.nodes) return false;
    job.on = std::move(chosen);
    ++job.run;
    return true;
}

void SlurmModel::schedule() {
    if (!running_) return;
    for (auto& [id, job] : jobs_) {
        if (!job.on.empty() || job.not_before > queue_.now() || !place(job)) continue;
        queue_.after(job.shape.runs_for, [this, alive = alive_, job_id = id, run = job.run] {
            if (*alive) finish(job_id, run);
        });
    }
}

void SlurmModel::finish(int id, std::uint64_t run) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second.run != run || found->second.on.empty()) return;
    jobs_.erase(found);
    ++finished_;
    schedule();
    changed_();
}

void SlurmModel::requeue_on(const std::string& name) {
    bool any = false;
    for (auto& [id, job] : jobs_) {
        if (!job.on.contains(name)) continue;
        job.on.clear();
        job.not_before = queue_.now() + requeue_delay;
        any = true;
    }
    if (!any) return;
    queue_.after(requeue_delay, [this, alive = alive_] {
        if (!*alive) return;
        schedule();
        changed_();
    });
}

std::vector<nodewire::WorkloadNode> SlurmModel::report() const {
    std::vector<nodewire::WorkloadNode> out;
    for (const auto& [name, node] : nodes_) {
        const int cpus = allocated_cpus(name);
        const int jobs = jobs_on(name);
        const bool draining = node.state == State::draining;
        out.push_back({.name = name,
                       .state = node.down          ? "down"
                                : cpus == 0        ? "idle"
                                : cpus < node.cpus ? "mixed"
                                                   : "allocated",
                       .drained = draining && jobs == 0,
                       .draining = draining && jobs > 0,
                       .drain = node.drain,
                       .responding = node.responding,
                       .jobs = jobs,
                       .allocated = {.cpus = cpus}});
    }
    return out;
}

model::Demand SlurmModel::demand() const {
    model::Demand demand;
    std::map<std::pair<int, int>, std::size_t> known;
    for (const auto& [id, job] : jobs_) {
        if (!job.on.empty() || job.not_before > queue_.now()) continue;
        const auto [found, is_new] =
            known.emplace(std::pair(job.shape.nodes, job.shape.cpus_each), demand.requests.size());
        if (is_new)
            demand.requests.push_back(
                {.name = std::to_string(id),
                 .count = 0,
                 .pieces = job.shape.nodes,
                 .apart = job.shape.nodes > 1,
                 .each = {.cpus = job.shape.cpus_each},
                 .waiting_since = std::max(job.submitted_at, job.not_before)});
        ++demand.requests[found->second].count;
    }
    return demand;
}

std::vector<SlurmModel::JobShape> SlurmModel::waiting() const {
    std::vector<JobShape> shapes;
    for (const auto& [id, job] : jobs_)
        if (job.on.empty()) shapes.push_back(job.shape);
    return shapes;
}

int SlurmModel::running_jobs() const {
    return static_cast<int>(std::count_if(
        jobs_.begin(), jobs_.end(), [](const auto& entry) { return !entry.second.on.empty(); }));
}

int SlurmModel::pending_jobs() const {
    return static_cast<int>(jobs_.size()) - running_jobs();
}

int SlurmModel::jobs_on(const std::string& name) const {
    return static_cast<int>(std::count_if(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
        return entry.second.on.contains(name);
    }));
}

bool SlurmModel::takes_work(const std::string& name) const {
    const auto found = nodes_.find(name);
    return found != nodes_.end() && !found->second.down && found->second.responding &&
           found->second.state == State::member;
}

std::vector<std::string> SlurmModel::nodes() const {
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_) names.push_back(name);
    return names;
}

}  // namespace hopyard::simulation
