#include "node/system/processes.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/check.h"
#include "base/log.h"
#include "node/system/spawn.h"

namespace hopyard::node::system {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Backoff restart_backoff{.first = Milliseconds(100), .most = Milliseconds(10'000)};
/// A service that ran this long starts its next row of failures from the beginning.
constexpr Seconds steady_run{30};

int open_pidfd(pid_t pid) {
    return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

void notify(int event) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(event, &one, sizeof one);
}

std::string describe(int status) {
    if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
    return fmt::format("exit code {}", WEXITSTATUS(status));
}

int exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

class Descriptor {
  public:
    explicit Descriptor(int value = -1) : value_(value) {}
    ~Descriptor() { reset(); }
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        reset();
        value_ = std::exchange(other.value_, -1);
        return *this;
    }
    int get() const { return value_; }
    void reset() {
        if (value_ >= 0) close(value_);
        value_ = -1;
    }

  private:
    int value_;
};

struct Pipe {
    Descriptor read_end, write_end;
    static Pipe make() {
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    }
};

/// Collects what comes; false at the end.
bool read_some(int descriptor, std::string& to, std::size_t most) {
    char buffer[16384];
    const auto got = read(descriptor, buffer, sizeof buffer);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    to.append(buffer, static_cast<std::size_t>(got));
    if (to.size() > 2 * most) to.erase(0, to.size() - most);
    return true;
}

}  // namespace

struct Processes::State {
    struct Child {
        Descriptor pidfd;
        std::function<void(int status)> on_exit;
    };
    struct Supervised {
        Service service;
        pid_t pid = 0;
        bool wanted = true;
        int failures_in_a_row = 0;
        Steady::time_point started;
        std::optional<Steady::time_point> start_again;
        ServiceState seen;
    };

    explicit State(const Clock& given) : clock(given) {}

    const Clock& clock;
    SystemRandom random;
    Descriptor wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> requests;  // guarded by mutex
    bool ended = false;                          // guarded by mutex
    std::map<std::string, Supervised> services;  // guarded by mutex
    std::function<void()> callback;              // guarded by mutex
    std::map<pid_t, Child> children;             // thread of run() only

    Result<pid_t> launch(const Command& command,
                         const Streams& streams,
                         Fate fate,
                         std::function<void(int)> on_exit) {
        ASSIGN_OR_RETURN(const pid_t pid, spawn(command, streams, fate));
        children.emplace(pid, Child{Descriptor(open_pidfd(pid)), std::move(on_exit)});
        return pid;
    }

    /// Runs it on the thread of run() and waits for what it returns.
    template <class Function>
    auto ask(Function function) -> decltype(function()) {
        auto task =
            std::make_shared<std::packaged_task<decltype(function())()>>(std::move(function));
        auto future = task->get_future();
        {
            std::lock_guard lock(mutex);
            if (ended) return fail(ErrorKind::cancelled, "stopping", "the program is stopping");
            requests.push_back([task] { (*task)(); });
        }
        notify(wake.get());
        return future.get();
    }

    void tell() {
        std::function<void()> function;
        {
            std::lock_guard lock(mutex);
            function = callback;
        }
        changed.notify_all();
        if (function) function();
    }

    Result<void> launch_service(const std::string& name) {
        Service service;
        {
            std::lock_guard lock(mutex);
            service = services.at(name).service;
        }
        Descriptor log;
        if (!service.command.output_file.empty()) {
            log = Descriptor(open(service.command.output_file.c_str(),
                                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                                  0600));
        }
        const Streams streams{.output = log.get(), .errors = log.get()};
        auto pid = launch(service.command, streams, Fate::dies_with_us, [this, name](int status) {
            service_ended(name, status);
        });
        std::lock_guard lock(mutex);
        auto& entry = services.at(name);
        entry.start_again.reset();
        if (!pid) return pass(pid.error());
        entry.pid = *pid;
        entry.started = Steady::now();
        entry.seen.running = true;
        return {};
    }

    void service_ended(const std::string& name, int status) {
        {
            std::lock_guard lock(mutex);
            auto& entry = services.at(name);
            entry.pid = 0;
            entry.seen.running = false;
            if (entry.wanted) {
                if (Steady::now() - entry.started > steady_run) entry.failures_in_a_row = 0;
                entry.start_again =
                    Steady::now() + wait_before(restart_backoff, entry.failures_in_a_row++, random);
                ++entry.seen.unexpected_exits;
                entry.seen.last_exit = describe(status);
                entry.seen.last_exit_at = clock.now();
            }
        }
        log::info("a service ended", {{"service", name}, {"how", describe(status)}});
        tell();
    }

