#include "http/core.h"

#include <thread>

#include <gtest/gtest.h>

namespace hopyard::http {
namespace {

TEST(Jobs, ListenersTakeTurnsHoweverManyWaitAtOne) {
    Jobs jobs;
    std::string order;
    for (int i = 0; i < 3; ++i) jobs.push("nodes", [&] { order += 'n'; });
    for (int i = 0; i < 2; ++i) jobs.push("people", [&] { order += 'p'; });
    EXPECT_EQ(jobs.waiting("nodes"), 3u);
    EXPECT_EQ(jobs.waiting("people"), 2u);
    EXPECT_EQ(jobs.waiting("nobody"), 0u);
    std::jthread worker([&] { jobs.run(); });
    while (jobs.waiting("nodes") > 0) std::this_thread::yield();
    jobs.push("people", [&] {
        order += '.';
        jobs.end();
    });
    worker.join();
    EXPECT_EQ(order, "npnpn.");
}

TEST(Jobs, ThoseThatWaitAtTheEndAreDropped) {
    Jobs jobs;
    jobs.push("people", [&] { jobs.end(); });
    jobs.push("people", [] { FAIL() << "it was dropped"; });
    jobs.run();
    jobs.push("people", [] { FAIL() << "nobody takes it"; });
    EXPECT_EQ(jobs.waiting("people"), 0u);
}

}  // namespace
}  // namespace hopyard::http
