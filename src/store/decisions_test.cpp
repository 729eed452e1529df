// What the stores keep of the autoscaler's decisions. One suite for every store.
#include "store/test_stores.h"

namespace hopyard::store {
namespace {

using model::DecisionRecord;

class DecisionsSuite : public EveryStore {
  protected:
    void append(const char* cluster, int count) {
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
                DecisionRecord record{.cluster = ClusterId(cluster),
                                      .organisation = OrganisationId("o"),
                                      .at = Timestamp(Seconds(i)),
                                      .situation_json = "{\"now\":1}",
                                      .decision_json = "{}"};
                return t.append(record);
            }));
    }
    std::vector<DecisionRecord> read(const char* cluster,
                                     std::optional<std::int64_t> before = std::nullopt,
                                     int limit = 1000) {
        std::vector<DecisionRecord> records;
        EXPECT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(records, t.decisions(ClusterId(cluster), before, limit));
            return {};
        }));
        return records;
    }
};

TEST_P(DecisionsSuite, are_numbered_for_each_cluster_and_read_newest_first) {
    append("a", 3);
    append("b", 1);
    const auto records = read("a");
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[0].number, 3);
    EXPECT_EQ(records[2].number, 1);
    EXPECT_EQ(records[0].situation_json, "{\"now\":1}");
    EXPECT_EQ(records[0].at, Timestamp(Seconds(2)));
    EXPECT_EQ(read("b").size(), 1u);
    EXPECT_EQ(read("a", 3, 1).at(0).number, 2);
    EXPECT_TRUE(read("a", 1).empty());
}

TEST_P(DecisionsSuite, are_kept_up_to_a_number) {
    append("a", model::decision_records_max + 5);
    const auto records = read("a");
    EXPECT_EQ(records.size(), static_cast<std::size_t>(model::decision_records_max));
    EXPECT_EQ(records.front().number, model::decision_records_max + 5);
}

TEST_P(DecisionsSuite, end_with_their_cluster_and_not_with_a_write_that_failed) {
    append("a", 1);
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.erase(ClusterId("a")); }));
    EXPECT_TRUE(read("a").empty());
    EXPECT_FALSE(store_->write([&](Transaction& t) -> Result<void> {
        DecisionRecord record{.cluster = ClusterId("a")};
        RETURN_IF_ERROR(t.append(record));
        return fail(ErrorKind::internal, "no", "no");
    }));
    EXPECT_TRUE(read("a").empty());
}

INSTANTIATE_TEST_SUITE_P(Stores, DecisionsSuite, every_store, name_of_store);

}  // namespace
}  // namespace hopyard::store