    void bury() {
        for (;;) {
            int status = 0;
            const pid_t pid = waitpid(-1, &status, WNOHANG);
            if (pid <= 0) return;
            const auto found = children.find(pid);
            if (found == children.end()) continue;
            auto on_exit = std::move(found->second.on_exit);
            children.erase(found);
            on_exit(status);
        }
    }

    std::vector<std::string> due_for_start() {
        std::lock_guard lock(mutex);
        std::vector<std::string> result;
        for (const auto& [name, entry] : services) {
            if (entry.start_again && *entry.start_again <= Steady::now()) result.push_back(name);
        }
        return result;
    }

    Milliseconds time_to_next_start() {
        std::lock_guard lock(mutex);
        auto result = Milliseconds(1'000);  // orphans have no descriptor: looked for once a second
        for (const auto& [name, entry] : services) {
            if (!entry.start_again) continue;
            const auto left = std::chrono::ceil<Milliseconds>(*entry.start_again - Steady::now());
            result = std::clamp(left, Milliseconds(0), result);
        }
        return result;
    }

    void wait() {
        std::vector<pollfd> descriptors{{.fd = wake.get(), .events = POLLIN, .revents = 0}};
        for (const auto& [pid, child] : children) {
            descriptors.push_back({.fd = child.pidfd.get(), .events = POLLIN, .revents = 0});
        }
        poll(
            descriptors.data(), descriptors.size(), static_cast<int>(time_to_next_start().count()));
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = read(wake.get(), &count, sizeof count);
    }

    void serve_requests() {
        for (;;) {
            std::function<void()> request;
            {
                std::lock_guard lock(mutex);
                if (requests.empty()) return;
                request = std::move(requests.front());
                requests.pop_front();
            }
            request();
        }
    }
};

Processes::Processes(const Clock& clock) : state_(std::make_unique<State>(clock)) {}
Processes::~Processes() = default;

void Processes::run(std::stop_token stop) {
    const std::stop_callback on_stop(stop, [this] { notify(state_->wake.get()); });
    while (!stop.stop_requested()) {
        state_->serve_requests();
        state_->bury();
        for (const auto& name : state_->due_for_start()) {
            auto outcome = state_->launch_service(name);
            if (!outcome) log::warning("a service does not start", {{"service", name}});
            state_->tell();
        }
        state_->wait();
    }
    {
        std::lock_guard lock(state_->mutex);
        state_->ended = true;
    }
    state_->serve_requests();
}

namespace {

/// Feeds and reads one command until it ended; true when it did in time.
struct Collector {
    const Command& command;
    Descriptor input, output, errors;
    int ended_event;
    int stop_event;
    Finished& finished;
    std::size_t fed = 0;

    void feed() {
        const auto left = command.input.size() - fed;
        const auto put = left == 0 ? 0 : write(input.get(), command.input.data() + fed, left);
        if (put > 0) fed += static_cast<std::size_t>(put);
        if (fed == command.input.size() || (put < 0 && errno != EAGAIN)) input.reset();
    }

    void drain(Descriptor& descriptor, std::string& to) {
        if (descriptor.get() >= 0 && !read_some(descriptor.get(), to, command.output_max)) {
            descriptor.reset();
        }
    }

    /// A grandchild may keep the pipes open for ever: the end of the command counts, not theirs.
    void take_what_is_left() {
        for (auto* each : {&output, &errors}) {
            auto& to = each == &output ? finished.output : finished.errors;
            pollfd ready{.fd = each->get(), .events = POLLIN, .revents = 0};
            while (each->get() >= 0 && poll(&ready, 1, 0) == 1) {
                if (!read_some(each->get(), to, command.output_max)) each->reset();
            }
        }
    }

