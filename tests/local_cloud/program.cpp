#include "program.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "localcloud/compute/container.h"
#include "localcloud/compute/purge.h"
#include "localcloud/network/names.h"
#include "localcloud/network/namespaces.h"
#include "traces.h"

namespace hopyard::tests {

namespace fs = std::filesystem;
using namespace localcloud;

const char* const quiet_init =
    "#!/bin/sh\n"
    "trap 'exit 0' TERM\n"
    "while :; do sleep 3600 & wait $!; done\n";

namespace {

constexpr Milliseconds start_limit{30'000};

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string image() {
    const char* named = std::getenv("HOPYARD_IMAGE");
    return named ? named : HOPYARD_SOURCE_DIR "/.cache/image";
}

/// Starts it with its output in that file, in a session of its own.
pid_t spawn(const std::vector<std::string>& command, const fs::path& output) {
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    setsid();
    execvp(words[0], words.data());
    _exit(127);
}

Finished finish(const std::vector<std::string>& command, const fs::path& output) {
    const pid_t child = spawn(command, output);
    int status = 0;
    waitpid(child, &status, 0);
    Finished finished{.code = WIFEXITED(status) ? WEXITSTATUS(status) : -2,
                      .output = text_of(output)};
    fs::remove(output);
    return finished;
}

}  // namespace

Program::Program(std::vector<std::string> options) : more_(std::move(options)) {
    SystemRandom random;
    folder_ = fs::path("/var/tmp") / ("hopyard-cloud-test-" + random_word(random, 8));
    state_ = folder_ / "state";
    fs::create_directories(folder_);
    // Nobody else's way leads here, as in a home directory; the blob service must not mind.
    fs::permissions(folder_, fs::perms::owner_all);
    set_init(quiet_init);
    options_ = {{"--image", image()},
                {"--node-program", (folder_ / "init").string()},
                {"--azurite", HOPYARD_SOURCE_DIR "/tools/azurite"},
                {"--disk-floor-gb", "1"},
                {"--log-level", "debug"}};
}

Program::~Program() {
    if (testing::Test::HasFailure()) fputs(log().c_str(), stderr);
    const std::string mine = instance();
    kill_hard();
    // Its blob service goes in its own time.
    const int lock = open((state_ / "azurite/lock").c_str(), O_RDWR | O_CLOEXEC);
    if (lock >= 0) {
        EXPECT_TRUE(eventually([&] { return flock(lock, LOCK_EX | LOCK_NB) == 0; }));
    }
    close(lock);
    if (!mine.empty()) {
        const auto purged = compute::purge(mine);
        EXPECT_TRUE(purged) << purged.error().message;
        EXPECT_TRUE(eventually([&] { return traces_of(mine).empty(); }))
            << testing::PrintToString(traces_of(mine));
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void Program::set_option(const std::string& name, const std::string& value) {
    const auto found = std::find_if(
        options_.begin(), options_.end(), [&](const auto& pair) { return pair.first == name; });
    if (found != options_.end())
        found->second = value;
    else
        options_.emplace_back(name, value);
}

void Program::set_init(const std::string& script) const {
    // A new file, as a build makes it: a changed one would be changed in running machines too.
    fs::remove(folder_ / "init");
    std::ofstream(folder_ / "init") << script;
}

std::vector<std::string> Program::serve_command() const {
    std::vector<std::string> words = {HOPYARD_CLOUD_PROGRAM, "serve", "--state", state_.string()};
    for (const auto& [name, value] : options_) words.insert(words.end(), {name, value});
    words.insert(words.end(), more_.begin(), more_.end());
    return words;
}

std::string Program::start() {
    const fs::path output = folder_ / "log";
    fs::remove(output);
    process_ = spawn(serve_command(), output);
    bool ended = false;
    const bool ready = eventually(
        [&] {
            int status = 0;
            ended = waitpid(process_, &status, WNOHANG) == process_;
            return ended || log().find("hopyard-cloud ready") != std::string::npos;
        },
        start_limit);
    last_instance_ = instance();
    if (ready && !ended) return {};
    if (ended) process_ = -1;
    return log();
}

Finished Program::refused(const std::vector<std::string>& more) const {
    auto words = serve_command();
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.begin(), {"timeout", "20"});
    return finish(words, folder_ / "output");
}

Finished Program::run(const std::string& command, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {HOPYARD_CLOUD_PROGRAM, command, "--state", state_.string()};
    words.insert(words.end(), more.begin(), more.end());
    return finish(words, folder_ / "output");
}

pid_t Program::blob_service() const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        std::ifstream file(entry.path() / "status");
        pid_t parent = 0;
        for (std::string word; parent == 0 && file >> word;)
            if (word == "PPid:") file >> parent;
        if (parent == process_) return std::atoi(entry.path().filename().c_str());
    }
    return 0;
}

void Program::kill_hard() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
}

std::string Program::instance() const {
    if (!last_instance_.empty()) return last_instance_;
    std::string text = text_of(state_ / "instance");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

std::string Program::log() const {
    return text_of(folder_ / "log");
}

pid_t Program::init_of(const std::string& machine) const {
    const network::Names names{instance()};
    for (const auto& port : network::list_namespaces(names.port(""))) {
        const auto found = compute::find_container(
            compute::inhabitants_of(network::namespace_number(port)), names.machine(""));
        if (!found) continue;
        const auto name =
            finish({"nsenter", "-t", std::to_string(found->init.pid()), "-u", "hostname"},
                   folder_ / "hostname");
        if (name.output == machine + "\n") return found->init.pid();
    }
    return 0;
}

Finished Program::inside(const std::string& machine,
                         const std::vector<std::string>& command,
                         uid_t user) const {
    const pid_t init = init_of(machine);
    if (init == 0) return {.code = -1, .output = "no machine " + machine};
    std::vector<std::string> words = {
        "nsenter", "-t", std::to_string(init), "-m", "-u", "-i", "-n"};
    words.insert(words.end(), {"-p", "--"});
    if (user != 0)
        words.insert(words.end(),
                     {"setpriv",
                      "--reuid=" + std::to_string(user),
                      "--regid=" + std::to_string(user),
                      "--clear-groups"});
    words.insert(words.end(), command.begin(), command.end());
    return finish(words, folder_ / "inside");
}

}  // namespace hopyard::tests
