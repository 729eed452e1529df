#include "api/cluster_texts.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "store/open.h"
#include "store/test_database.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

const OrganisationId ours("o");
const ClusterId demo("c-1");

/// Two replicas on one database: what the one is asked, the other has written.
class Replicas {
  public:
    Replicas() { write(*here, demo, {}); }

    std::unique_ptr<store::Store> open() {
        auto opened = store::open("sqlite:" + (dir_ / "db"), Secret(std::string(32, 'k')));
        EXPECT_TRUE(opened);
        return std::move(*opened);
    }
    /// Writes the row with that stage, and makes it when it is not there.
    static void write(store::Store& store, const ClusterId& id, const std::string& stage) {
        const auto written = store.write([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(auto row, t.cluster(id));
            if (!row) row = model::Cluster{.id = id, .organisation = ours};
            row->spec.name = id.value;
            row->stage = stage;
            return t.put(*row);
        });
        ASSERT_TRUE(written) << written.error().message;
    }
    std::string stage() {
        const auto text = texts.of(ours, demo);
        return text ? json::parse((*text)->json)["stage"].get<std::string>() : "none";
    }

  private:
    store::Directory dir_;

  public:
    std::unique_ptr<store::Store> here = open(), there = open();
    ClusterTexts texts{*here};
};

TEST(ClusterTexts, a_text_is_made_once_while_nothing_is_written) {
    Replicas it;
    const auto first = it.texts.of(ours, demo);
    const auto again = it.texts.of(ours, demo);
    const auto page = it.texts.page(ours, {});
    ASSERT_TRUE(first && again && page);
    EXPECT_EQ(*first, *again);
    EXPECT_EQ(page->front(), *first);
    EXPECT_EQ(it.texts.made(), 1u);
    EXPECT_EQ((*first)->etag, etag(model::Cluster{}));
    EXPECT_EQ(json::parse((*first)->json)["name"], "c-1");
}

TEST(ClusterTexts, what_another_replica_wrote_is_shown_at_once) {
    Replicas it;
    EXPECT_EQ(it.stage(), "");
    Replicas::write(*it.there, demo, "one");
    EXPECT_EQ(it.stage(), "one");
    model::Node head{.id = NodeId("head"), .cluster = demo, .is_head = true};
    ASSERT_TRUE(it.there->write([&](store::Transaction& t) { return t.put(head); }));
    EXPECT_EQ(json::parse((**it.texts.of(ours, demo)).json)["nodes"].size(), 1u);
    head.seen.stage = "up";
    ASSERT_TRUE(it.there->write([&](store::Transaction& t) { return t.put(head); }));
    const auto page = it.texts.page(ours, {});
    EXPECT_EQ(json::parse(page->front()->json)["nodes"][0]["stage"], "up");
    ASSERT_TRUE(it.there->write([&](store::Transaction& t) { return t.erase(demo); }));
    EXPECT_EQ(it.texts.of(ours, demo).error().code, "no_such_cluster");
    EXPECT_TRUE(it.texts.page(ours, {})->empty());
}

TEST(ClusterTexts, a_known_text_is_not_shown_to_another_organisation) {
    Replicas it;
    ASSERT_TRUE(it.texts.of(ours, demo));
    EXPECT_EQ(it.texts.of(OrganisationId("p"), demo).error().code, "no_such_cluster");
    EXPECT_TRUE(it.texts.page(OrganisationId("p"), {})->empty());
}

TEST(ClusterTexts, the_digest_does_not_tell_when_a_node_reported) {
    Replicas it;
    model::Node head{.id = NodeId("head"), .cluster = demo, .is_head = true};
    const auto digest_with = [&](int reported, const std::string& stage) {
        head.seen.last_report_at = Timestamp(Seconds(reported));
        head.seen.stage = stage;
        EXPECT_TRUE(it.here->write([&](store::Transaction& t) { return t.put(head); }));
        return (**it.texts.of(ours, demo)).digest;
    };
    const std::size_t before = digest_with(1, "a");
    EXPECT_EQ(digest_with(2, "a"), before);
    EXPECT_NE(digest_with(2, "b"), before);
}

TEST(ClusterTexts, those_that_were_asked_for_last_are_kept) {
    Replicas it;
    Replicas::write(*it.here, ClusterId("c-2"), {});
    const std::size_t each = (**it.texts.of(ours, demo)).json.size();
    ClusterTexts small(*it.here, each);  // room for one
    ASSERT_TRUE(small.of(ours, demo));
    ASSERT_TRUE(small.of(ours, ClusterId("c-2")));
    ASSERT_TRUE(small.of(ours, ClusterId("c-2")));
    EXPECT_EQ(small.made(), 2u);
    ASSERT_TRUE(small.of(ours, demo));
    EXPECT_EQ(small.made(), 3u);
    ClusterTexts none(*it.here, 0);
    EXPECT_EQ((**none.of(ours, demo)).json, (**small.of(ours, demo)).json);
}

TEST(ClusterTexts, no_reply_is_older_than_what_was_acknowledged_before) {
    Replicas it;
    std::atomic<int> acknowledged = 0;
    std::jthread writer([&](std::stop_token stop) {
        for (int i = 1; !stop.stop_requested(); ++i) {
            Replicas::write(*it.there, demo, std::to_string(i));
            acknowledged = i;
        }
    });
    std::atomic<int> older = 0;
    std::vector<std::jthread> readers;
    for (int reader = 0; reader < 3; ++reader)
        readers.emplace_back([&] {
            while (acknowledged < 50) {
                const int least = acknowledged;
                const std::string stage = it.stage();
                if (least > 0 && std::atoi(stage.c_str()) < least) ++older;
            }
        });
    readers.clear();
    EXPECT_EQ(older, 0);
}

}  // namespace
}  // namespace hopyard::api
