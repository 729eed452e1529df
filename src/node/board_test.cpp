#include "node/board.h"

#include <gtest/gtest.h>

namespace hopyard::node {
namespace {

nodewire::Report of_worker(const std::string& run, std::int64_t number, const std::string& stage) {
    return {.node = "demo-w1", .run = run, .number = number, .stage = stage};
}

TEST(Board, a_report_that_a_newer_one_overtook_is_dropped_and_one_of_a_new_run_is_not) {
    const SystemClock clock;
    Board board({.node = "demo-head"}, clock);
    board.set_relayed(of_worker("first", 2, "ready"));
    const auto change = board.change();
    board.set_relayed(of_worker("first", 1, "mounting"));
    EXPECT_EQ(board.relayed("demo-w1")->stage, "ready");
    EXPECT_EQ(board.change(), change);
    board.set_relayed(of_worker("second", 1, "mounting"));
    EXPECT_EQ(board.relayed("demo-w1")->stage, "mounting");
}

TEST(Board, each_report_is_numbered_and_a_number_alone_is_no_news) {
    const SystemClock clock;
    Board board({.node = "demo-head", .run = "r"}, clock);
    const auto first = board.report(), second = board.report();
    EXPECT_LT(first.number, second.number);
    EXPECT_EQ(second.run, "r");
    EXPECT_TRUE(says_the_same(first, second));
}

}  // namespace
}  // namespace hopyard::node
