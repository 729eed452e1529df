// Server-sent events: what is new, in order, once; and coming back without missing anything.
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

void say(TestApi& api, const std::string& id, const std::string& message) {
    api.write({.at = api.clock.now(),
               .organisation = default_organisation(),
               .cluster = ClusterId(id),
               .code = "test",
               .message = message});
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
    return found;
}

TEST(Events, begin_with_a_snapshot_and_go_on_with_what_changes) {
    TestApi api;
    const std::string id = api.create();
    const auto stream = api.get("/v1/clusters/" + id + "/events");
    EXPECT_EQ(stream->status, 200);
    EXPECT_EQ(stream->headers.get("Content-Type"), "text/event-stream");
    const std::string first = stream->take();
    EXPECT_EQ(count(first, "event: cluster\n"), 1u);
    EXPECT_EQ(count(first, "event: activity\n"), 0u);
    api.service.tick(api.clock.now());
    EXPECT_EQ(stream->take(), "");
    say(api, id, "one thing");
    api.edit(id, [](model::Cluster& cluster) { cluster.stage = "making the network"; });
    api.service.tick(api.clock.now());
    const std::string then = stream->take();
    EXPECT_NE(then.find("one thing"), std::string::npos);
    EXPECT_NE(then.find("making the network"), std::string::npos);
    EXPECT_EQ(count(then, "\nid: "), 0u);
    EXPECT_TRUE(then.starts_with("id: "));
}

TEST(Events, of_one_cluster_hold_nothing_of_another_and_of_all_hold_both) {
    TestApi api;
    const std::string a = api.create(TestApi::spec("aa")), b = api.create(TestApi::spec("bb"));
    const auto one = api.get("/v1/clusters/" + a + "/events");
    const auto all = api.get("/v1/events");
    say(api, b, "of the other");
    api.service.tick(api.clock.now());
    EXPECT_EQ(one->body.find("of the other"), std::string::npos);
    EXPECT_NE(all->body.find("of the other"), std::string::npos);
    EXPECT_EQ(count(all->body, "event: cluster\n"), 2u);
}

TEST(Events, a_client_that_comes_back_misses_nothing_and_sees_nothing_twice) {
    TestApi api;
    const std::string id = api.create();
    const auto first = api.get("/v1/clusters/" + id + "/events");
    say(api, id, "number 1");
    api.service.tick(api.clock.now());
    const std::string text = first->take();
    const auto at = text.find("id: ");
    ASSERT_NE(at, std::string::npos);
    const std::string last = text.substr(at + 4, text.find('\n', at) - at - 4);
    first->progress->gone = true;
    for (int i = 2; i <= 700; ++i) say(api, id, "number " + std::to_string(i) + "!");
    const auto again =
        api.ask({.target = "/v1/clusters/" + id + "/events", .headers = {{"Last-Event-ID", last}}});
    EXPECT_EQ(count(again->body, "event: activity\n"), 699u);
    EXPECT_EQ(count(again->body, "number 1\""), 0u);
    EXPECT_NE(again->body.find("number 700!"), std::string::npos);
    EXPECT_LT(again->body.find("number 2!"), again->body.find("number 3!"));
    const auto query = api.get("/v1/events?after=" + last);
    EXPECT_EQ(count(query->body, "event: activity\n"), 699u);
}

TEST(Events, faults_are_refused_before_the_stream_begins) {
    TestApi api;
    const std::string id = api.create();
    const auto bad = api.ask({.target = "/v1/events", .headers = {{"Last-Event-ID", "yesterday"}}});
    EXPECT_EQ(bad->status, 400);
    EXPECT_EQ(bad->json()["code"], "query_malformed");
    EXPECT_EQ(api.get("/v1/clusters/c-none/events")->status, 404);
}

TEST(Events, end_with_the_cluster_with_the_key_and_with_the_server) {
    TestApi api;
    const std::string id = api.create();
    const auto of_cluster = api.get("/v1/clusters/" + id + "/events");
    const Secret key = api.key(model::Scope::read);
    const auto of_key = api.ask({.target = "/v1/events", .headers = {{"x-api-key", key.reveal()}}});
    const auto stays = api.get("/v1/events");
    (void)api.store->write([&](store::Transaction& t) -> Result<void> {
        auto row = *t.api_key_by_hash(hash_of(key));
        row->revoked = true;
        RETURN_IF_ERROR(t.put(*row));
        return t.erase(ClusterId(id));
    });
    api.service.tick(api.clock.now());
    EXPECT_TRUE(of_cluster->ended);
    EXPECT_NE(of_cluster->body.find("event: cluster-gone"), std::string::npos);
    EXPECT_TRUE(of_key->ended);
    EXPECT_FALSE(stays->ended);
    api.service.close_streams();
    EXPECT_TRUE(stays->ended);
}

TEST(Events, that_a_node_reported_again_is_no_news_but_what_it_reported_is) {
    TestApi api;
    const std::string id = api.create();
    api.add_node(id, {.id = NodeId("demo-head"), .is_head = true});
    const auto stream = api.get("/v1/events");
    stream->take();
    const auto report = [&](const std::string& stage) {
        (void)api.store->write([&](store::Transaction& t) -> Result<void> {
            auto row = *t.node(NodeId("demo-head"));
            row->seen.last_report_at = api.clock.now();
            row->seen.stage = stage;
            return t.put(*row);
        });
        api.service.tick(api.clock.now());
        return stream->take();
    };
    EXPECT_EQ(report(""), "");
    api.clock.advance(Seconds(1));
    EXPECT_EQ(report(""), "");
    EXPECT_NE(report("mounting /data").find("mounting /data"), std::string::npos);
}

TEST(Events, who_reads_slowly_gets_every_snapshot_as_it_reads) {
    TestApi api;
    for (int i = 0; i < 3; ++i) api.create(TestApi::spec("c" + std::to_string(i)));
    const auto stream = api.get("/v1/events");
    EXPECT_EQ(count(stream->take(), "event: cluster\n"), 3u);
    stream->progress->queued = 2u << 20;
    const std::string late = api.create(TestApi::spec("late"));
    api.service.tick(api.clock.now());
    EXPECT_EQ(count(stream->take(), "event: cluster\n"), 0u);
    stream->progress->queued = 0;
    api.service.tick(api.clock.now());
    const std::string then = stream->take();
    EXPECT_EQ(count(then, "event: cluster\n"), 1u);
    EXPECT_NE(then.find(late), std::string::npos);
}

TEST(Events, what_changed_comes_before_what_was_not_shown_yet) {
    TestApi api;
    const std::string shown = api.create(TestApi::spec("shown"));
    const auto stream = api.get("/v1/events");
    stream->take();
    api.create(TestApi::spec("late"));
    api.edit(shown, [](model::Cluster& cluster) { cluster.stage = "changed"; });
    stream->progress->queued = 3u << 19;  // too much for more, not for what a page shows already
    api.service.tick(api.clock.now());
    const std::string then = stream->take();
    EXPECT_EQ(count(then, "event: cluster\n"), 1u);
    EXPECT_NE(then.find("\"stage\":\"changed\""), std::string::npos);
}

TEST(Events, a_silent_stream_is_kept_alive) {
    TestApi api;
    const auto stream = api.get("/v1/events");
    stream->take();
    api.clock.advance(Seconds(16));
    api.service.tick(api.clock.now());
    EXPECT_EQ(stream->take(), ": still here\n\n");
    api.service.tick(api.clock.now());
    EXPECT_EQ(stream->take(), "");
}

}  // namespace
}  // namespace hopyard::api
