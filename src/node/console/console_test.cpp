#include "node/console/console.h"

#include <thread>

#include <crypt.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "http/certificates.h"
#include "http/exchange.h"
#include "http/transport.h"
#include "node/console/answers.h"
#include "node/console/pages.h"

namespace hopyard::node::console {
namespace {

using nlohmann::json;

/// Keeps the answer instead of sending it.
class Caught final : public http::ReplySink {
  public:
    explicit Caught(http::Response& into) : into_(into) {}
    void reply(http::Response response) override { into_ = std::move(response); }
    void begin(int, http::Headers) override {}
    void append(std::string) override {}
    void end() override {}
    void cut() override {}

  private:
    http::Response& into_;
};

/// A queue in memory: a submitted job is done when a test says so.
class MemoryQueue final : public Queue {
  public:
    Result<std::vector<Job>> jobs() override {
        if (down) return fail(ErrorKind::unavailable, "down", "the queue does not answer");
        return std::vector<Job>(kept.rbegin(), kept.rend());
    }
    Result<std::int64_t> submit(const Submission& submission) override {
        if (submission.command.empty()) {
            return refuse("/command", "command_empty", "a command is needed", "Type one.");
        }
        submissions.push_back(submission);
        kept.push_back({.id = static_cast<std::int64_t>(kept.size()) + 1,
                        .user = submission.user,
                        .name = "command",
                        .state = JobState::pending,
                        .nodes = submission.nodes,
                        .ours = true,
                        .command = submission.command});
        return kept.back().id;
    }
    Result<Output> output(const Job& job) override {
        if (!has_ended(job.state)) return Output{.note = "The job waits for its turn."};
        return Output{.complete = true, .text = text};
    }

    bool down = false;
    std::vector<Job> kept;
    std::vector<Submission> submissions;
    std::string text = "w1\nw2\n";
};

std::string hash_of(const std::string& password) {
    crypt_data data{};
    return crypt_r(password.c_str(), "$5$rounds=1000$saltsalt$", &data);
}

nodewire::Orders orders() {
    using State = nodewire::Member::State;
    return {.revision = 1,
            .cluster_name = "<demo>",
            .node = "head",
            .is_head = true,
            .users = {{.name = "ada", .uid = 2000, .password_hash = hash_of("correct")},
                      {.name = "grace", .uid = 2001, .password_hash = hash_of("hopper")},
                      {.name = "root2",
                       .uid = 2002,
                       .administrator = true,
                       .password_hash = hash_of("toor")}},
            .members = {{.name = "w2", .address = "10.0.0.6", .vcpus = 4, .state = State::member},
                        {.name = "head", .is_head = true, .address = "10.0.0.4"},
                        {.name = "w1", .address = "10.0.0.5", .vcpus = 2, .state = State::member},
                        {.name = "old", .state = State::absent},
                        {.name = "new", .state = State::expected}}};
}

struct Visit {
    std::string method = "GET";
    std::string target = "/";
    std::string body;
    http::Headers headers;
};

class Page {
  public:
    Page() {
        board.set_orders(orders());
        board.set_workload(
            {.nodes = {{.name = "w1", .state = "mixed", .jobs = 1, .allocated = {.cpus = 1}},
                       {.name = "w2", .state = "idle", .drained = true, .draining = true}},
             .jobs_running = 1});
    }

