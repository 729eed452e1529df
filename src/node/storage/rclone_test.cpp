#include "node/storage/rclone.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node::storage {
namespace {

class Directory {
  public:
    Directory() {
        char pattern[] = "/tmp/hopyard-rclone-XXXXXX";
        path_ = mkdtemp(pattern);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    ASSERT_TRUE(system::write_file(path, text));
}

TEST(ContainerOf, IsTheLastSegmentOfThePath) {
    EXPECT_EQ(container_of(Secret("https://a.blob.core.windows.net/c-1?sv=1&sig=x")), "c-1");
    EXPECT_EQ(container_of(Secret("https://127.0.0.1:10000/a/c-1?sig=x")), "c-1");
    EXPECT_EQ(container_of(Secret("https://a.blob.localhost:10000/c-1/")), "c-1");
}

TEST(ContainerOf, RefusesWhatCouldNotStandInTheConfiguration) {
    for (const char* url : {"",
                            "ftp://a/c?sig=x",
                            "https://a.example?sig=x",
                            "https://a.example/?sig=x",
                            "https://a.example/c?sig=x\nhttp_proxy = evil",
                            "https://a.example/c ?sig=x"}) {
        const auto outcome = container_of(Secret(url));
        ASSERT_FALSE(outcome) << url;
        EXPECT_EQ(outcome.error().code, "storage_grant_malformed");
        EXPECT_EQ(outcome.error().message.find("sig="), std::string::npos);
    }
}

TEST(MountCommand, HoldsNoSecret) {
    const auto command = mount_command("c-1", {.configuration = "/x/data.conf"});
    for (const auto& each : command.arguments) EXPECT_EQ(each.find("https"), each.npos);
    EXPECT_TRUE(command.environment.empty());
}

TEST(MountCommand, KeepsSignaturesOutOfTheLog) {
    const Directory directory;
    write(directory / "program",
          "#!/bin/sh\necho 'Get \"https://a/c?si=n&sig=s3%2Bcret%3D&sr=c\": no' >&2\n");
    std::filesystem::permissions(directory / "program", std::filesystem::perms::owner_all);
    const SystemClock clock;
    system::Processes processes(clock);
    std::jthread children([&](std::stop_token stop) { processes.run(stop); });
    const auto command = mount_command("c-1",
                                       {.program = directory / "program",
                                        .mount_point = directory.path(),
                                        .log = directory / "log"});
    ASSERT_TRUE(processes.finish(command, Seconds(10)));
    const auto log = [&] { return read_file(directory / "log").value_or(""); };
    // The filter ends a moment after the program.
    for (int i = 0; i < 1000 && !log().ends_with("\n"); ++i) {
        (void)processes.finish({.arguments = {"/bin/true"}}, Seconds(10));
    }
    EXPECT_EQ(log(), "Get \"https://a/c?si=n&sig=REDACTED&sr=c\": no\n");
}

TEST(HasMount, KnowsOursFromOthers) {
    const std::string ours = "data:c /data fuse.rclone rw,nosuid 0 0\n";
    EXPECT_TRUE(has_mount("proc /proc proc rw 0 0\n" + ours, "/data"));
    EXPECT_FALSE(has_mount(ours, "/dat"));
    EXPECT_FALSE(has_mount(ours, "/data/x"));
    EXPECT_FALSE(has_mount("/dev/sdb /data ext4 rw 0 0\n", "/data"));
}

TEST(PendingWrites, AreTheDirtyFilesOfTheCache) {
    const Directory directory;
    PendingWrites pending(directory.path());
    EXPECT_EQ(pending.count(), 0);
    write(directory / "vfsMeta/data/c/a", R"({"Size": 3, "Dirty": true})");
    write(directory / "vfsMeta/data/c/d/b", R"({"Size": 3, "Dirty": false})");
    EXPECT_EQ(pending.count(), 1);
    write(directory / "vfsMeta/data/c/a", R"({"Size": 3, "Dirty": false})");
    EXPECT_EQ(pending.count(), 0);
    write(directory / "vfsMeta/data/c/d/b", R"({"Size": 4, "Dirty": true})");
    EXPECT_EQ(pending.count(), 1);
    std::filesystem::remove_all(directory / "vfsMeta/data/c/d");
    EXPECT_EQ(pending.count(), 0);
}

TEST(PendingWrites, TakeAHalfWrittenFileForDirtyUntilItIsWhole) {
    const Directory directory;
    PendingWrites pending(directory.path());
    write(directory / "vfsMeta/data/c/a", R"({"Size": 3, "Di)");
    EXPECT_EQ(pending.count(), 1);
    write(directory / "vfsMeta/data/c/a", R"({"Dirty":false})");
    EXPECT_EQ(pending.count(), 0);
}

}  // namespace
}  // namespace hopyard::node::storage
