#include "localcloud/network/command.h"

#include <gtest/gtest.h>

namespace hopyard::localcloud::network {
namespace {

TEST(Command, IsReadToItsLastLine) {
    const auto output = run_command({.arguments = {"seq", "1", "100000"}});
    ASSERT_TRUE(output);
    EXPECT_TRUE(output->starts_with("1\n2\n"));
    EXPECT_TRUE(output->ends_with("\n99999\n100000"));
}

TEST(Command, GetsItsInputAndItsErrorsAreRead) {
    EXPECT_EQ(run_command({.arguments = {"sh", "-c", "cat; echo bad >&2"}, .input = "in "}),
              "in bad");
}

TEST(Command, ThatFailsIsQuoted) {
    const auto failed = run_command({.arguments = {"sh", "-c", "echo why; seq 1 100000; exit 3"}});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, "tool_failed");
    EXPECT_TRUE(failed.error().message.starts_with("sh failed: why\n1\n"));
    EXPECT_LT(failed.error().message.size(), 5000u);
    EXPECT_EQ(run_command({.arguments = {"false"}}).error().message, "false failed: no output");
}

TEST(Command, ThatIsMissingOrDoesNotEndIsNamed) {
    EXPECT_EQ(run_command({.arguments = {"hopyard-no-such-tool"}}).error().code, "tool_missing");
    const auto late = run_command(
        {.arguments = {"sh", "-c", "echo begun; exec sleep 60"}, .timeout = Milliseconds(500)});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, "tool_timed_out");
    EXPECT_TRUE(late.error().message.ends_with("begun"));
}

}  // namespace
}  // namespace hopyard::localcloud::network
