#include "cli/programs.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hopyard::cli {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return argv;
}

Failure cannot_start(const std::string& program, int code) {
    Error error{.kind = ErrorKind::not_found,
                .code = "program_not_started",
                .message = "cannot start " + program + ": " + std::strerror(code),
                .owner = Owner::administrator,
                .next_action = "Check that it is installed: 'hopyard doctor'."};
    return Failure(std::move(error));
}

struct Actions {
    Actions() { posix_spawn_file_actions_init(&value); }
    ~Actions() { posix_spawn_file_actions_destroy(&value); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    posix_spawn_file_actions_t value;
};

struct Attributes {
    explicit Attributes(short flags) {
        posix_spawnattr_init(&value);
        posix_spawnattr_setflags(&value, flags);
    }
    ~Attributes() { posix_spawnattr_destroy(&value); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    posix_spawnattr_t value;
};

int wait_for_end(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Both ends close on exec; the child gets its own through dup2.
Result<std::array<int, 2>> open_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(ErrorKind::unavailable, "no_pipe", "cannot make a pipe");
    return ends;
}

}  // namespace

Result<Outcome> run_program(const std::vector<std::string>& words, const std::string& input) {
    ASSIGN_OR_RETURN(const auto in, open_pipe());
    ASSIGN_OR_RETURN(const auto out, open_pipe());
    Actions actions;
    posix_spawn_file_actions_adddup2(&actions.value, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions.value, out[1], STDOUT_FILENO);
    std::vector<std::string> copy = words;
    pid_t process = 0;
    const int failed = ::posix_spawnp(
        &process, words[0].c_str(), &actions.value, nullptr, pointers(copy).data(), environ);
    ::close(in[0]);
    ::close(out[1]);
    // What is passed in is short (a command for a shell): it fits the pipe's buffer.
    if (failed == 0 && !input.empty() && ::write(in[1], input.data(), input.size()) < 0) errno = 0;
    ::close(in[1]);
    Outcome outcome;
    std::array<char, 4096> buffer{};
    for (ssize_t count; failed == 0 && (count = ::read(out[0], buffer.data(), buffer.size())) > 0;)
        outcome.output.append(buffer.data(), static_cast<std::size_t>(count));
    ::close(out[0]);
    if (failed != 0) return cannot_start(words[0], failed);
    outcome.exit_code = wait_for_end(process);
    return outcome;
}

Result<int> run_on_terminal(const std::vector<std::string>& words) {
    std::vector<std::string> copy = words;
    pid_t process = 0;
    const int failed = ::posix_spawnp(
        &process, words[0].c_str(), nullptr, nullptr, pointers(copy).data(), environ);
    if (failed != 0) return cannot_start(words[0], failed);
    return wait_for_end(process);
}

Result<pid_t> start_detached(const std::vector<std::string>& words, const std::string& log_file) {
    Actions actions;
    posix_spawn_file_actions_addopen(&actions.value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(
        &actions.value, STDOUT_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions.value, STDOUT_FILENO, STDERR_FILENO);
    const Attributes attributes(POSIX_SPAWN_SETSID);
    std::vector<std::string> copy = words;
    pid_t process = 0;
    const int failed = ::posix_spawnp(&process,
                                      words[0].c_str(),
                                      &actions.value,
                                      &attributes.value,
                                      pointers(copy).data(),
                                      environ);
    if (failed != 0) return cannot_start(words[0], failed);
    return process;
}

bool is_running(pid_t process) {
    if (process <= 0) return false;
    if (::waitpid(process, nullptr, WNOHANG) == process) return false;
    return ::kill(process, 0) == 0 || errno == EPERM;
}

Result<void> wait_until(const std::function<bool()>& done,
                        const std::function<bool()>& died,
                        Milliseconds longest,
                        const std::string& what) {
    const auto started = std::chrono::steady_clock::now();
    while (!done()) {
        if (died && died())
            return fail(ErrorKind::unavailable, "program_ended", what + " ended while starting");
        if (std::chrono::steady_clock::now() - started > longest)
            return fail(ErrorKind::timed_out, "program_slow", what + " does not answer");
        std::this_thread::sleep_for(Milliseconds(20));
    }
    return {};
}

std::string tail_of(const std::string& path, std::size_t lines) {
    std::ifstream in(path);
    std::deque<std::string> last;
    for (std::string line; std::getline(in, line);) {
        last.push_back(line);
        if (last.size() > lines) last.pop_front();
    }
    std::string text;
    for (const std::string& line : last) text += "  " + line + "\n";
    return text;
}

std::string program_beside(const std::string& name) {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    const std::string beside = (self.parent_path() / name).string();
    return !failed && ::access(beside.c_str(), X_OK) == 0 ? beside : name;
}

std::string name_for_people() {
    std::error_code failed;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
    const char* path = std::getenv("PATH");
    std::istringstream folders(path != nullptr ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (std::filesystem::equivalent(
                std::filesystem::path(folder) / self.filename(), self, failed))
            return self.filename().string();
    return std::filesystem::proximate(self, failed).string();
}

std::vector<std::string> as_root(std::vector<std::string> words) {
    if (::geteuid() != 0) words.insert(words.begin(), "sudo");
    return words;
}

}  // namespace hopyard::cli
