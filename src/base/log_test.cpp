#include "base/log.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace hopyard {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Log, of_a_file_keeps_to_its_size_and_to_its_owner) {
    std::string folder = "/tmp/hopyard-log-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    const std::string now = folder + "/a.log", before = folder + "/a.1.log";
    constexpr std::size_t bytes_max = 4096;
    log::to_file(now, bytes_max);
    for (int i = 0; i < 200; ++i) log::info("something happened", {{"number", i}});
    EXPECT_TRUE(text_of(now).ends_with("number=199\n"));
    EXPECT_EQ(text_of(before).find("number=0\n"), std::string::npos) << "the oldest are dropped";
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        ++files;
        EXPECT_LE(file.file_size(), bytes_max) << file.path();
        EXPECT_EQ(file.status().permissions(),
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
            << file.path();
    }
    EXPECT_EQ(files, 2);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace hopyard
