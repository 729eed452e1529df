#include "node/channel.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace hopyard::node {
namespace {

/// Lets a poll wait for its whole time unless another report comes, and answers it then a moment
/// later: so the next poll begins just when the next change may come.
class ControlPlane final : public http::Transport {
  public:
    explicit ControlPlane(std::stop_token stop) : stop_(std::move(stop)) {}

    Result<http::Response> send(const http::OutgoingRequest& request) override {
        const auto report = nodewire::report_from_json(request.body);
        EXPECT_TRUE(report);
        const bool is_poll = request.url.find("seen=") != std::string::npos;
        std::unique_lock lock(mutex_);
        if (report->number > newest_.number) newest_ = *report;
        if (is_poll) {
            arrived_.notify_all();
            const auto known = reports_;
            arrived_.wait_for(
                lock, stop_, nodewire::report_period, [&] { return reports_ != known; });
            const Milliseconds moment(random_.next() % 4);
            lock.unlock();
            std::this_thread::sleep_for(moment);
        } else {
            ++reports_;
            arrived_.notify_all();
        }
        return http::Response{.status = 204};
    }

    /// Whether a report of so many jobs came within that time.
    bool hears(int jobs_pending, Milliseconds within) {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(
            lock, stop_, within, [&] { return newest_.jobs_pending == jobs_pending; });
    }

  private:
    const std::stop_token stop_;
    std::mutex mutex_;
    std::condition_variable_any arrived_;
    nodewire::Report newest_;
    std::int64_t reports_ = 0;  ///< beside polls
    SeededRandom random_{7};
};

class Node {
  public:
    Node()
        : directory_(make_directory()),
          state_(*StateDirectory::open(directory_ + "/state")),
          control(std::make_shared<ControlPlane>(stopping_.get_token())) {
        upstream_.set(std::make_shared<Upstream>(control, "https://control"));
        waiting_ = std::jthread([this](std::stop_token stop) { channel_.run_waiting(stop); });
        changes_ = std::jthread([this](std::stop_token stop) { channel_.run_changes(stop); });
    }
    ~Node() {
        waiting_.request_stop();
        changes_.request_stop();
        stopping_.request_stop();
        waiting_.join();
        changes_.join();
        std::filesystem::remove_all(directory_);
    }

    Board board{{.node = "demo-head", .run = "r"}, clock_};

  private:
    static std::string make_directory() {
        char pattern[] = "/tmp/hopyard-channel-XXXXXX";
        return mkdtemp(pattern);
    }
    static Enrolled enrolled(Timestamp now) {
        return {.identity = {.node = "demo-head"}, .credentials = {.obtained_at = now}};
    }

    inline static const SystemClock clock_;
    const std::string directory_;
    SeededRandom random_{1};
    StateDirectory state_;
    UpstreamSlot upstream_;
    std::stop_source stopping_;
    Channel channel_{{board, state_, upstream_, clock_, random_}, enrolled(clock_.now())};
    std::jthread waiting_, changes_;

  public:
    const std::shared_ptr<ControlPlane> control;
};

TEST(Channel, every_change_is_told_at_once_whatever_the_poll_is_doing) {
    Node node;
    SeededRandom random{3};
    for (int jobs = 1; jobs <= 100; ++jobs) {
        node.board.set_workload({.jobs_pending = jobs});
        // A change that is not told goes with the next poll, after five seconds.
        ASSERT_TRUE(node.control->hears(jobs, nodewire::report_period / 2)) << jobs;
        std::this_thread::sleep_for(Milliseconds(random.next() % 5));
    }
}

}  // namespace
}  // namespace hopyard::node
