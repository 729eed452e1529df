#include "node/console/jobs.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "base/log.h"
#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node::console {
namespace {

using nlohmann::json;

/// The queue may have been read before this job came into it.
constexpr Seconds young{10};

constexpr const char* state_words[] = {
    "pending", "running", "completed", "failed", "cancelled", "timed_out", "unknown"};

std::optional<JobState> state_from(std::string_view word) {
    for (int i = 0; i <= static_cast<int>(JobState::unknown); ++i) {
        if (word == state_words[i]) return static_cast<JobState>(i);
    }
    return std::nullopt;
}

JobState state_of(const std::string& slurm) {
    static const std::map<std::string, JobState, std::less<>> states = {
        {"PENDING", JobState::pending},
        {"REQUEUED", JobState::pending},
        {"CONFIGURING", JobState::running},
        {"RUNNING", JobState::running},
        {"COMPLETING", JobState::running},
        {"SUSPENDED", JobState::running},
        {"COMPLETED", JobState::completed},
        {"CANCELLED", JobState::cancelled},
        {"TIMEOUT", JobState::timed_out},
        {"DEADLINE", JobState::timed_out},
        {"FAILED", JobState::failed},
        {"NODE_FAIL", JobState::failed},
        {"BOOT_FAIL", JobState::failed},
        {"OUT_OF_MEMORY", JobState::failed},
        {"PREEMPTED", JobState::cancelled}};
    const auto found = states.find(slurm);
    return found == states.end() ? JobState::unknown : found->second;
}

/// 22.05 prints plain numbers; later versions wrap them: {"set": true, "number": 5}.
std::int64_t number(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return 0;
    const json& value = found->is_object() ? found->value("number", json(0)) : *found;
    return value.is_number() ? value.get<std::int64_t>() : 0;
}

std::string text(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<Timestamp> time_of(const json& object, const char* name) {
    const auto seconds = number(object, name);
    if (seconds <= 0) return std::nullopt;
    return Timestamp(Seconds(seconds));
}

Job job_of(const json& object) {
    Job job{.id = number(object, "job_id"),
            .user = text(object, "user_name"),
            .name = text(object, "name"),
            .state = state_of(text(object, "job_state")),
            .nodes = static_cast<int>(number(object, "node_count")),
            .on = text(object, "nodes"),
            .submitted_at = time_of(object, "submit_time").value_or(Timestamp{})};
    if (job.state == JobState::pending) {
        if (const auto reason = text(object, "state_reason"); reason != "None") job.reason = reason;
        return job;
    }
    job.started_at = time_of(object, "start_time");
    if (!has_ended(job.state)) return job;
    job.ended_at = time_of(object, "end_time");
    // As wait(2) says it: the code in the second byte, a signal in the first.
    const auto status = number(object, "exit_code");
    const auto signal = static_cast<int>(status & 0x7f);
    job.exit_code = signal != 0 ? 128 + signal : static_cast<int>((status >> 8) & 0xff);
    return job;
}

json to_json(const JobBook::Entry& entry) {
    const auto& job = entry.job;
    return {{"id", job.id},
            {"user", job.user},
            {"name", job.name},
            {"state", to_string(job.state)},
            {"nodes", job.nodes},
            {"on", job.on},
            {"exit_code", job.exit_code ? json(*job.exit_code) : json(nullptr)},
            {"submitted_at", to_field(job.submitted_at)},
            {"started_at", to_field(job.started_at)},
            {"ended_at", to_field(job.ended_at)},
            {"command", job.command},
            {"token", entry.token}};
}

std::optional<JobBook::Entry> entry_from(const json& object) {
    JobBook::Entry entry;
    auto& job = entry.job;
    Fields fields(object);
    fields.get("id", job.id)
        .get("user", job.user)
        .get("name", job.name)
        .word("state", job.state, state_from)
        .get("nodes", job.nodes)
        .get("on", job.on)
        .get("exit_code", job.exit_code)
        .get("submitted_at", job.submitted_at)
        .get("started_at", job.started_at)
        .get("ended_at", job.ended_at)
        .get("command", job.command)
        .get("token", entry.token);
    job.ours = true;
    if (!fields.good() || entry.token.empty()) return std::nullopt;
    return entry;
}

}  // namespace

std::string_view to_string(JobState state) {
    return state_words[static_cast<int>(state)];
}

bool has_ended(JobState state) {
    return state != JobState::pending && state != JobState::running;
}

Result<std::vector<Job>> parse_jobs(std::string_view text_of_queue) {
    const auto parsed = json::parse(text_of_queue, nullptr, false);
    const auto list = parsed.is_object() ? parsed.find("jobs") : parsed.end();
    if (!parsed.is_object() || list == parsed.end() || !list->is_array()) {
        return fail(ErrorKind::unavailable, "queue_not_understood", "the queue is not readable");
    }
    std::vector<Job> result;
    for (const auto& each : *list) {
        if (each.is_object()) result.push_back(job_of(each));
    }
    return result;
}

std::string shell_quote(std::string_view raw) {
    std::string result = "'";
    for (const char c : raw) {
        if (c == '\'') {
            result += "'\\''";
        } else {
            result += c;
        }
    }
    return result + "'";
}

std::string batch_script(const Submission& submission,
                         const std::string& output_file,
                         const std::string& fallback_file) {
    const auto slash = output_file.rfind('/');
    const auto run = "bash -c " + shell_quote(submission.command);
    const bool everywhere = submission.runs == Submission::Runs::on_every_node;
    return fmt::format(
        "#!/bin/bash\n"
        "mkdir -p {0} && : >{1} && exec >{1} 2>&1 || exec >{2} 2>&1\n"
        "exec {3}{4}\n",
        shell_quote(output_file.substr(0, slash)),
        shell_quote(output_file),
        shell_quote(fallback_file),
        everywhere ? "srun --ntasks-per-node=1 " : "",
        run);
}

JobBook::JobBook(std::string path, std::size_t most) : path_(std::move(path)), most_(most) {
    const auto parsed = json::parse(read_file(path_).value_or(""), nullptr, false);
    if (!parsed.is_array()) return;
    for (const auto& each : parsed) {
        if (auto entry = entry_from(each)) entries_[entry->job.id] = std::move(*entry);
    }
}

void JobBook::add(Entry entry) {
    const std::lock_guard lock(mutex_);
    entry.job.ours = true;
    entries_[entry.job.id] = std::move(entry);
    while (entries_.size() > most_) entries_.erase(entries_.begin());
    keep_locked();
}

std::optional<JobBook::Entry> JobBook::find(std::int64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    return found->second;
}

std::vector<Job> JobBook::merge(std::vector<Job> of_queue, Timestamp now) {
    const std::lock_guard lock(mutex_);
    std::map<std::int64_t, Job> all;
    for (auto& job : of_queue) all[job.id] = std::move(job);
    bool news = false;
    for (auto& [id, entry] : entries_) {
        const auto found = all.find(id);
        auto fresh = entry.job;
        if (found != all.end() && found->second.user == entry.job.user) {
            fresh = found->second;
            fresh.ours = true;
            fresh.command = entry.job.command;
        } else if (!has_ended(fresh.state) && now > fresh.submitted_at + young) {
            fresh.state = JobState::unknown;
            fresh.ended_at = now;
        }
        news = news || fresh.state != entry.job.state || fresh.on != entry.job.on;
        entry.job = fresh;
        all[id] = std::move(fresh);
    }
    if (news) keep_locked();
    std::vector<Job> result;
    for (auto each = all.rbegin(); each != all.rend(); ++each) {
        result.push_back(std::move(each->second));
    }
    return result;
}

void JobBook::keep_locked() {
    auto list = json::array();
    for (const auto& [id, entry] : entries_) list.push_back(to_json(entry));
    if (auto kept = system::write_file(path_, to_text(list), {.mode = 0600}); !kept) {
        log::warning("the book of submitted jobs is not kept", {{"why", kept.error().message}});
    }
}

}  // namespace hopyard::node::console
