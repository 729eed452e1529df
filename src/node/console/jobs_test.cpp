#include "node/console/jobs.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/read_file.h"
#include "node/system/files.h"
#include "node/system/processes.h"

namespace hopyard::node::console {
namespace {

class Directory {
  public:
    Directory() {
        char pattern[] = "/tmp/hopyard-jobs-XXXXXX";
        path_ = mkdtemp(pattern);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

Job only(const std::string& fields) {
    const auto jobs = parse_jobs("{\"jobs\": [{" + fields + "}]}");
    EXPECT_TRUE(jobs);
    EXPECT_EQ(jobs->size(), 1u);
    return jobs->at(0);
}

TEST(Queue, IsReadAsSlurmPrintsIt) {
    const auto job = only(R"("job_id": 7, "user_name": "ada", "name": "hostname",
        "job_state": "COMPLETED", "state_reason": "None", "node_count": 2, "nodes": "w[1-2]",
        "submit_time": 100, "start_time": 110, "end_time": 120, "exit_code": 0)");
    const Job expected{.id = 7,
                       .user = "ada",
                       .name = "hostname",
                       .state = JobState::completed,
                       .nodes = 2,
                       .on = "w[1-2]",
                       .exit_code = 0,
                       .submitted_at = Timestamp(Seconds(100)),
                       .started_at = Timestamp(Seconds(110)),
                       .ended_at = Timestamp(Seconds(120))};
    EXPECT_EQ(job, expected);
}

TEST(Queue, SaysWhyAJobWaitsAndNothingOfItsFuture) {
    const auto job = only(R"("job_id": 8, "job_state": "PENDING", "state_reason": "Resources",
        "start_time": 500, "end_time": 900, "exit_code": 0)");
    EXPECT_EQ(job.state, JobState::pending);
    EXPECT_EQ(job.reason, "Resources");
    EXPECT_FALSE(job.started_at || job.ended_at || job.exit_code);
    const auto running = only(R"("job_id": 8, "job_state": "RUNNING", "start_time": 500,
        "end_time": 31536500, "exit_code": 0)");
    EXPECT_TRUE(running.started_at);
    EXPECT_FALSE(running.ended_at || running.exit_code);
}

TEST(Queue, TellsExitCodesFromSignals) {
    EXPECT_EQ(only(R"("job_state": "FAILED", "exit_code": 768)").exit_code, 3);
    EXPECT_EQ(only(R"("job_state": "CANCELLED", "exit_code": 15)").exit_code, 143);
    EXPECT_EQ(only(R"("job_state": "FAILED", "exit_code": {"number": 256})").exit_code, 1);
}

TEST(Queue, KnowsEveryEnd) {
    for (const auto& [word, state] :
         std::map<std::string, JobState>{{"COMPLETED", JobState::completed},
                                         {"FAILED", JobState::failed},
                                         {"NODE_FAIL", JobState::failed},
                                         {"OUT_OF_MEMORY", JobState::failed},
                                         {"CANCELLED", JobState::cancelled},
                                         {"TIMEOUT", JobState::timed_out},
                                         {"COMPLETING", JobState::running},
                                         {"CONFIGURING", JobState::running},
                                         {"SOMETHING_NEW", JobState::unknown}}) {
        EXPECT_EQ(only("\"job_state\": \"" + word + "\"").state, state) << word;
    }
}

TEST(Queue, ThatIsNotWhatWeKnowIsAnError) {
    for (const char* text : {"", "[]", "{}", R"({"jobs": 3})", "slurm_load_jobs error"}) {
        EXPECT_FALSE(parse_jobs(text)) << text;
    }
    EXPECT_EQ(parse_jobs(R"({"jobs": [3, null]})")->size(), 0u);
}

/// Runs a batch script with programs of ours in front.
class Shell {
  public:
    Shell() {
        children_ = std::jthread([this](std::stop_token stop) { processes_.run(stop); });
    }
    int run(const std::string& script, const Directory& directory) {
        const auto path = "PATH=" + (directory / "bin") + ":/usr/bin:/bin";
        const auto finished = processes_.finish(
            {.arguments = {"/bin/bash", "-s"}, .environment = {path}, .input = script},
            Seconds(20));
        return finished ? finished->exit_code : -1;
    }

  private:
    const SystemClock clock_;
    system::Processes processes_{clock_};
    std::jthread children_;
};

Submission submission(const std::string& command) {
    return {.user = "ada", .command = command, .nodes = 2};
}

TEST(BatchScript, RunsTheCommandAsItWasTyped) {
    const Directory directory;
    Shell shell;
    const auto out = directory / "deep/er/out.txt";
    const auto script = batch_script(
        submission("echo 'it''s' \"$HOME\" `echo back` $((1+1)) ; echo two >&2\nexit 3"),
        out,
        directory / "fallback");
    EXPECT_EQ(shell.run(script, directory), 3);
    EXPECT_EQ(read_file(out), "its /root back 2\ntwo\n");
}

TEST(BatchScript, PutsASyntaxErrorIntoTheOutput) {
    const Directory directory;
    Shell shell;
    const auto out = directory / "out.txt";
    EXPECT_EQ(shell.run(batch_script(submission("if then"), out, directory / "f"), directory), 2);
    EXPECT_NE(read_file(out).value_or("").find("syntax error"), std::string::npos);
}

TEST(BatchScript, FallsBackWhereTheContainerIsNot) {
    const Directory directory;
    Shell shell;
    ASSERT_TRUE(system::write_file(directory / "file", "in the way"));
    const auto script =
        batch_script(submission("echo here"), directory / "file/out", directory / "fallback");
    EXPECT_EQ(shell.run(script, directory), 0);
    EXPECT_EQ(read_file(directory / "fallback"), "here\n");
}

TEST(BatchScript, RunsOnEveryNodeThroughSrun) {
    const Directory directory;
    Shell shell;
    std::filesystem::create_directories(directory / "bin");
    ASSERT_TRUE(system::write_file(directory / "bin/srun",
                                   "#!/bin/sh\necho \"srun $1\"; shift; exec \"$@\"\n",
                                   {.mode = 0755}));
    auto wanted = submission("echo 'a b'");
    wanted.runs = Submission::Runs::on_every_node;
    const auto out = directory / "out.txt";
    EXPECT_EQ(shell.run(batch_script(wanted, out, directory / "f"), directory), 0);
    EXPECT_EQ(read_file(out), "srun --ntasks-per-node=1\na b\n");
}

JobBook::Entry entry(std::int64_t id) {
    return {.job = {.id = id,
                    .user = "ada",
                    .name = "x",
                    .state = JobState::pending,
                    .nodes = 1,
                    .submitted_at = Timestamp(Seconds(id)),
                    .command = "x y"},
            .token = "t" + std::to_string(id)};
}

TEST(JobBook, RemembersAcrossARestart) {
    const Directory directory;
    const auto path = directory / "jobs.json";
    JobBook(path).add(entry(7));
    const JobBook book(path);
    ASSERT_TRUE(book.find(7));
    EXPECT_EQ(book.find(7)->token, "t7");
    EXPECT_EQ(book.find(7)->job.command, "x y");
    EXPECT_FALSE(book.find(8));
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(JobBook, KeepsWhatTheQueueForgets) {
    const Directory directory;
    JobBook book(directory / "jobs.json");
    book.add(entry(7));
    const Timestamp now(Seconds(50));
    const Job ended{.id = 7,
                    .user = "ada",
                    .state = JobState::completed,
                    .exit_code = 0,
                    .submitted_at = Timestamp(Seconds(7)),
                    .ended_at = Timestamp(Seconds(9))};
    const Job others{.id = 8, .user = "grace", .state = JobState::running};
    auto all = book.merge({ended, others}, now);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0], others);
    EXPECT_TRUE(all[1].ours);
    EXPECT_EQ(all[1].command, "x y");
    all = JobBook(directory / "jobs.json").merge({}, now);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].state, JobState::completed);
    EXPECT_EQ(all[0].exit_code, 0);
}

TEST(JobBook, DoesNotTakeAnotherUsersJobForOurs) {
    const Directory directory;
    JobBook book(directory / "jobs.json");
    book.add(entry(7));
    const auto all =
        book.merge({{.id = 7, .user = "grace", .state = JobState::failed}}, Timestamp(Seconds(50)));
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].user, "ada");
    EXPECT_EQ(all[0].state, JobState::unknown);
}

TEST(JobBook, TakesAYoungJobThatTheQueueDoesNotShowYetForWaiting) {
    const Directory directory;
    JobBook book(directory / "jobs.json");
    book.add(entry(7));
    EXPECT_EQ(book.merge({}, Timestamp(Seconds(8))).at(0).state, JobState::pending);
    EXPECT_EQ(book.merge({}, Timestamp(Seconds(60))).at(0).state, JobState::unknown);
}

TEST(JobBook, KeepsTheNewestAndBearsADamagedFile) {
    const Directory directory;
    ASSERT_TRUE(system::write_file(directory / "jobs.json", "[{\"id\": \"x\"}, 3, {}]"));
    JobBook book(directory / "jobs.json", 3);
    EXPECT_TRUE(book.merge({}, Timestamp(Seconds(1))).empty());
    for (std::int64_t id = 1; id <= 5; ++id) book.add(entry(id));
    EXPECT_FALSE(book.find(2));
    EXPECT_TRUE(book.find(3));
    EXPECT_TRUE(book.find(5));
}

}  // namespace
}  // namespace hopyard::node::console
