#include "node/workload/slurm_jobs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

namespace hopyard::node::workload {
namespace {

/// Between two columns; no word of Slurm's has it.
constexpr char separator = '\x1f';
constexpr std::size_t names_max = 10'000;
constexpr std::int64_t tasks_max = 1'000'000'000;

enum Column {
    id,
    number,
    state,
    reason,
    partition,
    tasks,
    tasks_per_node,
    cpus,
    cpus_per_task,
    cpus_per_node,
    nodes_estimated,
    nodes_max,
    memory,
    resources,
    gpus_per_job,
    gpus_per_node,
    gpus_per_task,
    features,
    required_nodes,
    oversubscribe,
    eligible_at,
    ends_at,
    limit,
    nodes,
    column_count
};
constexpr std::array<std::string_view, column_count> column_words = {
    "JobArrayID", "ArrayJobID",    "State",         "Reason",        "Partition",     "NumTasks",
    "NTPerNode",  "NumCPUs",       "cpus-per-task", "MinCPUs",       "NumNodes",      "MaxNodes",
    "MinMemory",  "tres",          "tres-per-job",  "tres-per-node", "tres-per-task", "Feature",
    "ReqNodes",   "OverSubscribe", "EligibleTime",  "EndTime",       "TimeLimit",     "NodeList"};

std::int64_t number_in(std::string_view text, std::int64_t otherwise = 0) {
    std::int64_t value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

int count_in(std::string_view text, int otherwise) {
    return static_cast<int>(std::clamp<std::int64_t>(number_in(text, otherwise), 0, 1'000'000));
}

std::string word_in(std::string_view text) {
    return text == "(null)" || text == "N/A" ? "" : std::string(text);
}

/// Slurm prints memory with a unit and two decimals: "64M", "2.50G", "0".
double megabytes_in(std::string_view text) {
    double value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const char unit = read.ptr == text.data() + text.size() ? 'M' : *read.ptr;
    const double factor = unit == 'K'   ? 1.0 / 1024
                          : unit == 'G' ? 1024
                          : unit == 'T' ? 1024.0 * 1024
                                        : 1;
    return std::clamp(value * factor, 0.0, 1e12);
}

/// Seconds since the epoch; none for "N/A" and "NONE".
std::optional<Timestamp> time_in(std::string_view text) {
    const auto seconds = number_in(text);
    if (seconds <= 0 || seconds > 1'000'000'000'000) return std::nullopt;
    return Timestamp(Seconds(seconds));
}

/// "1-02:03:04", "2:05:00" or "5:00" in seconds; 0 for words.
std::int64_t seconds_in(std::string_view text) {
    std::int64_t days = 0;
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
        days = number_in(text.substr(0, dash));
        text.remove_prefix(dash + 1);
    }
    std::int64_t seconds = 0;
    while (!text.empty()) {
        const auto part = text.substr(0, text.find(':'));
        if (part.empty() || part.front() < '0' || part.front() > '9') return 0;
        seconds = seconds * 60 + number_in(part);
        text.remove_prefix(std::min(text.size(), part.size() + 1));
    }
    return days * 24 * 3600 + seconds;
}

/// The value of `name` in "cpu=4,mem=600M,node=2".
std::string_view item_of(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const auto item = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), item.size() + 1));
        if (item.size() > name.size() && item[name.size()] == '=' && item.starts_with(name))
            return item.substr(name.size() + 1);
    }
    return {};
}

/// What the table prints is of a core or of a machine; what the whole job takes tells which.
bool is_of_node(const Job& job, double memory, double of_job) {
    return std::abs(of_job - memory * job.nodes_min) < std::abs(of_job - memory * job.cpus);
}

using Cells = std::array<std::string_view, column_count>;

void read_gpus(const Cells& cells, Job& job) {
    const auto read = [&](Column column, std::int64_t& count) {
        const auto asked = gpus_asked(cells[column]);
        count = asked.count;
        if (!asked.type.empty()) job.gpu_type = asked.type;
    };
    read(gpus_per_job, job.gpus_per_job);
    read(gpus_per_node, job.gpus_per_node);
    read(gpus_per_task, job.gpus_per_task);
}

