// The command line against a real server on loopback that answers from a script.
#include "cli/cli.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/input.h"
#include "cli/local_services.h"
#include "cli/progress.h"
#include "cli/test_server.h"

namespace hopyard::cli {
namespace {

int run_words(std::vector<std::string> words) {
    words.insert(words.begin(), "hopyard");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return run(static_cast<int>(argv.size()), argv.data());
}

const char* const one_cluster =
    R"({"items":[{"id":"c-1","name":"demo","phase":"running","nodes":[{},{}]}]})";

TEST(Render, a_table_aligns_its_columns_and_shows_missing_values_as_a_dash) {
    EXPECT_EQ(
        render(one_cluster,
               Format::table,
               {{"ID", "/id"}, {"NODES", "/nodes"}, {"URL", "/access/url"}, {"PHASE", "/phase"}}),
        "ID   NODES  URL  PHASE\nc-1  2      -    running\n");
}

TEST(Render, json_and_yaml_show_the_whole_document) {
    EXPECT_NE(render(one_cluster, Format::json, {}).find("\"phase\": \"running\""),
              std::string::npos);
    EXPECT_NE(render(one_cluster, Format::yaml, {}).find("phase: \"running\""), std::string::npos);
}

TEST(Configuration, is_written_private_and_refused_when_others_can_read_it) {
    const auto path = (std::filesystem::temp_directory_path() /
                       ("hopyard-cli-" + std::to_string(::getpid())) / "config.json")
                          .string();
    ASSERT_TRUE(write_configuration(path, {.url = "http://h", .api_key = Secret("k")}));
    struct stat facts {};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    EXPECT_EQ(read_configuration(path)->api_key.reveal(), "k");
    ::chmod(path.c_str(), 0644);
    EXPECT_EQ(read_configuration(path).error().code, "configuration_readable");
    ::chmod(path.c_str(), 0600);
    std::ofstream(path) << "[";
    EXPECT_EQ(read_configuration(path).error().code, "configuration_malformed");
    std::filesystem::remove_all(std::filesystem::path(path).parent_path());
    EXPECT_TRUE(read_configuration(path)->url.empty());
}

TEST(Commands, a_cluster_is_found_by_name_and_by_id) {
    ScriptedServer server;
    server.reply("GET /v1/clusters", 200, one_cluster);
    Session session = server.session();
    EXPECT_EQ(cluster_id(session, "demo"), "c-1");
    EXPECT_EQ(cluster_id(session, "c-1"), "c-1");
    EXPECT_EQ(cluster_id(session, "other").error().kind, ErrorKind::not_found);
    EXPECT_EQ(server.last().headers.get("authorization"), "Bearer k");
}

TEST(Commands, usage_asks_for_days_and_a_cluster_and_shows_every_page) {
    ScriptedServer server;
    server.reply("GET /v1/clusters", 200, one_cluster);
    server.reply("GET /v1/usage",
                 200,
                 R"({"items":[{"day":"2026-11-28","clusterName":"demo","instanceType":"D4",)"
                 R"("nodeHours":1.5,"vcpuHours":6,"cost":null}],"next":null})");
    Session session = server.session();
    testing::internal::CaptureStdout();
    EXPECT_EQ(usage(session, {}, {.from = "2026-11-01", .to = "2026-11-28", .cluster = "demo"}),
              exit_ok);
    const std::string shown = testing::internal::GetCapturedStdout();
    EXPECT_NE(shown.find("2026-11-28  demo     D4    1.5"), std::string::npos) << shown;
    EXPECT_EQ(server.last().query("from"), "2026-11-01");
    EXPECT_EQ(server.last().query("to"), "2026-11-28");
    EXPECT_EQ(server.last().query("cluster"), "c-1");
    // One that is gone is known by its id alone.
    testing::internal::CaptureStdout();
    EXPECT_EQ(usage(session, {}, {.cluster = "c-gone", .csv = true}), exit_ok);
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(server.last().query("cluster"), "c-gone");
    EXPECT_EQ(server.last().query("format"), "csv");
}

TEST(Commands, usage_is_csv_by_its_own_word) {
    ScriptedServer server;
    server.reply("GET /v1/usage", 200, R"({"items":[],"next":null})");
    ::setenv("HOPYARD_URL", server.url().c_str(), 1);
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_words({"usage", "-o", "csv"}), exit_ok);
    EXPECT_EQ(server.last().query("format"), "csv");
    EXPECT_EQ(run_words({"usage", "-o", "json"}), exit_ok);
    EXPECT_FALSE(server.last().query("format"));
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(run_words({"usage", "-o", "xml"}), exit_usage);
    ::unsetenv("HOPYARD_URL");
}

TEST(Commands, create_sends_what_the_flags_say) {
    ScriptedServer server;
    server.reply("POST /v1/clusters", 202, R"({"id":"c-1"})");
    Session session = server.session();
    const CreateOptions options{
        .name = "demo", .head_type = "T", .workers = 2, .tags = {"team=ml"}};
    EXPECT_EQ(cluster_create(session, {}, options), exit_ok);
    EXPECT_EQ(server.last().body,
              R"({"head":{"instanceType":"T"},"name":"demo","tags":{"team":"ml"},)"
              R"("workers":[{"count":2,"instanceType":"T"}]})");
    EXPECT_EQ(cluster_create(session, {}, {.name = "demo", .tags = {"nonsense"}}), exit_refused);
    EXPECT_EQ(cluster_create(session, {}, {.file = "/nonexistent"}), exit_refused);
}

TEST(Commands, failures_end_in_the_documented_exit_codes) {
    ScriptedServer server;
    Session session = server.session();
    const std::pair<int, int> codes[] = {{400, exit_refused},
                                         {401, exit_no_access},
                                         {403, exit_no_access},
                                         {404, exit_not_found},
                                         {409, exit_refused},
                                         {500, exit_failed},
                                         {503, exit_unreachable}};
    for (const auto& [status, code] : codes) {
        server.reply("GET /v1/clusters", status, R"({"detail":"because","nextAction":"do this"})");
        EXPECT_EQ(cluster_list(session, {}), code) << status;
    }
    server.reply("GET /v1/clusters", 502, "<html>");
    EXPECT_EQ(cluster_list(session, {}), exit_failed);
    Session nowhere(Target{.url = "http://127.0.0.1:1"});
    EXPECT_EQ(cluster_list(nowhere, {}), exit_unreachable);
}

TEST(Commands, deletion_asks_and_yes_answers) {
    ScriptedServer server;
    server.reply("GET /v1/clusters", 200, one_cluster);
    server.reply("DELETE /v1/clusters/c-1", 202, "{}");
    Session session = server.session();
    EXPECT_EQ(cluster_act(session, {.yes = true}, {.verb = "delete", .cluster = "demo"}), exit_ok);
    EXPECT_EQ(server.last().method, "DELETE");
}

TEST(Commands, ports_keeps_the_switches_that_were_not_named) {
    ScriptedServer server;
    server.reply("GET /v1/clusters", 200, one_cluster);
    server.reply("GET /v1/clusters/c-1",
                 200,
                 R"({"spec":{"ports":{"kafka":true,"ssh":false},"portSources":["10.0.0.0/8"]}})");
    server.reply("PUT /v1/clusters/c-1/ports", 200, "{}");
    Session session = server.session();
    EXPECT_EQ(cluster_ports(session, {.cluster = "demo", .switches = {{"ssh", true}}}), exit_ok);
    EXPECT_EQ(server.last().body,
              R"({"ports":{"kafka":true,"ssh":true},"sources":["10.0.0.0/8"]})");
}

/// A cluster with a head and a worker, and what is asked of it.
void serve_nodes(ScriptedServer& server) {
    server.reply("GET /v1/clusters", 200, one_cluster);
    server.reply("GET /v1/clusters/c-1",
                 200,
                 R"({"id":"c-1","nodes":[{"id":"demo-1-head","role":"head","ordinal":0},)"
                 R"({"id":"demo-1-w1","role":"worker","ordinal":1,"wanted":"removed"},)"
                 R"({"id":"demo-1-w1-4","role":"worker","ordinal":1,"wanted":"running"}]})");
}

TEST(Nodes, are_named_by_their_id_or_their_place) {
    ScriptedServer server;
    serve_nodes(server);
    const auto words = [&](std::vector<std::string> given) {
        given.insert(given.end(), {"--server", server.url()});
        return run_words(given);
    };
    for (const char* verb : {"drain", "resume", "restart"}) {
        const std::string path = std::string("/v1/clusters/c-1/nodes/demo-1-w1-4/") + verb;
        server.reply("POST " + path, 202, "{}");
        for (const char* name : {"w1", "demo-1-w1-4"}) {
            EXPECT_EQ(words({"node", verb, "demo", name}), exit_ok) << verb << name;
            EXPECT_EQ(server.last().path(), path);
        }
        EXPECT_EQ(words({"node", verb, "demo", "w9"}), exit_not_found);
        EXPECT_EQ(words({"node", verb, "demo"}), exit_usage);
    }
    EXPECT_EQ(words({"node", "list", "demo"}), exit_ok);
    EXPECT_EQ(words({"node", "log", "demo", "w1", "--lines", "0"}), exit_usage);
}

TEST(Nodes, a_log_that_is_not_live_is_shown_and_ends_as_out_of_reach) {
    ScriptedServer server;
    serve_nodes(server);
    Session session = server.session();
    const NodeOptions options{.cluster = "demo", .node = "head", .lines = 40};
    const std::string route = "GET /v1/clusters/c-1/nodes/demo-1-head/log";
    server.reply(route, 200, R"({"live":true,"takenAt":"t","program":"up","problem":null})");
    EXPECT_EQ(node_log(session, {}, options), exit_ok);
    EXPECT_EQ(server.last().query("lines"), "40");
    server.reply(route,
                 200,
                 R"({"live":false,"takenAt":"t","program":"up","initScript":"done\n",)"
                 R"("problem":{"code":"node_out_of_reach","message":"m","nextAction":"n"}})");
    EXPECT_EQ(node_log(session, {}, options), exit_unreachable);
}

TEST(Password, is_rotated_when_the_question_is_answered) {
    ScriptedServer server;
    server.reply("GET /v1/clusters", 200, one_cluster);
    server.reply("POST /v1/clusters/c-1/password", 202, R"({"user":"u","password":"p"})");
    Session session = server.session();
    EXPECT_EQ(cluster_rotate_password(session, {.yes = true}, "demo"), exit_ok);
    EXPECT_EQ(server.last().path(), "/v1/clusters/c-1/password");
}

TEST(People, a_member_is_named_by_address_or_id) {
    ScriptedServer server;
    server.reply("GET /v1/members", 200, R"({"items":[{"id":"p-1","email":"Ada@example.org"}]})");
    server.reply("PATCH /v1/members/p-1", 200, R"({"id":"p-1","role":"owner"})");
    server.reply("DELETE /v1/members/p-1", 204, "");
    Session session = server.session();
    EXPECT_EQ(member_role(session, {}, "ada@example.org", "owner"), exit_ok);
    EXPECT_EQ(server.last().body, R"({"role":"owner"})");
    server.reply("POST /v1/members/p-1/password-reset", 201, R"({"link":"https://x/#token=t"})");
    EXPECT_EQ(member_reset_password(session, {}, "ADA@example.org"), exit_ok);
    EXPECT_EQ(member_remove(session, {.yes = true}, "p-1"), exit_ok);
    EXPECT_EQ(server.last().method, "DELETE");
    EXPECT_EQ(member_remove(session, {.yes = true}, "eve@example.org"), exit_not_found);
}

TEST(People, an_invitation_and_a_change_send_what_was_named_and_nothing_else) {
    ScriptedServer server;
    server.reply("POST /v1/invitations", 201, R"({"id":"i-1","link":"l"})");
    server.reply("PATCH /v1/organisation", 200, "{}");
    const auto words = [&](std::vector<std::string> given) {
        given.insert(given.end(), {"--server", server.url()});
        return run_words(given);
    };
    EXPECT_EQ(words({"member", "invite", "eve@example.org", "--role", "administrator"}), exit_ok);
    EXPECT_EQ(server.last().body, R"({"email":"eve@example.org","role":"administrator"})");
    EXPECT_EQ(words({"member", "invite"}), exit_ok);
    EXPECT_EQ(server.last().body, R"({"role":"member"})");
    EXPECT_EQ(words({"organisation", "set", "--members-manage-ports", "on"}), exit_ok);
    EXPECT_EQ(server.last().body, R"({"permissions":{"managePorts":true}})");
    EXPECT_EQ(words({"organisation", "set", "--require-totp", "off", "--plan", "enterprise"}),
              exit_ok);
    EXPECT_EQ(server.last().body, R"({"plan":"enterprise","requireTotp":false})");
    EXPECT_EQ(words({"organisation", "set"}), exit_refused);
    EXPECT_EQ(words({"member", "invite", "--role", "owner"}), exit_usage);
}

TEST(CloudAccounts, the_secret_comes_from_a_file_and_what_is_missing_is_told) {
    ScriptedServer server;
    server.reply("POST /v1/cloud-accounts", 201, R"({"name":"research","subscription":"s",
        "check":{"usable":false,"problem":null,"groups":[{"name":"lab","location":"north",
        "usable":false,"problem":null,"missing":[{"action":"A/write","purpose":"create a"}]}],
        "groupsUnchecked":0,"sizesProblem":null,"quotasProblem":{"detail":"no"}}})");
    const std::string file = testing::TempDir() + "hopyard-client-secret";
    std::ofstream(file) << "canary\n";
    Session session = server.session();
    testing::internal::CaptureStdout();
    EXPECT_EQ(cloud_account_add(session,
                                {},
                                {.name = "research",
                                 .subscription = "s",
                                 .tenant = "t",
                                 .client_id = "c",
                                 .client_secret_file = file}),
              exit_ok);
    const std::string shown = testing::internal::GetCapturedStdout();
    EXPECT_EQ(
        server.last().body,
        R"({"clientId":"c","clientSecret":"canary","name":"research","signIn":"client_secret","subscription":"s","tenant":"t"})");
    EXPECT_NE(shown.find("lab (north): 1 right is missing\n    A/write  to create a\n"),
              std::string::npos)
        << shown;
    EXPECT_NE(shown.find("Quotas stay unchecked: no"), std::string::npos);
    EXPECT_EQ(shown.find("canary"), std::string::npos);
    std::filesystem::remove(file);
}

TEST(CloudAccounts, a_check_that_finds_no_usable_group_is_refused) {
    ScriptedServer server;
    server.reply("GET /v1/cloud-accounts/default/check", 200, R"({"usable":false,
        "problem":{"detail":"AADSTS7000215"},"groups":[],"groupsUnchecked":0,
        "sizesProblem":null,"quotasProblem":null})");
    EXPECT_EQ(run_words({"cloud", "check", "--no-networks", "--server", server.url()}),
              exit_refused);
    EXPECT_EQ(server.last().target, "/v1/cloud-accounts/default/check?networks=false");
}

