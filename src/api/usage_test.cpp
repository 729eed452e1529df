// What machines ran, as the API tells it: by day and in all, as JSON and as CSV, with prices.
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

/// A control plane on the day below, with runs of machines.
class Used {
  public:
    Used() {
        // Noon; a day's beginning is then twelve hours ago.
        api.clock.set(*from_rfc3339("2026-11-28T12:00:00Z"));
    }
    Timestamp ago(int hours) { return api.clock.now() - std::chrono::hours(hours); }
    void ran(const std::string& cluster,
             const std::string& size,
             Timestamp from,
             std::optional<Timestamp> to,
             bool spot = false) {
        const model::MachineRun run{.organisation = default_organisation(),
                                    .cluster = ClusterId(cluster),
                                    .cluster_name = "demo",
                                    .machine = "m" + std::to_string(++machines_),
                                    .location = "here",
                                    .instance_type = size,
                                    .vcpus = 4,
                                    .spot = spot,
                                    .started_at = from,
                                    .ended_at = to};
        EXPECT_TRUE(api.store->write([&](store::Transaction& t) { return t.put(run); }));
    }
    void know_price(const std::string& size, double per_hour) {
        const std::string list = json{
            {"currency", "EUR"},
            {"origin", "published"},
            {"asOf", "2026-11-20T00:00:00.000Z"},
            {"perHour",
             {{size, per_hour}}}}.dump();
        EXPECT_TRUE(api.store->write(
            [&](store::Transaction& t) { return t.put_setting("prices/here", list); }));
    }
    json items(const std::string& target) {
        const auto reply = api.get(target);
        EXPECT_EQ(reply->status, 200) << reply->body;
        return reply->json()["items"];
    }

    TestApi api;

  private:
    int machines_ = 0;
};

TEST(Usage, is_told_by_day_cluster_and_size) {
    Used used;
    used.ran("c-1", "D4", used.ago(14), {});
    used.ran("c-1", "D4", used.ago(2), used.ago(1));
    used.ran("c-2", "B1", used.ago(3), used.ago(1));
    const json items = used.items("/v1/usage");
    ASSERT_EQ(items.size(), 3u);
    EXPECT_EQ(items[0]["day"], "2026-11-27");
    EXPECT_EQ(items[0]["nodeHours"], 2.0);
    EXPECT_EQ(items[0]["vcpuHours"], 8.0);
    EXPECT_EQ(items[1]["day"], "2026-11-28");
    EXPECT_EQ(items[1]["nodeHours"], 13.0);
    EXPECT_EQ(items[1]["clusterName"], "demo");
    EXPECT_EQ(items[2]["cluster"], "c-2");
    EXPECT_EQ(items[2]["instanceType"], "B1");
    EXPECT_EQ(items[2]["cost"], nullptr);
    EXPECT_EQ(used.items("/v1/usage?cluster=c-2").size(), 1u);
    EXPECT_EQ(used.items("/v1/usage?from=2026-11-28").size(), 2u);
    EXPECT_EQ(used.items("/v1/usage?from=2026-11-27&to=2026-11-27").size(), 1u);
}

TEST(Usage, has_a_cost_only_where_a_price_is_known) {
    Used used;
    used.ran("c-1", "D4", used.ago(3), used.ago(1));
    used.ran("c-1", "B1", used.ago(3), used.ago(1));
    used.know_price("d4", 0.5);
    const json items = used.items("/v1/usage");
    EXPECT_EQ(items[0]["cost"], nullptr);
    EXPECT_EQ(items[1]["cost"],
              (json{{"currency", "EUR"},
                    {"origin", "published"},
                    {"asOf", "2026-11-20T00:00:00.000Z"},
                    {"amount", 1.0},
                    {"basis", "list price"}}));
}

TEST(Usage, comes_by_the_page) {
    Used used;
    for (const char* id : {"c-1", "c-1-x", "c-2"})
        for (const char* size : {"A", "A-b", "B"}) used.ran(id, size, used.ago(20), {});
    const json whole = used.items("/v1/usage");
    ASSERT_EQ(whole.size(), 18u);
    json collected = json::array();
    std::string target = "/v1/usage?limit=4";
    for (int pages = 1; pages <= 5; ++pages) {
        const json page = used.api.get(target)->json();
        for (const json& item : page["items"]) collected.push_back(item);
        if (page["next"].is_null()) {
            EXPECT_EQ(pages, 5);
            break;
        }
        target = "/v1/usage?limit=4&after=" + page["next"].get<std::string>();
    }
    EXPECT_EQ(collected, whole);
}