    http::Response visit(Visit visit) {
        if (!cookie.empty()) visit.headers.set("cookie", "a=b; " + cookie + "; c=d");
        visit.headers.set("host", "10.0.0.4");
        http::Response response;
        console.handler()(
            {.method = visit.method,
             .target = visit.target,
             .headers = visit.headers,
             .body = visit.body,
             .peer = {.address = "10.0.0.99"},
             .secure = true},
            http::Responder(std::make_shared<http::Exchange>(
                std::make_shared<Caught>(response), std::make_shared<http::ReplyProgress>())));
        return response;
    }
    http::Response get(const std::string& target) { return visit({.target = target}); }
    http::Response post_json(const std::string& target, const json& body) {
        return visit({.method = "POST",
                      .target = target,
                      .body = body.dump(),
                      .headers = {{"content-type", "application/json"}}});
    }
    http::Response post_form(const std::string& target, const std::string& body) {
        return visit({.method = "POST",
                      .target = target,
                      .body = body,
                      .headers = {{"content-type", "application/x-www-form-urlencoded"},
                                  {"origin", "https://10.0.0.4"},
                                  {"sec-fetch-site", "same-origin"}}});
    }
    http::Response sign_in(const std::string& user = "ada",
                           const std::string& password = "correct") {
        cookie.clear();
        auto reply = post_json("/api/session", {{"user", user}, {"password", password}});
        const auto set = reply.headers.get("set-cookie");
        cookie = set.substr(0, set.find(';'));
        return reply;
    }
    /// The form token in the page as it stands.
    std::string token() {
        const auto page = get("/").body;
        const std::string before = "name=\"token\" value=\"";
        const auto from = page.find(before) + before.size();
        return page.substr(from, page.find('"', from) - from);
    }