TEST(CloudAccounts, the_role_is_of_the_only_group_there_is) {
    ScriptedServer server;
    server.reply("GET /v1/cloud/groups", 200, R"({"items":[{"name":"lab"}]})");
    server.reply("GET /v1/cloud-accounts/default/role",
                 200,
                 R"({"definition":"[]","commands":["az one","az two"]})");
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_words({"cloud-account", "role", "--server", server.url()}), exit_ok);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "[]\n\naz one\naz two\n");
    EXPECT_EQ(server.last().query("group"), "lab");
    server.reply("GET /v1/cloud/groups", 200, R"({"items":[]})");
    EXPECT_EQ(run_words({"cloud-account", "role", "--server", server.url()}), exit_refused);
}

TEST(Up, shows_the_link_of_the_first_owner_while_nobody_exists) {
    ScriptedServer server;
    Session session = server.session();
    const auto state =
        std::filesystem::temp_directory_path() / ("hopyard-up-" + std::to_string(::getpid()));
    std::filesystem::create_directories(state);
    std::ofstream(state / "setup-link") << "http://h/setup#token=t\n";
    server.reply("GET /v1/sign-in", 200, R"({"setUp":false})");
    EXPECT_EQ(setup_link(session, state.string()), "http://h/setup#token=t");
    server.reply("GET /v1/sign-in", 200, R"({"setUp":true})");
    EXPECT_EQ(setup_link(session, state.string()), "");
    server.reply("GET /v1/sign-in", 404, "{}");
    EXPECT_EQ(setup_link(session, state.string()), "");
    std::filesystem::remove_all(state);
}

