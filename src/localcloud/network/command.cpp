#include "localcloud/network/command.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::network {
namespace {

/// Files in memory instead of pipes: neither side can block on the other, and a descendant that
/// keeps them open (a container's monitor) holds up nobody.
Descriptor memory_file(const std::string& content) {
    Descriptor file(memfd_create("hopyard-command", MFD_CLOEXEC));
    if (!file.is_open()) return file;
    std::size_t written = 0;
    while (written < content.size()) {
        const auto count = write(file.get(), content.data() + written, content.size() - written);
        if (count <= 0) return {};
        written += static_cast<std::size_t>(count);
    }
    lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::string content_of(const Descriptor& file) {
    std::string text;
    char part[4096];
    while (true) {
        const auto count = pread(file.get(), part, sizeof part, static_cast<off_t>(text.size()));
        if (count <= 0) break;
        text.append(part, static_cast<std::size_t>(count));
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

/// The part of an output that a person reads in an error.
std::string quoted(const std::string& output) {
    return output.empty() ? "no output" : output.substr(0, 4096);
}

Result<pid_t> spawn(const std::vector<std::string>& arguments, int input, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);

    std::vector<char*> words;
    for (const auto& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static const char language[] = "LC_ALL=C";
    char* environment[] = {const_cast<char*>(path), const_cast<char*>(language), nullptr};

    pid_t child = -1;
    const int error =
        posix_spawnp(&child, words[0], &actions, &attributes, words.data(), environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return fail(ErrorKind::unavailable,
                    "tool_missing",
                    arguments.front() + " cannot be run: " + std::strerror(error) + ".");
    return child;
}

}  // namespace

Result<std::string> run_command(const Command& command) {
    const auto input = memory_file(command.input);
    const auto output = memory_file("");
    if (!input.is_open() || !output.is_open())
        return fail(ErrorKind::internal, "no_memory_file", "No file in memory could be made.");
    ASSIGN_OR_RETURN(const pid_t child, spawn(command.arguments, input.get(), output.get()));

    const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    pollfd waiting{.fd = handle.get(), .events = POLLIN, .revents = 0};
    int ready = 0;
    do {
        ready = poll(&waiting, 1, static_cast<int>(command.timeout.count()));
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const auto text = content_of(output);
    if (ready == 0)
        return fail(ErrorKind::timed_out,
                    "tool_timed_out",
                    command.arguments.front() + " did not end in time: " + quoted(text));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(ErrorKind::internal,
                    "tool_failed",
                    command.arguments.front() + " failed: " + quoted(text));
    return text;
}

Result<void> run_nft(const std::string& script) {
    auto outcome = run_command({.arguments = {"nft", "-f", "-"}, .input = script});
    if (!outcome) return pass(std::move(outcome).error());
    return {};
}

}  // namespace hopyard::localcloud::network
