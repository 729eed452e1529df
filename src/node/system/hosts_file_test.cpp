#include "node/system/hosts_file.h"

#include <filesystem>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node::system {
namespace {

using Entries = std::vector<HostsEntry>;

const Entries one = {{"10.0.0.1", {"acct.blob.localhost"}}};
const std::string one_block =
    "# hopyard storage begin\n10.0.0.1 acct.blob.localhost\n# hopyard storage end\n";

TEST(HostsFile, GetsABlockBehindWhatIsThere) {
    EXPECT_EQ(with_hosts_block("127.0.0.1 localhost\n", "storage", one),
              "127.0.0.1 localhost\n" + one_block);
    EXPECT_EQ(with_hosts_block("127.0.0.1 localhost", "storage", one),
              "127.0.0.1 localhost\n" + one_block);
    EXPECT_EQ(with_hosts_block("", "storage", one), one_block);
}

TEST(HostsFile, ReplacesItsOwnBlockOnly) {
    const std::string other = "# hopyard members begin\n10.0.0.4 head\n# hopyard members end\n";
    const auto before = "a\n" + other + one_block + "z\n";
    const Entries fresh = {{"10.0.0.9", {"x", "y"}}};
    EXPECT_EQ(with_hosts_block(before, "storage", fresh),
              "a\n" + other + "# hopyard storage begin\n10.0.0.9 x y\n# hopyard storage end\nz\n");
    EXPECT_EQ(with_hosts_block(before, "storage", {}), "a\n" + other + "z\n");
    EXPECT_EQ(with_hosts_block(before, "storage", one), before);
}

TEST(HostsFile, LosesNoBlockWhenSeveralWriteAtOnce) {
    char pattern[] = "/tmp/hopyard-hosts-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    const std::string path = std::string(pattern) + "/hosts";
    {
        std::vector<std::jthread> writers;
        for (int writer = 0; writer < 4; ++writer) {
            writers.emplace_back([&path, writer] {
                const auto name = "w" + std::to_string(writer);
                for (int round = 0; round < 50; ++round) {
                    const Entries mine = {{"10.0.0." + std::to_string(round), {name}}};
                    EXPECT_TRUE(set_hosts_block(path, name, mine));
                }
            });
        }
    }
    const auto text = read_file(path).value_or("");
    for (const char* name : {"w0", "w1", "w2", "w3"}) {
        EXPECT_NE(text.find("10.0.0.49 " + std::string(name) + "\n"), text.npos) << text;
    }
    std::filesystem::remove_all(pattern);
}

}  // namespace
}  // namespace hopyard::node::system