Job job_of(const Cells& cells) {
    Job job{.id = std::string(cells[id]),
            .number = std::string(cells[number]),
            .state = std::string(cells[state]),
            .reason = std::string(cells[reason]),
            .partition = std::string(cells[partition]),
            .features = word_in(cells[features]),
            .required_nodes = word_in(cells[required_nodes]),
            .nodes = word_in(cells[nodes]),
            .tasks = std::max(1, count_in(cells[tasks], 1)),
            .tasks_per_node = count_in(cells[tasks_per_node], 0),
            .cpus = std::max(1, count_in(cells[cpus], 1)),
            .cpus_per_task = std::max(1, count_in(cells[cpus_per_task], 1)),
            .cpus_per_node = std::max(1, count_in(cells[cpus_per_node], 1)),
            .nodes_min = std::max(1, count_in(item_of(cells[resources], "node"), 1)),
            .nodes_estimated = std::max(1, count_in(cells[nodes_estimated], 1)),
            .nodes_max = std::max(1, count_in(cells[nodes_max], 1)),
            .is_exclusive = cells[oversubscribe] == "NO",
            .limit_s = seconds_in(cells[limit]),
            .eligible_at = time_in(cells[eligible_at]),
            .ends_at = time_in(cells[ends_at])};
    const double memory_asked = megabytes_in(cells[memory]);
    job.memory_mb = std::llround(memory_asked);
    job.is_memory_of_node =
        is_of_node(job, memory_asked, megabytes_in(item_of(cells[resources], "mem")));
    read_gpus(cells, job);
    return job;
}

/// Others are of jobs that are held, wait for something else than machines, or can never run.
bool is_demand(std::string_view reason) {
    if (reason.starts_with("ReqNodeNotAvail"))
        return reason.find("Reserved for maintenance") == std::string_view::npos;
    // Partitions are closed for a moment while machines are announced (slurm_plan.h). They have no
    // limit of their own: PartitionNodeLimit is more machines than may come, as it is known now.
    for (const std::string_view word : {"None",
                                        "Priority",
                                        "Resources",
                                        "PartitionConfig",
                                        "PartitionDown",
                                        "PartitionNodeLimit",
                                        "JobArrayTaskLimit"})
        if (reason == word) return true;
    return reason.starts_with("Nodes required for job are DOWN, DRAINED");
}

std::int64_t share(std::int64_t whole, std::int64_t pieces) {
    return (whole + pieces - 1) / pieces;
}

std::vector<std::string> features_of(const Job& job) {
    std::vector<std::string> result;
    // Alternatives and counts cannot be said: then nothing is, and the machine may be any.
    if (job.features.find_first_of("|[*") == std::string::npos) {
        for (std::size_t at = 0; at < job.features.size();) {
            const auto end = std::min(job.features.find_first_of("&,", at), job.features.size());
            if (end > at) result.push_back(job.features.substr(at, end - at));
            at = end + 1;
        }
    }
    const bool named = std::find(result.begin(), result.end(), "gpu") != result.end();
    if (job.partition == "gpu" && !named) result.push_back("gpu");
    return result;
}

/// Into how many pieces, and whether each needs a machine of its own. Tasks of a job without a
/// number of machines may share them; with one, each machine's share of them is a piece. One that
/// wants its machines for itself gets as many as Slurm reckons with, and GPUs that are counted by
/// machine are for all that runs there.
void divide(const Job& job, bool of_one_node, model::Request& request) {
    const bool by_node = job.nodes_min > 1 || of_one_node || job.tasks_per_node > 0 ||
                         job.is_exclusive || job.gpus_per_node > 0 || job.memory_mb == 0;
    if (!by_node) {
        request.pieces = job.tasks;
        return;
    }
    const bool reckoned = job.is_exclusive && !of_one_node;
    int machines = reckoned ? std::max(job.nodes_min, job.nodes_estimated) : job.nodes_min;
    if (job.tasks_per_node > 0)
        machines = std::max<int>(machines, static_cast<int>(share(job.tasks, job.tasks_per_node)));
    request.pieces = machines;
    request.apart = machines > 1;
}

