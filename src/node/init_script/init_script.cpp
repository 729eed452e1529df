#include "node/init_script/init_script.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/read_file.h"
#include "node/metadata.h"
#include "node/system/files.h"

namespace hopyard::node {
namespace {

constexpr Backoff fetch_backoff{.first = Milliseconds(200), .most = Milliseconds(10'000)};
constexpr Milliseconds look_for_turn{50};
constexpr Milliseconds look_for_orders{60'000};
constexpr Milliseconds try_again{5'000};
/// As timeout(1) says it.
constexpr int exit_code_of_timeout = 124;

/// Before it turns into the script, the shell leaves its line of /proc/PID/stat, which tells it
/// from a later process of the same number. It turns into a copy of its own: the file written here
/// may still be open for writing in a child that another thread has just forked, and Linux runs no
/// such file (ETXTBSY). Arguments: that line's file, the file written here, the copy, the log.
constexpr const char* wrapper =
    "read -r line </proc/$$/stat && printf '%s' \"$line\" >\"$1\"\n"
    "exec >>\"$4\" 2>&1\n"
    "cp --remove-destination --preserve=mode \"$2\" \"$3\" && exec \"$3\"\n";

/// A failure to start it, which will be tried again, still names a stage.
bool has_ended(const PartStatus& status) {
    return status.ready || (status.failure && status.stage.empty());
}

struct Started {
    pid_t pid = 0;
    std::string since;  ///< field 22 of /proc/PID/stat: ticks since boot
    bool operator==(const Started&) const = default;
};

std::optional<Started> parse_stat(const std::string& line) {
    const auto name_end = line.rfind(')');  // the name may hold anything, blanks too
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream rest(line.substr(name_end + 1));
    std::string field;
    for (int number = 3; number <= 22; ++number) rest >> field;
    Started result{.pid = static_cast<pid_t>(std::atol(line.c_str())), .since = field};
    if (!rest || result.pid <= 1) return std::nullopt;
    return result;
}

}  // namespace

bool may_start(const Board& board) {
    const auto orders = board.orders();
    if (!orders) return false;
    if (!orders->init_script || !orders->init_script_first) return true;
    return has_ended(board.status(Part::init_script));
}

bool may_take_work(const Board& board) {
    const auto orders = board.orders();
    if (!orders) return false;
    return !orders->init_script || board.status(Part::init_script).ready;
}

std::optional<Error> init_script_failure(const nodewire::InitScriptResult& result,
                                         const std::string& log_file) {
    if (result.exit_code == 0) return std::nullopt;
    return Error{
        .kind = ErrorKind::invalid_argument,
        .code = "init_script_failed",
        .message = fmt::format("the init script ended with exit code {}", result.exit_code),
        .field = "/initScript",
        .owner = Owner::user,
        .next_action = fmt::format(
            "Read the end of its output (all of it is in {} on the machine), mend the script and "
            "make the machine again.",
            log_file)};
}

InitScript::InitScript(Parts parts, Options options)
    : parts_(parts), options_(std::move(options)), result_(parts.state.init_script_result()) {}

void InitScript::run(std::stop_token stop) {
    std::int64_t revision = 0;
    auto wait = look_for_orders;
    while (!stop.stop_requested()) {
        const auto orders = parts_.board.wait_for_orders(Part::init_script, revision, wait, stop);
        if (stop.stop_requested()) return;
        if (!orders) continue;
        const auto outcome = carry_out(*orders, stop);
        revision = orders->revision;
        wait = outcome == Outcome::done      ? look_for_orders
               : outcome == Outcome::not_yet ? look_for_turn
                                             : try_again;
    }
}

InitScript::Outcome InitScript::carry_out(const nodewire::Orders& orders,
                                          const std::stop_token& stop) {
    if (orders.init_script && !result_) {
        if (!is_its_turn(orders)) return Outcome::not_yet;
        const auto script = fetch(stop);
        if (!script) return Outcome::not_yet;
        auto outcome = run_to_end(orders, *script, stop);
        if (!outcome) {
            if (!stop.stop_requested()) say("starting the init script", outcome.error());
            return Outcome::failed;
        }
        result_ = std::move(*outcome);
        if (auto kept = parts_.state.keep_init_script_result(*result_); !kept) {
            log::warning("the init script's result is not kept", {{"why", kept.error().message}});
        }
    }
    publish(orders.revision);
    return Outcome::done;
}

bool InitScript::is_its_turn(const nodewire::Orders& orders) const {
    if (orders.init_script_first) return true;
    const auto is_ready = [this](Part part) { return parts_.board.status(part).ready; };
    return is_ready(Part::access) && is_ready(Part::storage) &&
           (!orders.is_head || is_ready(Part::workload));
}

std::optional<std::string> InitScript::fetch(const std::stop_token& stop) {
    say("fetching the init script");
    for (int attempt = 0; !stop.stop_requested(); ++attempt) {
        if (const auto upstream = parts_.upstream.get()) {
            auto reply = upstream->init_script();
            if (reply && *reply) return std::move(**reply);
            log::info("the init script is not to be had yet",
                      {{"why", reply ? "there is none" : reply.error().message}});
        }
        sleep_for(wait_before(fetch_backoff, std::min(attempt, 16), parts_.random), stop);
    }
    return std::nullopt;
}

Result<nodewire::InitScriptResult> InitScript::run_to_end(const nodewire::Orders& orders,
                                                          const std::string& script,
                                                          const std::stop_token& stop) {
    end_what_was_left();
    say("running the init script");
    const auto fetched = parts_.state.file("init-script.fetched");
    RETURN_IF_ERROR(system::write_file(fetched, script, {.mode = 0700}));
    RETURN_IF_ERROR(system::write_file(options_.log_file, "", {.mode = 0600}));
    const system::Command command{
        .arguments = {"/bin/sh",
                      "-c",
                      wrapper,
                      "init-script",
                      parts_.state.file("init-script.process"),
                      fetched,
                      parts_.state.file("init-script"),
                      options_.log_file},
        .environment = {"HOPYARD_CLUSTER=" + orders.cluster,
                        "HOPYARD_NODE=" + orders.node,
                        fmt::format("HOPYARD_ROLE={}", orders.is_head ? "head" : "worker")},
        .output_max = init_script_tail_max};
    log::info("the init script begins", {{"log", options_.log_file}});
    auto finished = parts_.processes.finish(command, options_.timeout, stop);
    unlink(parts_.state.file("init-script.process").c_str());
    if (!finished && finished.error().kind != ErrorKind::timed_out) return pass(finished.error());
    nodewire::InitScriptResult result{
        .exit_code = finished ? finished->exit_code : exit_code_of_timeout,
        .output_tail = end_of_file(options_.log_file, init_script_tail_max)};
    if (!finished) {
        const auto note =
            fmt::format("\n[ended after {}, unfinished]\n", to_human(options_.timeout));
        result.output_tail = tail_of(result.output_tail + note, init_script_tail_max);
    }
    log::info("the init script ended", {{"exit_code", result.exit_code}});
    return result;
}

void InitScript::end_what_was_left() const {
    const auto left = read_file(parts_.state.file("init-script.process"));
    const auto before = left ? parse_stat(*left) : std::nullopt;
    if (!before) return;
    const auto now = read_file(fmt::format("/proc/{}/stat", before->pid));
    if (now && parse_stat(*now) == before) {
        log::info("a run of the init script that was left behind is ended", {{"pid", before->pid}});
        kill(-before->pid, SIGKILL);
    }
}

void InitScript::publish(std::int64_t revision) {
    const bool first_time = published_ == 0;
    published_ = revision;
    PartStatus status{.applied_revision = revision, .ready = true};
    if (result_) {
        status.failure = init_script_failure(*result_, options_.log_file);
        status.ready = !status.failure;
        if (first_time) parts_.board.set_init_script(*result_);
    }
    parts_.board.set_status(Part::init_script, std::move(status));
    if (!first_time) return;
    for (const auto part : {Part::access, Part::storage, Part::workload}) parts_.board.poke(part);
}

void InitScript::say(std::string stage, std::optional<Error> failure) {
    parts_.board.set_status(
        Part::init_script,
        {.applied_revision = published_, .stage = std::move(stage), .failure = std::move(failure)});
}

}  // namespace hopyard::node
