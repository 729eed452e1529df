#include "node/system/spawn.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hopyard::node::system {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> full_environment(const Command& command) {
    std::vector<std::string> result = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
    bool home = false;
    for (const auto& each : command.environment) {
        home = home || each.starts_with("HOME=");
        result.push_back(each);
    }
    if (!home) result.push_back("HOME=/root");
    return result;
}

bool become(const Account& account) {
    return setgroups(account.groups.size(), account.groups.data()) == 0 &&
           setresgid(account.gid, account.gid, account.gid) == 0 &&
           setresuid(account.uid, account.uid, account.uid) == 0;
}

void set_streams(const Streams& streams, int null) {
    const int wanted[3] = {streams.input, streams.output, streams.errors};
    for (int i = 0; i < 3; ++i) dup2(wanted[i] >= 0 ? wanted[i] : null, i);
    close_range(3, ~0u, 0);
}

/// In the child: never returns. Exit code 127 as a shell's, when the program cannot be run.
[[noreturn]] void turn_into(const Command& command,
                            char* const* arguments,
                            char* const* environment,
                            const Streams& streams,
                            Fate fate) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    const int null = open("/dev/null", O_RDWR);
    set_streams(streams, null);
    umask(022);
    if (command.account && !become(*command.account)) _exit(126);
    // Cleared by a change of user, so it comes after that.
    if (fate == Fate::dies_with_us) prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (chdir(command.directory.c_str()) != 0 && chdir("/") != 0) _exit(126);
    execve(arguments[0], arguments, environment);
    _exit(127);
}

}  // namespace

Result<pid_t> spawn(const Command& command, const Streams& streams, Fate fate) {
    if (command.arguments.empty() || access(command.arguments[0].c_str(), X_OK) != 0) {
        return fail(ErrorKind::unavailable,
                    "program_missing",
                    fmt::format("there is no program {}",
                                command.arguments.empty() ? "" : command.arguments[0]));
    }
    auto arguments = command.arguments;
    auto environment = full_environment(command);
    const auto argument_pointers = pointers(arguments);
    const auto environment_pointers = pointers(environment);
    const pid_t child = fork();
    if (child == 0) {
        turn_into(command, argument_pointers.data(), environment_pointers.data(), streams, fate);
    }
    if (child < 0) {
        return fail(ErrorKind::unavailable,
                    "cannot_fork",
                    fmt::format("cannot start {}: {}", arguments[0], strerror(errno)));
    }
    return child;
}

}  // namespace hopyard::node::system