model::Request request_of(const Job& job, bool of_one_node) {
    model::Request request{.name = job.id,
                           .whole_machine = job.is_exclusive || job.memory_mb == 0,
                           .gpu_type = job.gpu_type,
                           .features = features_of(job),
                           .machines = names_in(job.required_nodes),
                           .limit_s = job.limit_s};
    divide(job, of_one_node, request);
    const std::int64_t pieces = request.pieces;
    const std::int64_t tasks_each = share(job.tasks, pieces);
    const bool is_whole_task = !request.apart && pieces == job.tasks && job.tasks > 1;
    model::Resources& each = request.each;
    each.cpus = is_whole_task ? job.cpus_per_task
                              : std::max<std::int64_t>(job.cpus_per_node, share(job.cpus, pieces));
    each.memory_mb = job.is_memory_of_node ? job.memory_mb : job.memory_mb * each.cpus;
    each.gpus = std::max(
        {share(job.gpus_per_job, pieces), job.gpus_per_node, job.gpus_per_task * tasks_each});
    // A machine with GPUs is asked for by name alone: the only ones are those that offer some.
    const auto& features = request.features;
    if (std::find(features.begin(), features.end(), "gpu") != features.end())
        each.gpus = std::max<std::int64_t>(each.gpus, 1);
    return request;
}

/// What tells one request from another but for name, count and since when it waits.
std::string key_of(const model::Request& request) {
    std::string key = fmt::format("{} {} {} {} {} {} {} {}",
                                  request.pieces,
                                  request.apart,
                                  request.each.cpus,
                                  request.each.memory_mb,
                                  request.each.gpus,
                                  request.whole_machine,
                                  request.limit_s,
                                  request.gpu_type);
    for (const auto& feature : request.features) key += " f" + feature;
    for (const auto& machine : request.machines) key += " m" + machine;
    return key;
}

/// Calls back with each "3-5" or "9" of "3-5,9".
template <class Range>
void for_ranges(std::string_view list, Range on_range) {
    while (!list.empty()) {
        const auto item = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), item.size() + 1));
        const auto dash = item.find('-');
        const auto first = item.substr(0, dash);
        const auto last = dash == std::string_view::npos ? first : item.substr(dash + 1);
        on_range(first, last);
    }
}

/// What stands between the brackets of "40_[3-5,9%2]".
std::string_view array_of(const Job& job) {
    const std::string_view text = job.id;
    const auto open = text.find('[');
    if (open == std::string_view::npos) return {};
    return text.substr(open + 1, text.find(']', open) - open - 1);
}

}  // namespace

std::vector<std::string> list_jobs_command() {
    std::string format;
    for (const auto word : column_words)
        format += fmt::format("{}{}:{}", format.empty() ? "" : ",", word, separator);
    return {"/usr/bin/squeue", "--noheader", "--all", "--sort=-p,i", "--Format=" + format};
}

std::vector<std::string> list_jobs_environment() {
    return {"SLURM_TIME_FORMAT=%s", "SLURM_BITSTR_LEN=0"};
}

bool Job::is_placed() const {
    return state == "RUNNING" || state == "SUSPENDED" || state == "CONFIGURING";
}

std::int64_t Job::count() const {
    const auto array = array_of(*this);
    std::int64_t result = 0;
    for_ranges(array.substr(0, array.find('%')), [&](auto first, auto last) {
        // "0-30:5": every fifth.
        const auto colon = last.find(':');
        const auto step =
            colon == std::string_view::npos ? 1 : number_in(last.substr(colon + 1), 1);
        const auto span = number_in(last.substr(0, colon)) - number_in(first);
        result +=
            1 + std::clamp<std::int64_t>(span, 0, tasks_max) / std::max<std::int64_t>(step, 1);
    });
    return std::clamp<std::int64_t>(result, 1, tasks_max);
}

std::optional<std::int64_t> Job::array_limit() const {
    const auto array = array_of(*this);
    const auto percent = array.find('%');
    if (percent == std::string_view::npos) return std::nullopt;
    return number_in(array.substr(percent + 1), 1);
}

bool Job::is_in_doubt() const {
    return is_pending() && tasks > 1 && nodes_min == 1 && nodes_max == 1 && tasks_per_node == 0;
}

Result<std::vector<Job>> parse_jobs(std::string_view table) {
    std::vector<Job> jobs;
    while (!table.empty()) {
        auto line = table.substr(0, table.find('\n'));
        table.remove_prefix(std::min(table.size(), line.size() + 1));
        if (line.empty()) continue;
        Cells cells;
        std::size_t count = 0;
        for (; count < column_count; ++count) {
            const auto end = line.find(separator);
            if (end == std::string_view::npos) break;
            cells[count] = line.substr(0, end);
            line.remove_prefix(end + 1);
        }
        if (count < column_count)
            return fail(ErrorKind::invalid_argument,
                        "workload_not_understood",
                        fmt::format("Slurm's list of jobs has a line of {} columns, and not of {}",
                                    count,
                                    static_cast<int>(column_count)));
        jobs.push_back(job_of(cells));
    }
    return jobs;
}

