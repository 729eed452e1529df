#include "nodewire/wire.h"

#include <gtest/gtest.h>

namespace hopyard::nodewire {
namespace {

Orders example() {
    Orders worker;
    worker.revision = 3;
    worker.node = "demo-w1";
    Orders orders;
    orders.revision = 4;
    orders.cluster = "c-1";
    orders.node = "demo-head";
    orders.is_head = true;
    orders.workload_key = Secret(std::string("\0\xff\x01", 3));
    orders.users = {
        {.name = "ada", .uid = 2000, .administrator = true, .ssh_keys = {"ssh-ed25519 A"}}};
    orders.storage = StorageGrant{.sas_url = Secret("https://x"), .ca_pem = "ca"};
    orders.members = {{.name = "demo-w1", .address = "10.0.0.5", .state = Member::State::draining}};
    orders.workers["demo-w1"] = worker;
    return orders;
}

TEST(Wire, orders_come_back_with_secrets_members_and_workers) {
    const auto back = orders_from_json(to_json(example()));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(to_json(*back), to_json(example()));
    EXPECT_EQ(back->workload_key.reveal(), std::string("\0\xff\x01", 3));
    EXPECT_EQ(back->members.at(0).state, Member::State::draining);
    EXPECT_EQ(back->workers.at("demo-w1").revision, 3);
    EXPECT_EQ(back->storage->ca_pem, "ca");
}

TEST(Wire, reports_come_back_with_the_workers_inside) {
    Report worker;
    worker.node = "demo-w1";
    worker.failure = Error{.kind = ErrorKind::unavailable, .code = "mount", .message = "no"};
    Report report;
    report.node = "demo-head";
    report.run = "r";
    report.number = 9;
    report.workload = {
        {.name = "demo-w1", .state = "idle", .drained = true, .drain = 7, .jobs = 2}};
    report.init_script = InitScriptResult{.exit_code = 3, .output_tail = "boom\xff"};
    report.workers = {{.report = worker, .age_ms = 40}};
    const auto back = report_from_json(to_json(report));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->run, "r");
    EXPECT_EQ(back->number, 9);
    EXPECT_EQ(back->workers.at(0).age_ms, 40);
    EXPECT_EQ(back->workers.at(0).report.failure->code, "mount");
    EXPECT_EQ(back->workload.at(0).jobs, 2);
    EXPECT_EQ(back->workload.at(0).drain, 7);
    EXPECT_EQ(back->init_script->exit_code, 3);
}

TEST(Wire, what_waits_and_what_is_taken_come_back) {
    Report report{.node = "demo-head"};
    EXPECT_FALSE(report_from_json(to_json(report))->demand) << "the manager was not asked yet";
    report.demand.emplace();
    EXPECT_EQ(report_from_json(to_json(report))->demand, report.demand) << "nothing waits";
    report.demand->cut = true;
    report.demand->requests = {{.name = "40_3",
                                .count = 3,
                                .pieces = 2,
                                .apart = true,
                                .each = {.cpus = 4, .memory_mb = 2000, .gpus = 1},
                                .whole_machine = true,
                                .gpu_type = "a100",
                                .features = {"gpu"},
                                .machines = {"demo-w1"},
                                .waiting_since = Timestamp(Milliseconds(17)),
                                .limit_s = 60}};
    report.workload = {{.name = "demo-w1",
                        .allocated = {.cpus = 2, .memory_mb = 512, .gpus = 1},
                        .busy_until = Timestamp(Milliseconds(99)),
                        .completing = true}};
    const auto back = report_from_json(to_json(report));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->demand, report.demand);
    EXPECT_EQ(back->workload, report.workload);
}

TEST(Wire, older_programs_say_which_cores_are_taken_and_nothing_else) {
    const auto old = report_from_json(R"({"workload": [{"name": "w1", "allocatedCpus": 3}]})");
    ASSERT_TRUE(old) << old.error().message;
    EXPECT_EQ(old->workload.at(0).allocated, (model::Resources{.cpus = 3}));
    EXPECT_FALSE(old->demand);
}

TEST(Wire, a_poll_brings_orders_or_wishes_for_logs) {
    const auto orders = poll_reply_from_json(to_json(example()));
    ASSERT_TRUE(orders) << orders.error().message;
    EXPECT_EQ(orders->orders->revision, 4);
    EXPECT_TRUE(orders->logs.empty());
    const auto wishes =
        poll_reply_from_json(to_json(std::vector<LogRequest>{{.node = "demo-w1", .lines = 50}}));
    ASSERT_TRUE(wishes) << wishes.error().message;
    EXPECT_FALSE(wishes->orders);
    ASSERT_EQ(wishes->logs.size(), 1u);
    EXPECT_EQ(wishes->logs[0].node, "demo-w1");
    EXPECT_EQ(wishes->logs[0].lines, 50);
    EXPECT_FALSE(poll_reply_from_json(R"({"logs": 3})"));
    EXPECT_FALSE(poll_reply_from_json(R"({"logs": [{"lines": "many"}]})"));
}

TEST(Wire, a_log_comes_back_whatever_bytes_it_holds) {
    const LogReply log{.node = "demo-w1", .program = "a\xff\nb\n", .init_script = "done\n"};
    const auto back = log_reply_from_json(to_json(log));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->node, "demo-w1");
    EXPECT_TRUE(back->program.ends_with("\nb\n"));
    EXPECT_EQ(back->init_script, "done\n");
    EXPECT_FALSE(log_reply_from_json(R"({"program": 3})"));
}

TEST(Wire, user_data_of_another_version_are_refused) {
    UserData data{.cluster = "c", .node = "n", .is_head = true, .url = "u", .token = Secret("t")};
    EXPECT_EQ(user_data_from_json(to_json(data))->token.reveal(), "t");
    data.wire_version = 2;
    EXPECT_EQ(user_data_from_json(to_json(data)).error().code, "wire_version");
}

TEST(Wire, malformed_messages_name_the_member) {
    EXPECT_FALSE(orders_from_json("{"));
    EXPECT_FALSE(report_from_json("[]"));
    const auto bad = report_from_json(R"({"jobsRunning": "many"})");
    ASSERT_FALSE(bad);
    EXPECT_NE(bad.error().message.find("jobsRunning"), std::string::npos);
    const auto odd = report_from_json(R"({"demand": {"requests": [{"count": "many"}]}})");
    ASSERT_FALSE(odd);
    EXPECT_NE(odd.error().message.find("demand"), std::string::npos);
    EXPECT_FALSE(enrol_request_from_json(std::string(9u << 20, ' ')));
}

}  // namespace
}  // namespace hopyard::nodewire
