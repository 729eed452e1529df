#include "node/system/files.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace hopyard::node::system {
namespace {

TEST(ReadFile, IsTheWholeFileOrNothing) {
    char pattern[] = "/tmp/hopyard-files-XXXXXX";
    const std::string directory = mkdtemp(pattern);
    const std::string long_text(100'000, 'x');
    ASSERT_TRUE(write_file(directory + "/long", long_text, {.mode = 0600}));
    ASSERT_TRUE(write_file(directory + "/empty", "", {.mode = 0600}));
    EXPECT_EQ(read_file(directory + "/long"), long_text);
    EXPECT_EQ(read_file(directory + "/empty"), "");
    EXPECT_EQ(read_file(directory + "/missing"), std::nullopt);
    EXPECT_EQ(read_file(directory), std::nullopt) << "it opens, and cannot be read";
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace hopyard::node::system