    const SystemClock clock;
    SeededRandom random{5};
    Board board{{.node = "head"}, clock};
    MemoryQueue queue;
    Console console{{board, queue, clock, random}, {.address = "127.0.0.1"}};
    std::string cookie;
};

json body_of(const http::Response& response) {
    return json::parse(response.body);
}

TEST(Page, ShowsTheFormAndNothingElseToAStranger) {
    Page page;
    const auto reply = page.get("/");
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.body.find("action=\"/sign-in\""), std::string::npos);
    EXPECT_EQ(reply.body.find("10.0.0.5"), std::string::npos);
    EXPECT_EQ(page.get("/jobs/1").status, 303);
    EXPECT_EQ(page.get("/parts/overview").status, 401);
    EXPECT_EQ(page.post_form("/jobs", "command=id").status, 303);
    for (const char* call : {"/api/session", "/api/nodes", "/api/jobs", "/api/jobs/1/output"}) {
        EXPECT_EQ(page.get(call).status, 401) << call;
    }
    EXPECT_EQ(page.post_json("/api/jobs", {{"command", "id"}}).status, 401);
    EXPECT_TRUE(page.queue.submissions.empty());
}

TEST(Page, GivesACookieThatOnlyItsOwnPagesCanSend) {
    Page page;
    const auto reply = page.sign_in();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(body_of(reply)["user"], "ada");
    const auto cookie = reply.headers.get("set-cookie");
    EXPECT_TRUE(cookie.starts_with("__Host-hopyard=")) << cookie;
    for (const char* part :
         {"; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "Max-Age="}) {
        EXPECT_NE(cookie.find(part), cookie.npos) << cookie;
    }
    EXPECT_EQ(body_of(page.get("/api/session"))["user"], "ada");
    EXPECT_EQ(page.visit({.method = "DELETE", .target = "/api/session"}).status, 204);
    EXPECT_EQ(page.get("/api/session").status, 401);
}

TEST(Page, RefusesAWrongPasswordAndThenGuessing) {
    Page page;
    for (int i = 0; i < Sessions::free_tries; ++i) {
        EXPECT_EQ(page.sign_in("ada", "wrong").status, 401);
    }
    const auto reply = page.sign_in("ada", "correct");
    EXPECT_EQ(reply.status, 429);
    EXPECT_FALSE(reply.headers.get("retry-after").empty());
    EXPECT_EQ(body_of(reply)["error"]["code"], "too_many_tries");
}

TEST(Page, IsGuardedInEveryAnswer) {
    Page page;
    page.sign_in();
    for (const char* target : {"/",
                               "/console.css",
                               "/console.js",
                               "/icon.svg",
                               "/jobs/9",
                               "/api/nodes",
                               "/api/jobs/9"}) {
        const auto reply = page.get(target);
        const auto policy = reply.headers.get("content-security-policy");
        EXPECT_NE(policy.find("default-src 'none'"), policy.npos) << target;
        EXPECT_EQ(policy.find("unsafe"), policy.npos) << target;
        EXPECT_EQ(reply.headers.get("x-content-type-options"), "nosniff") << target;
        EXPECT_FALSE(reply.headers.get("cache-control").empty()) << target;
    }
}

TEST(Page, HoldsNothingInlineThatThePolicyWouldRefuse) {
    Page page;
    const auto check = [](const std::string& html) {
        for (const char* inline_code :
             {"<style", " style=", " onclick", "javascript:", "<script>"}) {
            EXPECT_EQ(html.find(inline_code), html.npos) << inline_code;
        }
    };
    check(page.get("/").body);
    page.sign_in();
    page.queue.submit({.user = "ada", .command = "id"}).value();
    check(page.get("/").body);
    check(page.get("/jobs/1").body);
}

TEST(Page, EscapesWhatComesFromElsewhere) {
    Page page;
    page.sign_in();
    const std::string evil = "<script>alert('\"&')</script>";
    page.queue.kept.push_back({.id = 1,
                               .user = "ada",
                               .name = evil,
                               .state = JobState::failed,
                               .reason = evil,
                               .on = evil,
                               .ours = true,
                               .command = evil});
    page.queue.text = evil;
    for (const char* target : {"/", "/jobs/1", "/parts/overview", "/parts/jobs/1"}) {
        const auto html = page.get(target).body;
        EXPECT_EQ(html.find(evil), html.npos) << target;
        EXPECT_NE(html.find("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"), html.npos) << target;
    }
    const auto refused = page.post_form("/jobs", "token=" + page.token() + "&command=&nodes=%3Cx");
    EXPECT_EQ(refused.status, 400);
}

TEST(Nodes, AreThoseOfTheOrdersAsTheWorkloadManagerSeesThem) {
    Page page;
    page.sign_in();
    const auto body = body_of(page.get("/api/nodes"));
    EXPECT_EQ(body["cluster"], "<demo>");
    std::vector<std::string> seen;
    for (const auto& node : body["nodes"]) {
        seen.push_back(node["name"].get<std::string>() + " " + node["role"].get<std::string>() +
                       " " + node["state"].get<std::string>());
    }
    const std::vector<std::string> expected = {
        "head head starting", "new worker starting", "w1 worker mixed", "w2 worker drained"};
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(body["nodes"][2]["allocatedCpus"], 1);
    EXPECT_EQ(body["nodes"][2]["cpus"], 2);
}

TEST(Command, IsSubmittedAndItsOutputShownWhenItIsDone) {
    Page page;
    page.sign_in();
    const auto made =
        page.post_json("/api/jobs", {{"command", "hostname"}, {"nodes", 2}, {"everyNode", true}});
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(body_of(made)["id"], 1);
    EXPECT_EQ(made.headers.get("location"), "/api/jobs/1");
    ASSERT_EQ(page.queue.submissions.size(), 1u);
    EXPECT_EQ(page.queue.submissions[0].user, "ada");
    EXPECT_EQ(page.queue.submissions[0].nodes, 2);
    EXPECT_EQ(page.queue.submissions[0].runs, Submission::Runs::on_every_node);

    auto output = body_of(page.get("/api/jobs/1/output"));
    EXPECT_EQ(output["complete"], false);
    EXPECT_EQ(output["state"], "pending");
    EXPECT_NE(page.get("/jobs/1").body.find("data-done=\"no\""), std::string::npos);

    page.queue.kept[0].state = JobState::completed;
    page.queue.kept[0].exit_code = 0;
    output = body_of(page.get("/api/jobs/1/output"));
    EXPECT_EQ(output["complete"], true);
    EXPECT_EQ(output["output"], "w1\nw2\n");
    EXPECT_EQ(output["exitCode"], 0);
    const auto html = page.get("/jobs/1").body;
    EXPECT_NE(html.find("w1\nw2\n"), html.npos);
    EXPECT_NE(html.find("data-done=\"yes\""), html.npos);
}

TEST(Command, CanBeSubmittedByTheFormAlone) {
    Page page;
    page.sign_in();
    const auto reply = page.post_form(
        "/jobs",
        "token=" + page.token() + "&command=echo+%22a%2Bb%22%0D%0Adate&nodes=2&runs=first");
    EXPECT_EQ(reply.status, 303);
    EXPECT_EQ(reply.headers.get("location"), "/jobs/1");
    ASSERT_EQ(page.queue.submissions.size(), 1u);
    EXPECT_EQ(page.queue.submissions[0].command, "echo \"a+b\"\ndate");
    EXPECT_EQ(page.queue.submissions[0].runs, Submission::Runs::on_first_node);
}

TEST(Command, OfARefusedFormIsKeptInIt) {
    Page page;
    page.sign_in();
    page.queue.down = true;
    const auto reply = page.post_form("/jobs", "token=" + page.token() + "&command=&nodes=7");
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(reply.body.find("A command is needed"), std::string::npos);
    EXPECT_NE(reply.body.find("value=\"7\""), std::string::npos);
}

TEST(Command, FromAnotherSiteIsRefused) {
    Page page;
    page.sign_in();
    const auto token = page.token();
    const auto form = "application/x-www-form-urlencoded";
    const std::vector<Visit> attempts = {
        {.method = "POST",
         .target = "/jobs",
         .body = "command=id&nodes=1",
         .headers = {{"content-type", form}}},
        {.method = "POST",
         .target = "/jobs",
         .body = "command=id&nodes=1&token=guess",
         .headers = {{"content-type", form}}},
        {.method = "POST",
         .target = "/jobs",
         .body = "command=id&nodes=1&token=" + token,
         .headers = {{"content-type", form}, {"origin", "https://evil.example"}}},
        {.method = "POST",
         .target = "/jobs",
         .body = "command=id&nodes=1&token=" + token,
         .headers = {{"content-type", form}, {"sec-fetch-site", "cross-site"}}},
        {.method = "POST",
         .target = "/api/jobs",
         .body = R"({"command":"id"})",
         .headers = {{"content-type", "text/plain"}}},
        {.method = "POST",
         .target = "/api/jobs",
         .body = R"({"command":"id"})",
         .headers = {{"content-type", "application/json"}, {"sec-fetch-site", "same-site"}}},
        {.method = "DELETE", .target = "/api/session", .headers = {{"origin", "http://10.0.0.4"}}}};
    for (const auto& attempt : attempts) {
        const auto status = page.visit(attempt).status;
        EXPECT_TRUE(status == 403 || status == 415) << attempt.target << " " << status;
    }
    EXPECT_TRUE(page.queue.submissions.empty());
    EXPECT_EQ(page.get("/api/session").status, 200);
}

TEST(Command, ThatIsMalformedNamesItsFault) {
    Page page;
    page.sign_in();
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "body_malformed"},
        {"[]", "body_malformed"},
        {R"({"command":)", "body_malformed"},
        {std::string(100'000, '['), "body_malformed"},
        {R"({"command":{"a":{"b":{"c":{"d":1}}}}})", "body_malformed"},
        {R"({"command":3})", "wrong_type"},
        {R"({"command":"id","nodes":"2"})", "wrong_type"},
        {R"({"command":"id","nodes":2.5})", "wrong_type"},
        {R"({"command":"id","everyNode":1})", "wrong_type"},
        {R"({"command":"id","node":1})", "unknown_field"},
        {R"({})", "command_empty"}};
    for (const auto& [body, code] : cases) {
        const auto reply = page.visit({.method = "POST",
                                       .target = "/api/jobs",
                                       .body = body,
                                       .headers = {{"content-type", "application/json"}}});
        EXPECT_EQ(reply.status, 400) << body;
        EXPECT_EQ(body_of(reply)["error"]["code"], code) << body;
    }
    EXPECT_TRUE(page.queue.submissions.empty());
}

TEST(Job, OfAnotherUserKeepsItsCommandAndOutput) {
    Page page;
    page.queue.submit({.user = "ada", .command = "echo canary"}).value();
    page.queue.kept[0].state = JobState::completed;
    page.sign_in("grace", "hopper");
    EXPECT_EQ(body_of(page.get("/api/jobs"))["jobs"][0]["command"], nullptr);
    EXPECT_EQ(page.get("/api/jobs/1/output").status, 403);
    const auto html = page.get("/jobs/1").body;
    EXPECT_EQ(html.find("canary"), html.npos);
    EXPECT_EQ(html.find("w1\nw2"), html.npos);
    page.sign_in("root2", "toor");
    EXPECT_EQ(page.get("/api/jobs/1/output").status, 200);
}

TEST(Page, SaysThatTheQueueIsDown) {
    Page page;
    page.sign_in();
    page.queue.down = true;
    EXPECT_EQ(page.get("/api/jobs").status, 503);
    const auto overview = page.get("/");
    EXPECT_EQ(overview.status, 200);
    EXPECT_NE(overview.body.find("The queue does not answer"), std::string::npos);
    EXPECT_NE(overview.body.find("10.0.0.5"), std::string::npos);
}

TEST(PlainPort, SendsVisitorsToHttps) {
    const auto ask = [](const std::string& host, const std::string& target) {
        return redirect_to_https({.target = target, .headers = {{"host", host}}}, 443);
    };
    EXPECT_EQ(ask("10.0.0.4", "/jobs/1?x=y").headers.get("location"),
              "https://10.0.0.4/jobs/1?x=y");
    EXPECT_EQ(ask("demo.example:80", "/").headers.get("location"), "https://demo.example/");
    EXPECT_EQ(ask("10.0.0.4", "/").status, 308);
    for (const char* target : {"//evil.example", "*", "/a\r\nset-cookie: x", ""}) {
        EXPECT_EQ(ask("10.0.0.4", target).status, 400) << target;
    }
    for (const char* host : {"", "evil.example/..", "a b", "x\r\ny"}) {
        EXPECT_EQ(ask(host, "/").status, 400) << host;
    }
}

TEST(Listener, OpensWithTheCertificateAndTakesANewOne) {
    Page page;
    const auto authority = http::make_authority("test", page.clock.now(), Seconds(3'600));
    auto with_page = orders();
    const auto issue = [&] {
        const auto made = http::issue(authority,
                                      {.common_name = "head",
                                       .dns_names = {"localhost"},
                                       .ip_addresses = {"127.0.0.1"},
                                       .now = page.clock.now(),
                                       .validity = Seconds(3'600)});
        with_page.page_certificate_pem = Secret(made->certificate_pem);
        with_page.page_key_pem = made->private_key_pem;
    };
    http::Server server({});
    Console console({page.board, page.queue, page.clock, page.random},
                    {.address = "127.0.0.1", .https_port = 0, .http_port = 0});
    EXPECT_TRUE(console.serve(server, with_page));
    EXPECT_EQ(console.port(), 0);
    issue();
    ASSERT_TRUE(console.serve(server, with_page));
    ASSERT_NE(console.port(), 0);
    const auto port = console.port();
    std::jthread io([&] { server.run_io(); });
    std::jthread worker([&] { server.run_worker(); });
    http::Client client({.ca_pem = authority.certificate_pem});
    const auto url = "https://localhost:" + std::to_string(port) + "/";
    const auto reply = client.send({.url = url});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200);
    issue();
    EXPECT_TRUE(console.serve(server, with_page));
    EXPECT_EQ(console.port(), port);
    EXPECT_EQ(http::Client({.ca_pem = authority.certificate_pem}).send({.url = url})->status, 200);
    server.stop(Milliseconds(0));
}

}  // namespace
}  // namespace hopyard::node::console