std::set<std::string> jobs_of_one_node(std::string_view lines) {
    constexpr std::string_view job_key = "JobId=";
    constexpr std::string_view array_key = "ArrayJobId=";
    std::set<std::string> result;
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        if (!line.starts_with(job_key)) continue;
        // A job's name is its user's; what is looked for follows it.
        const auto at = line.rfind(" NumNodes=");
        if (at == std::string_view::npos || !line.substr(at).starts_with(" NumNodes=1-1 "))
            continue;
        const auto job_end = line.find(' ');
        const auto rest = line.substr(job_end + 1);
        const bool is_array = rest.starts_with(array_key);
        const auto word = is_array ? rest.substr(array_key.size()) : line.substr(job_key.size());
        result.emplace(word.substr(0, word.find(' ')));
    }
    return result;
}

model::Demand demand_of(const std::vector<Job>& jobs,
                        const std::set<std::string>& of_one_node,
                        Timestamp now) {
    std::unordered_map<std::string_view, std::int64_t> running;
    for (const Job& job : jobs)
        if (job.is_placed()) ++running[job.number];
    model::Demand demand;
    std::unordered_map<std::string, std::size_t> known;
    for (const Job& job : jobs) {
        if (!job.is_pending() || !is_demand(job.reason)) continue;
        if (!job.eligible_at || *job.eligible_at > now) continue;
        auto count = job.count();
        if (const auto limit = job.array_limit())
            count = std::min(count, std::max<std::int64_t>(0, *limit - running[job.number]));
        if (count == 0) continue;
        auto request = request_of(job, of_one_node.contains(job.number));
        request.count = count;
        request.waiting_since = *job.eligible_at;
        const auto [found, is_new] = known.emplace(key_of(request), demand.requests.size());
        if (!is_new && found->second < demand.requests.size()) {
            demand.requests[found->second].count += count;
        } else if (demand.requests.size() == model::requests_max) {
            demand.cut = true;
        } else {
            demand.requests.push_back(std::move(request));
        }
    }
    return demand;
}

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty() && names.size() < names_max) {
        const auto comma = list.find(',');
        const auto open = list.find('[');
        if (open == std::string_view::npos || comma < open) {
            const auto name = list.substr(0, comma);
            if (!name.empty()) names.emplace_back(name);
            list.remove_prefix(std::min(list.size(), name.size() + 1));
            continue;
        }
        const auto close = std::min(list.find(']', open), list.size());
        const auto prefix = list.substr(0, open);
        const auto after = list.substr(std::min(list.size(), close + 1));
        const auto suffix = after.substr(0, after.find(','));
        for_ranges(list.substr(open + 1, close - open - 1), [&](auto first, auto last) {
            const auto end = number_in(last);
            for (auto at = number_in(first); at <= end && names.size() < names_max; ++at)
                names.push_back(fmt::format("{}{:0{}}{}", prefix, at, first.size(), suffix));
        });
        list = after.substr(std::min(after.size(), suffix.size() + 1));
    }
    return names;
}

Gpus gpus_asked(std::string_view gres) {
    Gpus result;
    while (!gres.empty()) {
        auto item = gres.substr(0, gres.find(','));
        gres.remove_prefix(std::min(gres.size(), item.size() + 1));
        if (item.starts_with("gres:") || item.starts_with("gres/")) item.remove_prefix(5);
        if (item != "gpu" && !item.starts_with("gpu:")) continue;
        item.remove_prefix(std::min<std::size_t>(item.size(), 4));
        const auto last = item.substr(item.rfind(':') + 1);
        const bool counted = !last.empty() && last.front() >= '0' && last.front() <= '9';
        result.count += counted ? number_in(last) : 1;
        const auto type =
            counted ? item.substr(0, item.size() - last.size()) : std::string_view(item);
        if (!type.empty()) result.type = type.substr(0, type.find(':'));
    }
    result.count = std::clamp<std::int64_t>(result.count, 0, 1'000'000);
    return result;
}

}  // namespace hopyard::node::workload
