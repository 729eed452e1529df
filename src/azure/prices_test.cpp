#include "azure/prices.h"

#include <fmt/format.h>

#include "azure/test_transport.h"

namespace hopyard::azure {
namespace {

/// A meter as the Retail Prices API shows it.
std::string meter(const std::string& size,
                  double price,
                  const std::string& product = "Virtual Machines Dv3 Series",
                  const std::string& sku = "D4 v3",
                  const std::string& type = "Consumption",
                  const std::string& location = "westeurope") {
    return fmt::format(
        R"({{"currencyCode":"USD","retailPrice":{},"armRegionName":"{}","productName":"{}",)"
        R"("skuName":"{}","serviceName":"Virtual Machines","unitOfMeasure":"1 Hour",)"
        R"("type":"{}","armSkuName":"{}"}})",
        price,
        location,
        product,
        sku,
        type,
        size);
}

std::string page(const std::string& items, const std::string& next = "null") {
    return R"({"BillingCurrency":"USD","Items":[)" + items + R"(],"NextPageLink":)" + next + "}";
}

struct Prices {
    TestTransport transport;
    TestClock clock;
    Options options = test_options();
    RetailPrices prices{options, transport, clock};
};

TEST(RetailPrices, are_of_linux_on_demand_from_every_page_and_take_no_token) {
    Prices given;
    given.transport.answer = [](const http::OutgoingRequest& request) {
        if (request.url.find("skip=1000") != std::string::npos)
            return http::json_response(200, page(meter("Standard_D8_v3", 0.4)));
        return http::json_response(
            200,
            page(meter("Standard_D4_v3", 0.2) + "," +
                     meter("Standard_D4_v3", 0.9, "Virtual Machines Dv3 Series Windows") + "," +
                     meter("Standard_D4_v3", 0.01, "Virtual Machines Dv3 Series", "D4 v3 Spot") +
                     "," +
                     meter("Standard_D4_v3",
                           0.02,
                           "Virtual Machines Dv3 Series",
                           "D4 v3 Low Priority") +
                     "," +
                     meter("Standard_D4_v3",
                           900,
                           "Virtual Machines Dv3 Series",
                           "D4 v3",
                           "Reservation"),
                 R"("https://prices.azure.com:443/api/retail/prices?$skip=1000")"));
    };
    const auto list = given.prices.prices("westeurope");
    ASSERT_TRUE(list) << list.error().message;
    ASSERT_EQ(list->entries.size(), 2u);
    EXPECT_EQ(list->entries[0].size, "Standard_D4_v3");
    EXPECT_DOUBLE_EQ(list->entries[0].per_hour, 0.2);
    EXPECT_DOUBLE_EQ(list->entries[1].per_hour, 0.4);
    EXPECT_EQ(list->currency, "USD");
    EXPECT_EQ(list->origin, cloud::PriceOrigin::published);
    EXPECT_EQ(list->as_of, given.clock.now());
    for (const auto& request : given.transport.requests)
        EXPECT_FALSE(request.headers.find("Authorization"));
    EXPECT_TRUE(given.transport.token_requests.empty());
}

TEST(RetailPrices, refuse_to_be_led_elsewhere_and_to_go_on_for_ever) {
    Prices given;
    given.transport.answer = [](const http::OutgoingRequest&) {
        return http::json_response(200, page("", R"("https://evil.example/api")"));
    };
    EXPECT_EQ(given.prices.prices("x").error().code, "prices_elsewhere");
    given.transport.answer = [](const http::OutgoingRequest& request) {
        return http::json_response(200, page("", "\"" + request.url + "\""));
    };
    EXPECT_EQ(given.prices.prices("x").error().code, "prices_endless");
    given.transport.answer = [](const http::OutgoingRequest&) {
        return http::text_response(200, "<html>");
    };
    EXPECT_EQ(given.prices.prices("x").error().code, "prices_unreadable");
    given.transport.answer = [](const http::OutgoingRequest&) {
        return http::text_response(503, "");
    };
    EXPECT_EQ(given.prices.prices("x").error().code, "prices_unavailable");
}

TEST(RetailPrices, that_were_saved_are_read_page_by_page_for_every_location) {
    Prices given;
    const std::string saved =
        "[" + page(meter("Standard_D4_v3", 0.2)) + "," +
        page(meter("Standard_D4_v3", 0.3, "Virtual Machines", "D4 v3", "Consumption", "eastus")) +
        "]";
    const auto lists = given.prices.parse_prices(saved);
    ASSERT_TRUE(lists);
    ASSERT_EQ(lists->size(), 2u);
    EXPECT_EQ((*lists)[0].location, "eastus");
    EXPECT_EQ((*lists)[1].origin, cloud::PriceOrigin::imported);
    EXPECT_EQ(given.prices.parse_prices("{}").error().code, "no_prices");
    EXPECT_EQ(given.prices.parse_prices("nonsense").error().code, "no_prices");
}

}  // namespace
}  // namespace hopyard::azure
