// What cannot work is refused before anything is made, with the rule and the remedy.
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "customer.h"
#include "localcloud/network/descriptor.h"
#include "program.h"
#include "traces.h"

namespace hopyard::tests {
namespace {

namespace fs = std::filesystem;

/// Code 1, the cause, the option to blame and the remedy; and no trace on this machine.
void expect_refusal(const Program& program,
                    const Finished& refused,
                    const std::string& cause,
                    const std::string& option,
                    const std::string& remedy) {
    EXPECT_EQ(refused.code, 1) << refused.output;
    EXPECT_NE(refused.output.find(cause), std::string::npos) << refused.output;
    EXPECT_NE(refused.output.find("option: --" + option + "\n"), std::string::npos)
        << refused.output;
    EXPECT_NE(refused.output.find(remedy), std::string::npos) << refused.output;
    const std::string instance = program.instance();
    if (!instance.empty()) {
        EXPECT_EQ(traces_of(instance), std::vector<std::string>{});
    }
}

/// A state that was used once.
void start_once(Program& program) {
    ASSERT_EQ(program.start(), "");
    const auto down = program.run("down");
    ASSERT_EQ(down.code, 0) << down.output;
    program.kill_hard();
}

TEST(BadInput, APortInUseIsNamed) {
    const localcloud::network::Descriptor taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    ASSERT_EQ(bind(taken.get(), reinterpret_cast<const sockaddr*>(&where), size), 0);
    ASSERT_EQ(listen(taken.get(), 1), 0);
    getsockname(taken.get(), reinterpret_cast<sockaddr*>(&where), &size);
    const std::string port = std::to_string(ntohs(where.sin_port));
    const Program program;
    for (const std::string option : {"port", "blob-port"})
        expect_refusal(program,
                       program.refused({"--" + option, port}),
                       "another program listens on port " + port,
                       option,
                       "choose another port with --" + option);
}

TEST(BadInput, MissingAzuriteIsNamed) {
    Program program;
    program.set_option("--azurite", "/nonexistent");
    expect_refusal(program,
                   program.refused(),
                   "Azurite, which stores the blobs, is not in /nonexistent",
                   "azurite",
                   "tools/fetch-azurite");
}

TEST(BadInput, ANodeJsThatIsMissingOrTooOldIsNamed) {
    Program program;
    program.set_option("--node", "/nonexistent/node");
    expect_refusal(
        program, program.refused(), "Node.js of at least version 20", "node", "tools/fetch-node");
    const fs::path old = program.state().parent_path() / "old-node";
    std::ofstream(old) << "#!/bin/sh\necho v18.20.4\n";
    fs::permissions(old, fs::perms::owner_all);
    program.set_option("--node", old.string());
    expect_refusal(
        program, program.refused(), old.string() + " is v18.20.4", "node", "tools/fetch-node");
}

TEST(BadInput, AMissingOrDamagedImageIsNamed) {
    Program program;
    const fs::path image = program.state().parent_path() / "image";
    program.set_option("--image", image.string());
    const std::string remedy = "tools/build-image " + image.string();
    expect_refusal(program, program.refused(), "There is no machine image", "image", remedy);
    fs::create_directories(image / "rootfs/usr/bin");
    expect_refusal(program, program.refused(), "The machine image is damaged", "image", remedy);
    // As a build makes it, less one file.
    std::ofstream(image / "manifest") << "format 1\ntree 0123\n";
    expect_refusal(program, program.refused(), "missing, added or changed", "image", remedy);
}

TEST(BadInput, AForwardMustBeTwoFreePorts) {
    const Program program;
    for (const std::string forward : {"8443=", "no", "0=1", "70000", "8443=99999", "8443=1x"})
        expect_refusal(program,
                       program.refused({"--forward", forward}),
                       "'" + forward + "' is not PORT or PORT=HOST_PORT",
                       "forward",
                       "give two numbers from 1 to 65535");
    expect_refusal(program,
                   program.refused({"--forward", "80=8080"}),
                   "port 80 cannot be forwarded",
                   "forward",
                   "choose another PORT");
}

TEST(BadInput, AStateOfANewerVersionIsLeftUntouched) {
    Program program;
    start_once(program);
    const std::string file = program.state() / "state.db";
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(database);
    const auto before = fs::last_write_time(file);
    expect_refusal(program,
                   program.refused(),
                   "a newer version of the program wrote it",
                   "state",
                   "another --state");
    EXPECT_EQ(fs::last_write_time(file), before);
}

TEST(BadInput, ADamagedStateIsRefused) {
    Program program;
    start_once(program);
    {
        std::fstream file(program.state() / "state.db", std::ios::in | std::ios::out);
        file.write(std::string(2048, 'x').data(), 2048);
    }
    expect_refusal(program,
                   program.refused(),
                   "state.db cannot be used",
                   "state",
                   "restore the file from a copy");
    std::ofstream(program.state() / "instance") << "Not an id\n";
    const auto refused = program.refused();
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.output.find("holds no instance id"), std::string::npos) << refused.output;
}

TEST(BadInput, AStateDirectoryWithoutSpaceIsNamed) {
    Program program;
    fs::create_directories(program.state());
    ASSERT_EQ(mount("tmpfs", program.state().c_str(), "tmpfs", 0, "size=32k"), 0);
    const auto refused = program.refused();
    umount2(program.state().c_str(), MNT_DETACH);
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.output.find("make room on the disk that holds the state directory"),
              std::string::npos)
        << refused.output;
}

TEST(BadInput, AStateInUseIsNotUsedTwice) {
    Program program;
    ASSERT_EQ(program.start(), "");
    const auto refused = program.refused();
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.output.find("another hopyard-cloud uses"), std::string::npos);
    EXPECT_NE(refused.output.find("option: --state"), std::string::npos);
}

TEST(BadInput, WithoutDiskSpaceAMachineIsACapacityRefusalAndLeavesNoDisk) {
    Program program;
    program.set_option("--disk-floor-gb", "1000000");
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    const auto made = customer.make_machine({.name = "one"});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::capacity_unavailable) << made.error().message;
    EXPECT_NE(made.error().message.find("free disk space"), std::string::npos)
        << made.error().message;
    EXPECT_TRUE(fs::is_empty(program.state() / "machines"));
}

}  // namespace
}  // namespace hopyard::tests
