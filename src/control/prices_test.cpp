#include "control/prices.h"

#include <gtest/gtest.h>

#include "control/test_subscription.h"
#include "store/open.h"

namespace hopyard::control {
namespace {

class TestPrices final : public cloud::PriceSource {
  public:
    explicit TestPrices(const Clock& clock) : clock_(clock) {}
    Result<cloud::PriceList> prices(const std::string& location) override {
        ++asked;
        if (lost) return fail(ErrorKind::unavailable, "prices_unavailable", "no way out");
        return cloud::PriceList{.location = location,
                                .currency = "USD",
                                .origin = cloud::PriceOrigin::published,
                                .as_of = clock_.now(),
                                .entries = {{"small", small}, {"Unheard", 9}}};
    }
    Result<std::vector<cloud::PriceList>> parse_prices(std::string_view) const override {
        return std::vector<cloud::PriceList>{{.location = "north",
                                              .currency = "EUR",
                                              .origin = cloud::PriceOrigin::imported,
                                              .as_of = clock_.now(),
                                              .entries = {{"Small", 7}}}};
    }
    int asked = 0;
    bool lost = false;
    double small = 0.25;

  private:
    const Clock& clock_;
};

struct Shop {
    ManualClock clock;
    TestSubscription subscription;
    TestPrices source{clock};
    std::unique_ptr<store::Store> store = store::open_memory();
    std::vector<std::function<void()>> held;
    bool holds = false;
    const PricedCatalog::RunLater run_later = [this](std::function<void()> call) {
        if (holds) return held.push_back(std::move(call));
        call();
    };
    PricedCatalog catalog{subscription, source, *store, clock, run_later};

    std::optional<cloud::Price> price_of(const std::string& size) {
        const auto sizes = catalog.sizes("north");
        EXPECT_TRUE(sizes);
        for (const cloud::Size& one : *sizes)
            if (one.name == size) return one.price;
        return std::nullopt;
    }
};

TEST(PricedCatalog, asks_once_a_day_and_keeps_the_list_over_a_restart) {
    Shop shop;
    ASSERT_TRUE(shop.price_of("Small"));
    EXPECT_DOUBLE_EQ(shop.price_of("Small")->per_hour, 0.25);
    EXPECT_EQ(shop.price_of("Small")->currency, "USD");
    EXPECT_FALSE(shop.price_of("Big"));
    PricedCatalog restarted(
        shop.subscription, shop.source, *shop.store, shop.clock, shop.run_later);
    ASSERT_TRUE(restarted.sizes("north"));
    EXPECT_EQ(shop.source.asked, 1);
    shop.clock.advance(Seconds(24 * 3600));
    shop.source.small = 0.3;
    EXPECT_DOUBLE_EQ(shop.price_of("Small")->per_hour, 0.3);
    EXPECT_EQ(shop.source.asked, 2);
}

TEST(PricedCatalog, without_a_list_has_sizes_without_prices_and_asks_again_later) {
    Shop shop;
    shop.source.lost = true;
    EXPECT_FALSE(shop.price_of("Small"));
    EXPECT_FALSE(shop.price_of("Small"));
    EXPECT_EQ(shop.source.asked, 1);
    shop.clock.advance(Seconds(601));
    shop.source.lost = false;
    EXPECT_TRUE(shop.price_of("Small"));
}

TEST(PricedCatalog, shows_sizes_without_waiting_for_a_slow_list) {
    Shop shop;
    shop.holds = true;
    EXPECT_FALSE(shop.price_of("Small"));
    EXPECT_FALSE(shop.price_of("Small"));
    ASSERT_EQ(shop.held.size(), 1u) << "it is asked for once while the answer is on its way";
    shop.held.front()();
    EXPECT_TRUE(shop.price_of("Small"));
}

TEST(PricedCatalog, shows_an_old_list_with_its_date_when_there_is_no_newer) {
    Shop shop;
    const Timestamp then = shop.clock.now();
    ASSERT_TRUE(shop.price_of("Small"));
    shop.source.lost = true;
    shop.clock.advance(Seconds(48 * 3600));
    ASSERT_TRUE(shop.price_of("Small"));
    EXPECT_EQ(shop.price_of("Small")->as_of, then);
}

TEST(PricedCatalog, prefers_what_an_administrator_brought) {
    Shop shop;
    const auto locations = shop.catalog.import_prices("saved");
    ASSERT_TRUE(locations);
    EXPECT_EQ(*locations, std::vector<std::string>{"north"});
    shop.clock.advance(Seconds(30 * 24 * 3600));
    ASSERT_TRUE(shop.price_of("Small"));
    EXPECT_DOUBLE_EQ(shop.price_of("Small")->per_hour, 7);
    EXPECT_EQ(shop.price_of("Small")->origin, cloud::PriceOrigin::imported);
    EXPECT_EQ(shop.source.asked, 0);
}

}  // namespace
}  // namespace hopyard::control
