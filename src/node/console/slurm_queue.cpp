#include "node/console/slurm_queue.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

namespace hopyard::node::console {
namespace {

constexpr Milliseconds command_time{20'000};
/// A call into the container's mount may hang for minutes when nobody answers.
constexpr Milliseconds read_time{5'000};
constexpr int nodes_most = 1024;

struct UnixUser {
    system::Account account;
    std::string home;
    std::string shell;
};

std::optional<UnixUser> find_unix_user(const std::string& name) {
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(name.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    gid_t groups[256];
    int count = 256;
    getgrouplist(name.c_str(), entry.pw_gid, groups, &count);
    return UnixUser{.account = {.uid = entry.pw_uid,
                                .gid = entry.pw_gid,
                                .groups = {groups, groups + std::min(count, 256)}},
                    .home = entry.pw_dir,
                    .shell = entry.pw_shell};
}

std::string name_of(const std::string& command) {
    std::string result;
    for (const char c : command.substr(0, command.find('\n'))) {
        const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                           c == '.' || c == '/';
        if (!plain || result.size() >= 32) break;
        result += c;
    }
    const auto slash = result.rfind('/');
    if (slash != result.npos) result.erase(0, slash + 1);
    return result.empty() || result.front() == '-' ? "command" : result;
}

Result<void> check(const Submission& submission) {
    const auto& command = submission.command;
    if (command.find_first_not_of(" \t\r\n") == command.npos) {
        return refuse("/command", "command_empty", "a command is needed", "Type one.");
    }
    if (command.size() > command_max || command.find('\0') != command.npos) {
        return refuse("/command",
                      "command_malformed",
                      fmt::format("a command has at most {} bytes, none of them zero", command_max),
                      "Put it into a script in /data and run that.");
    }
    if (submission.nodes < 1 || submission.nodes > nodes_most) {
        return refuse("/nodes",
                      "nodes_out_of_range",
                      fmt::format("a job runs on 1 to {} nodes", nodes_most),
                      "Choose a number in that range.");
    }
    return {};
}

}  // namespace

SlurmQueue::SlurmQueue(Parts parts, Options options)
    : parts_(std::move(parts)), options_(std::move(options)), book_(options_.book) {}

Result<std::vector<Job>> SlurmQueue::jobs() {
    auto text = parts_.processes.output_of(
        {.arguments = {options_.programs + "/squeue", "--states=all", "--json"},
         .output_max = 64u << 20},
        command_time);
    if (!text) return with_context("the queue does not answer", std::move(text).error());
    ASSIGN_OR_RETURN(auto jobs, parse_jobs(*text));
    return book_.merge(std::move(jobs), parts_.clock.now());
}

Result<system::Command> SlurmQueue::as_user(const std::string& name,
                                            std::vector<std::string> arguments) const {
    const auto orders = parts_.board.orders();
    const bool known = orders && std::any_of(orders->users.begin(),
                                             orders->users.end(),
                                             [&](const auto& user) { return user.name == name; });
    const auto user = known ? find_unix_user(name) : std::nullopt;
    // An account of root's number would be root: no order makes one, and none may come in here.
    if (!user || user->account.uid == 0) {
        return fail(ErrorKind::unavailable,
                    "account_not_there",
                    fmt::format("this machine has no account {} yet", name));
    }
    return system::Command{.arguments = std::move(arguments),
                           .environment = {"HOME=" + user->home,
                                           "USER=" + name,
                                           "LOGNAME=" + name,
                                           "SHELL=" + user->shell},
                           .account = user->account,
                           .directory = user->home,
                           .output_max = output_max};
}

std::string SlurmQueue::output_file(const std::string& token) const {
    return fmt::format("{}/{}.out", options_.outputs, token);
}

Result<std::int64_t> SlurmQueue::submit(const Submission& submission) {
    RETURN_IF_ERROR(check(submission));
    const auto token = random_word(parts_.random, 24);
    ASSIGN_OR_RETURN(auto command,
                     as_user(submission.user,
                             {options_.programs + "/sbatch",
                              "--parsable",
                              fmt::format("--nodes={}", submission.nodes),
                              "--job-name=" + name_of(submission.command),
                              "--output=/dev/null"}));
    const auto fallback = fmt::format("{}/hopyard-{}.out", command.directory, token);
    command.input = batch_script(submission, output_file(token), fallback);
    ASSIGN_OR_RETURN(const auto finished, parts_.processes.finish(command, command_time));
    if (finished.exit_code != 0) {
        auto said = finished.errors.empty() ? finished.output : finished.errors;
        while (!said.empty() && said.back() == '\n') said.pop_back();
        return refuse("/command",
                      "job_refused",
                      "the queue refuses the job: " + said.substr(0, 500),
                      "Ask for less, or add workers that have it.");
    }
    std::int64_t id = 0;
    const auto& text = finished.output;
    if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc{}) {
        return fail(ErrorKind::internal, "job_number_missing", "sbatch named no job: " + text);
    }
    book_.add({.job = {.id = id,
                       .user = submission.user,
                       .name = name_of(submission.command),
                       .state = JobState::pending,
                       .nodes = submission.nodes,
                       .submitted_at = parts_.clock.now(),
                       .command = submission.command},
               .token = token});
    return id;
}

Result<Output> SlurmQueue::output(const Job& job) {
    const auto entry = book_.find(job.id);
    if (!entry) {
        return fail(ErrorKind::not_found,
                    "output_elsewhere",
                    "this job was not submitted here; its output is where its user sent it");
    }
    if (!has_ended(job.state)) {
        return Output{.note = job.state == JobState::pending
                                  ? "The job waits for its turn."
                                  : "The job runs; its output is shown when it is done."};
    }
    if (parts_.refresh_container) parts_.refresh_container();
    ASSIGN_OR_RETURN(const auto command,
                     as_user(entry->job.user,
                             {options_.programs + "/tail",
                              "--bytes",
                              std::to_string(output_max),
                              "--",
                              output_file(entry->token)}));
    const auto finished = parts_.processes.finish(command, read_time);
    if (finished && finished->exit_code == 0) {
        return Output{.complete = true, .text = finished->output};
    }
    const auto ended_at = job.ended_at.value_or(job.submitted_at);
    if (parts_.clock.now() - ended_at < options_.output_patience) {
        return Output{.note = "The job is done; its output is on its way."};
    }
    return Output{.complete = true,
                  .note = fmt::format("No output reached the container. If the job began, look for "
                                      "hopyard-{}.out in its user's home on {}.",
                                      entry->token,
                                      job.on.empty() ? "its first machine" : job.on)};
}

}  // namespace hopyard::node::console
