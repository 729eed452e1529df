#include "node/workload/saved_jobs.h"

#include <charconv>
#include <chrono>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"
#include "node/metadata.h"
#include "node/system/files.h"
#include "node/workload/slurm_text.h"

namespace hopyard::node::workload {
namespace {

constexpr Milliseconds patience{10'000};
constexpr Milliseconds pause{5};

void append(std::string& bytes, std::uint32_t number) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift);
}

std::string record_of(std::uint32_t id, const StartingJob& job) {
    std::string bytes;
    for (const auto number : {id, job.uid, job.gid}) append(bytes, number);
    return bytes;
}

/// What differs between two states: each is a new file.
struct Version {
    ino_t inode = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const Version&) const = default;
};

Version version_of(const std::string& file) {
    struct stat facts {};
    if (stat(file.c_str(), &facts) != 0) return {};
    return {facts.st_ino, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
}

std::uint32_t number_in(const char* name) {
    const char* text = std::getenv(name);
    std::uint32_t number = 0;
    if (text == nullptr) return number;
    const std::string_view digits(text);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

void complain(const StartingJob& job) {
    const auto line = fmt::format(
        "job {} starts although its record has not been written for {} s: the death of this "
        "machine "
        "would lose it\n",
        job.id,
        patience.count() / 1'000);
    const int file = open(prolog_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return;
    [[maybe_unused]] const auto written = write(file, line.data(), line.size());
    close(file);
}

}  // namespace

bool holds_job(std::string_view state, const StartingJob& job) {
    if (state.find(record_of(job.id, job)) != std::string_view::npos) return true;
    return job.array_id != 0 && state.find(record_of(job.array_id, job)) != std::string_view::npos;
}

Awaited await_saved(const std::string& state_file, const StartingJob& job, Milliseconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    auto version = version_of(state_file);
    int written = 0;
    while (true) {
        if (holds_job(read_file(state_file).value_or(""), job)) return Awaited::found;
        if (written >= 2) return Awaited::written_twice;
        for (auto now = version; now == version || now == Version{}; now = version_of(state_file)) {
            if (std::chrono::steady_clock::now() >= end) return Awaited::given_up;
            sleep_for(pause, {});
        }
        version = version_of(state_file);
        ++written;
    }
}

int run_prolog() {
    const StartingJob job{.id = number_in("SLURM_JOB_ID"),
                          .array_id = number_in("SLURM_ARRAY_JOB_ID"),
                          .uid = number_in("SLURM_JOB_UID"),
                          .gid = number_in("SLURM_JOB_GID")};
    const auto state_file = std::string(state_directory) + "/job_state";
    if (await_saved(state_file, job, patience) == Awaited::given_up) complain(job);
    return 0;
}

}  // namespace hopyard::node::workload
