#include "node/access/accounts.h"

#include <gtest/gtest.h>

namespace hopyard::node::access {
namespace {

using nodewire::User;

AccountFiles machine() {
    return {.passwd = "root:x:0:0:root:/root:/bin/bash\nslurm:x:64030:64030::/:/usr/sbin/nologin\n",
            .group = "root:x:0:\nsudo:x:27:\nslurm:x:64030:\n",
            .shadow = Secret("root:*:19000:0:99999:7:::\nslurm:!:19000::::::\n")};
}

User ada() {
    return {.name = "ada", .uid = 2000, .administrator = true, .password_hash = "$6$s$hash"};
}

TEST(Accounts, AddsAUserAndLeavesTheOthersAsTheyAre) {
    const auto files = with_users(machine(), {ada()});
    ASSERT_TRUE(files);
    EXPECT_EQ(files->passwd,
              machine().passwd + "ada:x:2000:2000:Hopyard user:/home/ada:/bin/bash\n");
    EXPECT_EQ(files->group, "root:x:0:\nsudo:x:27:ada\nslurm:x:64030:\nada:x:2000:\n");
    EXPECT_EQ(files->shadow.reveal(), machine().shadow.reveal() + "ada:$6$s$hash:::::::\n");
}

TEST(Accounts, ChangesNothingTheSecondTime) {
    const auto once = with_users(machine(), {ada()});
    const auto twice = with_users(*once, {ada()});
    EXPECT_EQ(twice->passwd, once->passwd);
    EXPECT_EQ(twice->group, once->group);
    EXPECT_EQ(twice->shadow.reveal(), once->shadow.reveal());
}

TEST(Accounts, RemovesWhomOrdersNoLongerName) {
    const auto files = with_users(*with_users(machine(), {ada()}), {});
    EXPECT_EQ(files->passwd, machine().passwd);
    EXPECT_EQ(files->group, machine().group);
    EXPECT_EQ(files->shadow.reveal(), machine().shadow.reveal());
}

TEST(Accounts, TakesRightsOfAnAdministratorBack) {
    auto user = ada();
    user.administrator = false;
    const auto files = with_users(*with_users(machine(), {ada()}), {user});
    EXPECT_NE(files->group.find("sudo:x:27:\n"), std::string::npos);
}

TEST(Accounts, LetsNobodyInByPasswordWhoHasNone) {
    auto user = ada();
    user.password_hash = "";
    EXPECT_NE(with_users(machine(), {user})->shadow.reveal().find("ada:*:"), std::string::npos);
}

TEST(Accounts, TakesOverAnAccountThatTheCloudMade) {
    auto before = machine();
    before.passwd += "ada:x:1000:1000:Debian:/home/ada:/bin/bash\n";
    before.group += "ada:x:1000:\n";
    const auto files = with_users(before, {ada()});
    ASSERT_TRUE(files);
    EXPECT_EQ(files->passwd.find("1000:1000"), std::string::npos);
    EXPECT_NE(files->group.find("ada:x:2000:"), std::string::npos);
}

TEST(Accounts, RefusesWhatWouldHarmTheSystem) {
    auto before = machine();
    before.passwd += "bob:x:2000:2000::/home/bob:/bin/sh\n";
    EXPECT_EQ(with_users(before, {ada()}).error().code, "uid_taken");
    for (const auto& [name, uid] : std::vector<std::pair<std::string, int>>{{"", 2000},
                                                                            {"root:x", 2000},
                                                                            {"-rf", 2000},
                                                                            {"ada\n", 2000},
                                                                            {"ada", 0},
                                                                            {"ada", 70000}}) {
        EXPECT_EQ(with_users(machine(), {{.name = name, .uid = uid}}).error().code,
                  "user_malformed")
            << name << " " << uid;
    }
    EXPECT_EQ(with_users(machine(), {{.name = "slurm", .uid = 2000}}).error().code,
              "user_is_a_system_account");
    auto user = ada();
    user.password_hash = "x:0:0\nroot::";
    EXPECT_EQ(with_users(machine(), {user}).error().code, "user_malformed");
}

}  // namespace
}  // namespace hopyard::node::access
