#include "node/log_tail.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace hopyard::node {
namespace {

nodewire::Orders with_secrets() {
    nodewire::Orders orders;
    orders.workload_key = Secret(std::string(128, 'k'));
    orders.users = {{.name = "ada", .uid = 2000, .password_hash = "$6$salt$averylonghash"}};
    orders.storage = nodewire::StorageGrant{
        .sas_url = Secret("https://acct.blob.local/data?sp=rw&sig=c2lnbmF0dXJl&sv=1")};
    orders.page_key_pem = Secret(
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEH\n"
        "-----END PRIVATE KEY-----\n");
    return orders;
}

class LogTail : public ::testing::Test {
  protected:
    LogTail() { std::filesystem::create_directories(folder_); }
    ~LogTail() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
    }
    nodewire::LogReply read(int lines) const {
        return read_log({.node = "w1", .lines = lines},
                        with_secrets(),
                        {.program = folder_ + "/program", .init_script = folder_ + "/script"});
    }

  private:
    const std::string folder_ =
        std::filesystem::temp_directory_path() / ("log_tail_test." + std::to_string(getpid()));
};

TEST_F(LogTail, IsTheLastLinesOfBothFiles) {
    write("program", "one\ntwo\nthree\n");
    write("script", "begun\nended");
    const auto reply = read(2);
    EXPECT_EQ(reply.node, "w1");
    EXPECT_EQ(reply.program, "two\nthree\n");
    EXPECT_EQ(reply.init_script, "begun\nended");
    EXPECT_EQ(read(100).program, "one\ntwo\nthree\n");
}

TEST_F(LogTail, OfWhatIsNotThereIsEmpty) {
    const auto reply = read(10);
    EXPECT_EQ(reply.program, "");
    EXPECT_EQ(reply.init_script, "");
}

TEST_F(LogTail, IsNeverLargerThanTheLimits) {
    std::string long_text;
    for (int i = 0; i < 20'000; ++i) long_text += "line " + std::to_string(i) + "\n";
    write("program", long_text);
    write("script", long_text);
    const auto reply = read(1'000'000);
    EXPECT_LE(reply.program.size(), nodewire::program_log_max);
    EXPECT_LE(reply.init_script.size(), nodewire::init_script_log_max);
    EXPECT_TRUE(reply.program.ends_with("line 19999\n"));
}

TEST_F(LogTail, HoldsNoSecretOfTheOrdersWhoeverPrintedIt) {
    const auto orders = with_secrets();
    std::string printed = "before\n" + orders.storage->sas_url.reveal() + "\nsig=c2lnbmF0dXJl\n" +
                          orders.users[0].password_hash + "\n" + orders.workload_key.reveal() +
                          "\n" + orders.page_key_pem.reveal() + "after\n";
    write("program", printed);
    write("script", printed);
    const auto reply = read(1'000);
    for (const std::string& text : {reply.program, reply.init_script}) {
        for (const char* secret : {"c2lnbmF0dXJl",
                                   "averylonghash",
                                   "kkkkkkkkkkkkkkkk",
                                   "MIGHAgEAMBMGByqGSM49",
                                   "AgEGCCqGSM49AwEH"})
            EXPECT_EQ(text.find(secret), std::string::npos) << secret;
        EXPECT_TRUE(text.starts_with("before\n[secret]\n"));
        EXPECT_TRUE(text.ends_with("after\n"));
    }
}

TEST(LastLines, CountWhatEndsWithoutANewlineToo) {
    EXPECT_EQ(last_lines("", 3), "");
    EXPECT_EQ(last_lines("a\nb\nc", 1), "c");
    EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc\n");
    EXPECT_EQ(last_lines("a\n\n", 2), "a\n\n");
    EXPECT_EQ(last_lines("a\n", 1), "a\n");
}

}  // namespace
}  // namespace hopyard::node