    /// The command ended by itself: in time, and before we were stopped.
    bool collect(Steady::time_point deadline) {
        for (;;) {
            pollfd all[5] = {{ended_event, POLLIN, 0},
                             {input.get(), POLLOUT, 0},
                             {output.get(), POLLIN, 0},
                             {errors.get(), POLLIN, 0},
                             {stop_event, POLLIN, 0}};
            const auto left = std::chrono::ceil<Milliseconds>(deadline - Steady::now()).count();
            if (left <= 0) return false;
            poll(all, 5, static_cast<int>(std::min<long>(left, 60'000)));
            if (all[1].revents != 0 && input.get() >= 0) feed();
            if (all[2].revents != 0) drain(output, finished.output);
            if (all[3].revents != 0) drain(errors, finished.errors);
            if (all[0].revents != 0) {
                take_what_is_left();
                return true;
            }
            if (all[4].revents != 0) return false;
        }
    }
};

void keep_end(std::string& text, std::size_t most) {
    if (text.size() > most) text.erase(0, text.size() - most);
}

}  // namespace

Result<Finished> Processes::finish(const Command& command,
                                   Milliseconds timeout,
                                   const std::stop_token& stop) {
    auto in = Pipe::make(), out = Pipe::make(), err = Pipe::make();
    for (const int each : {in.write_end.get(), out.read_end.get(), err.read_end.get()}) {
        fcntl(each, F_SETFL, O_NONBLOCK);
    }
    auto ended = std::make_shared<Descriptor>(eventfd(0, EFD_CLOEXEC));
    auto status = std::make_shared<std::atomic<int>>(0);
    const Streams streams{in.read_end.get(), out.write_end.get(), err.write_end.get()};
    ASSIGN_OR_RETURN(const pid_t pid, state_->ask([&, this] {
        return state_->launch(command, streams, Fate::own, [ended, status](int value) {
            *status = value;
            notify(ended->get());
        });
    }));
    in.read_end.reset();
    out.write_end.reset();
    err.write_end.reset();

    const Descriptor stopped(eventfd(0, EFD_CLOEXEC));
    const std::stop_callback on_stop(stop, [&stopped] { notify(stopped.get()); });
    Finished finished;
    Collector collector{.command = command,
                        .input = std::move(in.write_end),
                        .output = std::move(out.read_end),
                        .errors = std::move(err.read_end),
                        .ended_event = ended->get(),
                        .stop_event = stopped.get(),
                        .finished = finished};
    const bool in_time = collector.collect(Steady::now() + timeout);
    if (!in_time) kill(-pid, SIGKILL);
    keep_end(finished.output, command.output_max);
    keep_end(finished.errors, command.output_max);
    if (!in_time && stop.stop_requested()) {
        return fail(
            ErrorKind::cancelled, "stopping", fmt::format("{} was stopped", command.arguments[0]));
    }
    if (!in_time) {
        return fail(ErrorKind::timed_out,
                    "command_timed_out",
                    fmt::format("{} took longer than {}", command.arguments[0], to_human(timeout)));
    }
    finished.exit_code = exit_code(*status);
    return finished;
}

Result<std::string> Processes::output_of(const Command& command, Milliseconds timeout) {
    ASSIGN_OR_RETURN(auto finished, finish(command, timeout));
    if (finished.exit_code != 0) {
        auto said = finished.errors.empty() ? finished.output : finished.errors;
        keep_end(said, 512);
        while (!said.empty() && said.back() == '\n') said.pop_back();
        return fail(
            ErrorKind::unavailable,
            "command_failed",
            fmt::format(
                "{} ended with exit code {}: {}", command.arguments[0], finished.exit_code, said));
    }
    return std::move(finished.output);
}

Result<void> Processes::start(const Service& service) {
    {
        std::lock_guard lock(state_->mutex);
        const auto found = state_->services.find(service.name);
        if (found != state_->services.end() && found->second.wanted &&
            found->second.service == service) {
            return {};
        }
    }
    stop(service.name, Milliseconds(5'000));
    return state_->ask([this, service]() -> Result<void> {
        {
            std::lock_guard lock(state_->mutex);
            auto& entry = state_->services[service.name];
            entry.service = service;
            entry.wanted = true;
            entry.failures_in_a_row = 0;
        }
        auto outcome = state_->launch_service(service.name);
        if (!outcome) {
            std::lock_guard lock(state_->mutex);
            state_->services.erase(service.name);
        }
        return outcome;
    });
}

void Processes::stop(const std::string& name, Milliseconds grace) {
    std::unique_lock lock(state_->mutex);
    const auto found = state_->services.find(name);
    if (found == state_->services.end()) return;
    auto& entry = found->second;
    entry.wanted = false;
    entry.start_again.reset();
    if (entry.pid == 0) return;
    kill(entry.pid, SIGTERM);
    const auto gone = [&] { return entry.pid == 0 || state_->ended; };
    if (state_->changed.wait_for(lock, grace, gone)) return;
    kill(entry.pid, SIGKILL);
    state_->changed.wait_for(lock, Seconds(2), gone);
}

void Processes::signal(const std::string& name, int number) {
    std::lock_guard lock(state_->mutex);
    const auto found = state_->services.find(name);
    if (found != state_->services.end() && found->second.pid != 0) {
        kill(found->second.pid, number);
    }
}

ServiceState Processes::state(const std::string& name) const {
    std::lock_guard lock(state_->mutex);
    const auto found = state_->services.find(name);
    return found == state_->services.end() ? ServiceState{} : found->second.seen;
}

void Processes::on_change(std::function<void()> callback) {
    std::lock_guard lock(state_->mutex);
    state_->callback = std::move(callback);
}

}  // namespace hopyard::node::system
