#include "node/workload/saved_jobs.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "node/system/files.h"

namespace hopyard::node::workload {
namespace {

using namespace std::string_literals;

/// Part of a record that slurmctld 22.05.8 wrote: job 10 of user 2000, whose number holds a byte
/// that also ends lines.
const auto job_10 = "\xff\xff\xff\xfe\0\0\0\x0a\0\0\x07\xd0\0\0\x07\xd0\xff\xff\xff\xff"s;
const StartingJob job{.id = 10, .uid = 2000, .gid = 2000};

class Folder {
  public:
    Folder() {
        std::string pattern = "/tmp/hopyard-saved-XXXXXX";
        path_ = mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string state() const { return path_ + "/job_state"; }
    /// As slurmctld does: the new file takes the old one's name.
    void write(std::string_view text) const {
        ASSERT_TRUE(system::write_file(state() + ".new", text));
        std::filesystem::rename(state() + ".new", state());
    }

  private:
    std::string path_;
};

TEST(SavedJobs, AreKnownByTheNumbersOfTheirRecord) {
    EXPECT_TRUE(holds_job(job_10, job));
    EXPECT_FALSE(holds_job("", job));
    EXPECT_FALSE(holds_job(job_10.substr(0, 15), job)) << "half a record";
    for (const auto& other : {StartingJob{.id = 11, .uid = 2000, .gid = 2000},
                              StartingJob{.id = 10, .uid = 2001, .gid = 2000},
                              StartingJob{.id = 10, .uid = 2000, .gid = 2001}}) {
        EXPECT_FALSE(holds_job(job_10, other)) << other.id << " " << other.uid << " " << other.gid;
    }
}

TEST(SavedJobs, AreTasksWhoseArrayIsThere) {
    EXPECT_TRUE(holds_job(job_10, {.id = 12, .array_id = 10, .uid = 2000, .gid = 2000}));
    EXPECT_FALSE(holds_job(job_10, {.id = 12, .array_id = 11, .uid = 2000, .gid = 2000}));
}

TEST(SavedJobs, AreAwaitedNoLongerThanTheyMay) {
    const Folder folder;
    EXPECT_EQ(await_saved(folder.state(), job, Milliseconds(0)), Awaited::given_up) << "no file";
    folder.write("of others");
    EXPECT_EQ(await_saved(folder.state(), job, Milliseconds(0)), Awaited::given_up);
    folder.write("before" + job_10 + "after");
    EXPECT_EQ(await_saved(folder.state(), job, Milliseconds(0)), Awaited::found);
}

/// Writes states until the wait has ended.
Awaited await_among(const std::string& state) {
    const Folder folder;
    folder.write("the first");
    std::atomic<bool> done = false;
    std::jthread writer([&] {
        while (!done) folder.write(state + std::to_string(done));
    });
    const auto outcome = await_saved(folder.state(), job, Milliseconds(60'000));
    done = true;
    return outcome;
}

TEST(SavedJobs, AreFoundInALaterState) {
    EXPECT_EQ(await_among(job_10), Awaited::found);
}

TEST(SavedJobs, AreTakenAsWrittenByTheSecondStateOfAnotherKind) {
    EXPECT_EQ(await_among("a record of another release"), Awaited::written_twice);
}

}  // namespace
}  // namespace hopyard::node::workload
