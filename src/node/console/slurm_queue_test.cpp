// Slurm's commands are stood in for by small scripts here: what they are given, as whom they run,
// and what is made of their answers.
#include "node/console/slurm_queue.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node::console {
namespace {

class TestClock final : public Clock {
  public:
    Timestamp now() const override { return now_; }
    void pass(Milliseconds time) { now_ += time; }

  private:
    Timestamp now_{Seconds(1'000)};
};

class Cluster {
  public:
    Cluster() {
        signal(SIGPIPE, SIG_IGN);  // as the program does: a script may end before it has read all
        char pattern[] = "/tmp/hopyard-queue-XXXXXX";
        directory_ = mkdtemp(pattern);
        chmod(directory_.c_str(), 0777);  // the scripts run as somebody else
        std::filesystem::create_directories(*this / "bin");
        std::filesystem::create_symlink("/usr/bin/tail", *this / "bin/tail");
        program("squeue", "cat " + (*this / "queue.json"));
        program("sbatch",
                "d=" + directory_ +
                    "\nid -un >$d/as\nenv >$d/environment\necho \"$@\" >$d/arguments\n"
                    "cat >$d/script\necho '7;demo'\n");
        board.set_orders({.revision = 1, .users = {{.name = "nobody"}, {.name = "root"}}});
        children_ = std::jthread([this](std::stop_token stop) { processes_.run(stop); });
    }
    ~Cluster() {
        children_.request_stop();
        children_.join();
        std::filesystem::remove_all(directory_);
    }
    std::string operator/(const std::string& name) const { return directory_ + "/" + name; }
    std::string file(const std::string& name) const { return read_file(*this / name).value_or(""); }
    void program(const std::string& name, const std::string& body) {
        ASSERT_TRUE(
            system::write_file(*this / ("bin/" + name), "#!/bin/sh\n" + body, {.mode = 0755}));
    }
    void queue_says(const std::string& jobs) {
        ASSERT_TRUE(system::write_file(*this / "queue.json", "{\"jobs\": [" + jobs + "]}"));
    }
    SlurmQueue queue() {
        return SlurmQueue(
            {board, processes_, clock, random_, [this] { ++refreshed; }},
            {.book = *this / "book.json", .outputs = *this / "outputs", .programs = *this / "bin"});
    }

    TestClock clock;
    Board board{{.node = "head"}, clock};
    int refreshed = 0;

  private:
    std::string directory_;
    SeededRandom random_{9};
    system::Processes processes_{clock};
    std::jthread children_;
};

Submission hostname() {
    return {.user = "nobody", .command = "hostname -f\ndate", .nodes = 2};
}

TEST(SlurmQueue, SubmitsAsTheUserWhoAsks) {
    if (geteuid() != 0) GTEST_FAIL() << "only root can become another user";
    Cluster cluster;
    auto queue = cluster.queue();
    const auto id = queue.submit(hostname());
    ASSERT_TRUE(id) << id.error().message;
    EXPECT_EQ(*id, 7);
    EXPECT_EQ(cluster.file("as"), "nobody\n");
    EXPECT_EQ(cluster.file("arguments"),
              "--parsable --nodes=2 --job-name=hostname --output=/dev/null\n");
    EXPECT_NE(cluster.file("environment").find("USER=nobody\n"), std::string::npos);
    EXPECT_EQ(cluster.file("environment").find("HOME=/root"), std::string::npos);
    const auto script = cluster.file("script");
    EXPECT_TRUE(script.starts_with("#!/bin/bash\n"));
    EXPECT_NE(script.find("'hostname -f\ndate'"), script.npos);
    EXPECT_EQ(cluster.file("arguments").find("date"), std::string::npos);
}

TEST(SlurmQueue, RefusesWhatCannotBeAJob) {
    Cluster cluster;
    auto queue = cluster.queue();
    const auto code = [&](Submission submission) { return queue.submit(submission).error().code; };
    EXPECT_EQ(code({.user = "nobody", .command = " \n"}), "command_empty");
    EXPECT_EQ(code({.user = "nobody", .command = std::string(command_max + 1, 'x')}),
              "command_malformed");
    EXPECT_EQ(code({.user = "nobody", .command = std::string("a\0b", 3)}), "command_malformed");
    EXPECT_EQ(code({.user = "nobody", .command = "id", .nodes = 0}), "nodes_out_of_range");
    EXPECT_EQ(code({.user = "nobody", .command = "id", .nodes = 5'000}), "nodes_out_of_range");
    EXPECT_EQ(code({.user = "daemon", .command = "id"}), "account_not_there");
    EXPECT_EQ(code({.user = "root", .command = "id"}), "account_not_there");
    EXPECT_EQ(cluster.file("script"), "");
}

TEST(SlurmQueue, SaysWhySlurmRefuses) {
    Cluster cluster;
    cluster.program("sbatch", "echo 'sbatch: error: no such partition' >&2; exit 1\n");
    const auto refused = cluster.queue().submit(hostname());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "job_refused");
    EXPECT_NE(refused.error().message.find("no such partition"), std::string::npos);
}

TEST(SlurmQueue, ReadsTheOutputWhenTheJobIsDone) {
    Cluster cluster;
    cluster.queue_says(R"({"job_id": 7, "user_name": "nobody", "job_state": "RUNNING"})");
    auto queue = cluster.queue();
    ASSERT_TRUE(queue.submit(hostname()));
    auto jobs = queue.jobs();
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 1u);
    EXPECT_EQ(jobs->at(0).state, JobState::running);
    EXPECT_EQ(jobs->at(0).command, "hostname -f\ndate");
    EXPECT_FALSE(queue.output(jobs->at(0))->complete);
    EXPECT_EQ(cluster.refreshed, 0);

    cluster.queue_says(R"({"job_id": 7, "user_name": "nobody", "job_state": "COMPLETED",
                           "submit_time": 1000, "end_time": 1000})");
    jobs = queue.jobs();
    const auto on_its_way = queue.output(jobs->at(0));
    EXPECT_FALSE(on_its_way->complete);
    EXPECT_EQ(cluster.refreshed, 1);

    std::string path = cluster.file("script");
    path = path.substr(path.find(" : >'") + 5);
    path = path.substr(0, path.find('\''));
    std::filesystem::create_directories(cluster / "outputs");
    ASSERT_TRUE(system::write_file(path, "w1\nw2\n"));
    const auto output = queue.output(jobs->at(0));
    EXPECT_TRUE(output->complete);
    EXPECT_EQ(output->text, "w1\nw2\n");
    EXPECT_EQ(cluster.queue().output(jobs->at(0))->text, "w1\nw2\n");
}

TEST(SlurmQueue, GivesUpOnAnOutputThatDoesNotCome) {
    Cluster cluster;
    cluster.queue_says(R"({"job_id": 7, "user_name": "nobody", "job_state": "COMPLETED",
                           "submit_time": 1000, "end_time": 1000, "nodes": "w1"})");
    auto queue = cluster.queue();
    ASSERT_TRUE(queue.submit(hostname()));
    const auto job = queue.jobs()->at(0);
    EXPECT_FALSE(queue.output(job)->complete);
    cluster.clock.pass(Seconds(61));
    const auto output = queue.output(job);
    EXPECT_TRUE(output->complete);
    EXPECT_NE(output->note.find("w1"), std::string::npos) << output->note;
}

TEST(SlurmQueue, KnowsNothingOfOutputsFromElsewhere) {
    Cluster cluster;
    const auto output = cluster.queue().output({.id = 3, .user = "nobody"});
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().kind, ErrorKind::not_found);
}

TEST(SlurmQueue, ThatDoesNotAnswerIsAnError) {
    Cluster cluster;
    cluster.program("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1\n");
    const auto jobs = cluster.queue().jobs();
    ASSERT_FALSE(jobs);
    EXPECT_NE(jobs.error().message.find("Unable to contact"), std::string::npos);
}

}  // namespace
}  // namespace hopyard::node::console