TEST(Usage, of_spot_machines_has_no_cost_and_pages_of_its_own) {
    Used used;
    used.know_price("D4", 0.25);
    used.ran("c-1", "D4", used.ago(3), used.ago(1), true);
    used.ran("c-1", "D4", used.ago(3), used.ago(1));
    used.ran("c-1", "D40", used.ago(3), used.ago(1));
    json collected = json::array();
    std::string target = "/v1/usage?limit=1";
    for (int page = 0; page < 3; ++page) {
        const json reply = used.api.get(target)->json();
        collected.push_back(reply["items"][0]);
        if (reply["next"].is_null()) break;
        target = "/v1/usage?limit=1&after=" + reply["next"].get<std::string>();
    }
    ASSERT_EQ(collected.size(), 3u);
    EXPECT_EQ(collected[0]["spot"], false);
    EXPECT_EQ(collected[0]["cost"]["amount"], 0.5);
    EXPECT_EQ(collected[1]["spot"], true);
    EXPECT_TRUE(collected[1]["cost"].is_null());
    EXPECT_EQ(collected[2]["instanceType"], "D40");
}

TEST(Usage, is_csv_for_who_asks_for_it) {
    Used used;
    used.ran("c-1", "D4", used.ago(3), used.ago(1));
    used.ran("c-2", "=cmd,\"x\"", used.ago(3), used.ago(1));
    used.know_price("D4", 0.25);
    const auto reply = used.api.get("/v1/usage?format=csv");
    EXPECT_EQ(reply->headers.get("Content-Type"), "text/csv; charset=utf-8");
    EXPECT_EQ(reply->headers.get("Content-Disposition"),
              "attachment; filename=\"usage-2026-10-30-2026-11-28.csv\"");
    EXPECT_EQ(reply->body,
              "day,cluster,cluster_name,location,instance_type,node_hours,vcpu_hours,cost,currency,"
              "price_basis,price_as_of,spot\r\n"
              "2026-11-28,c-1,demo,here,D4,2.000000,8.000000,0.500000,EUR,list price,"
              "2026-11-20T00:00:00.000Z,false\r\n"
              "2026-11-28,c-2,demo,here,\"'=cmd,\"\"x\"\"\",2.000000,8.000000,,,,,false\r\n");
    const auto accepted =
        used.api.ask({.target = "/v1/usage", .headers = {{"Accept", "text/csv"}}});
    EXPECT_EQ(accepted->body, reply->body);
    const auto as_json =
        used.api.ask({.target = "/v1/usage?format=json", .headers = {{"Accept", "text/csv"}}});
    EXPECT_EQ(as_json->json()["items"].size(), 2u);
    EXPECT_EQ(used.api.get("/v1/usage?format=csv&limit=5")->json()["code"], "query_malformed");
}

TEST(Usage, refuses_days_that_are_none) {
    Used used;
    for (const char* query : {"from=yesterday",
                              "to=2026-02-30",
                              "from=2026-11-29",
                              "from=2026-11-20&to=2026-11-19",
                              "from=2025-11-27",
                              "format=xml",
                              "limit=0"}) {
        const auto reply = used.api.get("/v1/usage?" + std::string(query));
        EXPECT_EQ(reply->status, 400) << query;
        EXPECT_EQ(reply->json()["code"], "query_malformed") << query;
        EXPECT_FALSE(reply->json()["nextAction"].get<std::string>().empty()) << query;
    }
    EXPECT_EQ(used.api.get("/v1/usage?from=2025-11-28")->status, 200);  // 366 days
}

TEST(UsageTotals, are_of_clusters_that_are_there) {
    Used used;
    const std::string id = used.api.create();
    used.ran(id, "D4", used.ago(100), used.ago(90));
    used.ran(id, "B1", used.ago(2), {});
    used.ran("c-gone", "D4", used.ago(5), used.ago(4));
    used.know_price("D4", 0.5);
    json items = used.items("/v1/usage/totals");
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0]["cluster"], id);
    EXPECT_EQ(items[0]["nodeHours"], 12.0);
    EXPECT_EQ(items[0]["vcpuHours"], 48.0);
    EXPECT_EQ(items[0]["since"], to_rfc3339(used.ago(100)));
    EXPECT_EQ(items[0]["cost"], nullptr);  // of one size no price is known
    used.know_price("b1", 0.5);
    EXPECT_EQ(used.items("/v1/usage/totals?cluster=" + id)[0]["cost"], nullptr);
    used.ran(id, "B1", used.ago(9), used.ago(8));
    EXPECT_TRUE(used.items("/v1/usage/totals?cluster=other").empty());
}

TEST(UsageTotals, cost_what_their_sizes_cost_together) {
    Used used;
    const std::string id = used.api.create();
    used.ran(id, "D4", used.ago(4), used.ago(2));
    used.ran(id, "D4", used.ago(1), {});
    used.know_price("D4", 0.5);
    const json cost = used.items("/v1/usage/totals")[0]["cost"];
    EXPECT_EQ(cost["amount"], 1.5);
    EXPECT_EQ(cost["basis"], "list price");
}

}  // namespace
}  // namespace hopyard::api