TEST(Wait, ends_when_the_phase_is_reached_or_with_the_cause_of_the_failure) {
    ScriptedServer server;
    Session session = server.session();
    server.reply("GET /v1/clusters/c-1", 200, R"({"name":"demo","phase":"running"})");
    EXPECT_TRUE(wait_for(session, {.cluster_id = "c-1", .phase = "running"}));
    server.reply("GET /v1/clusters/c-1",
                 200,
                 R"({"phase":"failed","problem":{"code":"quota","message":"m","nextAction":"n"}})");
    const auto failed = wait_for(session, {.cluster_id = "c-1", .phase = "running"});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, "quota");
    server.reply("GET /v1/clusters/c-1", 404, "{}");
    EXPECT_TRUE(wait_for(session, {.cluster_id = "c-1", .phase = "gone"}));
    server.reply("GET /v1/clusters/c-1", 200, R"({"phase":"creating"})");
    EXPECT_EQ(
        wait_for(session, {.cluster_id = "c-1", .phase = "running", .timeout_s = 0}).error().kind,
        ErrorKind::timed_out);
}

TEST(Words, wrong_ones_are_a_usage_error_and_right_ones_reach_the_server) {
    ScriptedServer server;
    server.reply("GET /v1/clusters", 200, one_cluster);
    EXPECT_EQ(run_words({}), exit_usage);
    EXPECT_EQ(run_words({"cluster", "explode"}), exit_usage);
    EXPECT_EQ(run_words({"workers", "add", "demo", "-3"}), exit_usage);
    EXPECT_EQ(run_words({"cluster", "list", "--server", server.url(), "-o", "json"}), exit_ok);
    EXPECT_EQ(run_words({"cluster", "list", "--server", server.url(), "-o", "xml"}), exit_usage);
    EXPECT_EQ(run_words({"version"}), exit_ok);
    EXPECT_EQ(run_words({"cluster", "create", "--example"}), exit_ok);
}

TEST(Doctor, every_check_that_fails_says_what_to_do) {
    for (const Check& check : check_machine()) EXPECT_FALSE(check.remedy.empty()) << check.what;
}

TEST(Input, that_cannot_be_read_is_refused_with_its_name) {
    for (const auto* path : {"/", "/no/such/file"}) {
        for (const auto& text : {read_input(path), read_packed(path)}) {
            ASSERT_FALSE(text);
            EXPECT_EQ(text.error().code, "file_unreadable");
            EXPECT_NE(text.error().message.find(path), std::string::npos);
        }
    }
}

}  // namespace
}  // namespace hopyard::cli
