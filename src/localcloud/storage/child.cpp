#include "localcloud/storage/child.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hopyard::localcloud {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

bool become(uid_t user, gid_t group) {
    return user == 0 || (setgroups(0, nullptr) == 0 && setgid(group) == 0 && setuid(user) == 0);
}

/// Runs between fork and exec: calls that are safe there only.
[[noreturn]] void run_child(const ChildOptions& options,
                            char* const* arguments,
                            char* const* environment,
                            int log,
                            int lock,
                            pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGHUP, SIG_IGN);  // until the program has a handler of its own
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    fcntl(lock, F_SETFD, 0);
    setpgid(0, 0);
    if (!options.view.is_empty() && !options.view.enter()) _exit(125);
    if (!become(options.user, options.group)) _exit(126);
    // After the change of user, which clears it (credentials(7), prctl(2)).
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(0);
    if (flock(lock, LOCK_EX) != 0) _exit(124);
    if (chdir(options.folder.c_str()) != 0) _exit(126);
    execve(arguments[0], arguments, environment);
    _exit(127);
}

}  // namespace

Result<pid_t> start_child(const ChildOptions& options) {
    auto arguments = pointers(options.arguments);
    auto environment = pointers(options.environment);
    const int log = open(options.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int lock =
        log < 0 ? -1 : open(options.lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        const int cause = errno;
        if (log >= 0) close(log);
        return fail(
            ErrorKind::unavailable,
            "log_not_written",
            fmt::format("{} or {}: {}", options.log_file, options.lock_file, std::strerror(cause)));
    }
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) run_child(options, arguments.data(), environment.data(), log, lock, parent);
    close(log);
    close(lock);
    if (child < 0)
        return fail(
            ErrorKind::unavailable, "no_process", fmt::format("fork: {}", std::strerror(errno)));
    return child;
}

Result<UserIds> find_user(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384);
    getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found)
        return fail(
            ErrorKind::not_found, "no_such_user", fmt::format("there is no user '{}'", name));
    return UserIds{entry.pw_uid, entry.pw_gid};
}

}  // namespace hopyard::localcloud
