#include "base/read_file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace hopyard {
namespace {

TEST(ReadFile, IsTheWholeFileOrNothing) {
    char pattern[] = "/tmp/hopyard-files-XXXXXX";
    const std::string directory = mkdtemp(pattern);
    const std::string long_text(100'000, 'x');
    std::ofstream(directory + "/long") << long_text;
    std::ofstream(directory + "/empty") << "";
    EXPECT_EQ(read_file(directory + "/long"), long_text);
    EXPECT_EQ(read_file(directory + "/empty"), "");
    EXPECT_EQ(read_file(directory + "/missing"), std::nullopt);
    EXPECT_EQ(read_file(directory), std::nullopt) << "it opens, and cannot be read";
    EXPECT_TRUE(read_file("/proc/self/stat")) << "its size is 0";
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace hopyard
