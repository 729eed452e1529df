#include "azure/prices.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "azure/document.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

constexpr const char* path = "/api/retail/prices?api-version=2023-01-01-preview&$filter=";
constexpr int pages_max = 50;
constexpr Seconds page_timeout{20};

/// The meter of a size on demand under Linux; the list also has Windows, spot, low priority and
/// dedicated hosts, under the same size.
bool is_on_demand_linux(const Json& meter) {
    const auto says = [&](const char* member, const char* word) {
        return to_lower(text_at(meter, {member})).find(word) != std::string::npos;
    };
    return text_at(meter, {"type"}) == "Consumption" &&
           text_at(meter, {"unitOfMeasure"}) == "1 Hour" && !says("productName", "windows") &&
           !says("productName", "cloud services") && !says("skuName", "spot") &&
           !says("skuName", "low priority");
}

double figure_at(const Json& from, const char* member) {
    const Json* value = find(from, {member});
    return value && value->is_number() ? value->get<double>() : 0;
}

/// By location. Of several meters of a size the dearest counts: rather too much than too little.
using Lists = std::map<std::string, std::map<std::string, double>>;

void read_page(const Json& page, Lists& lists, std::string& currency) {
    for (const Json& meter : items_at(page, {"Items"})) {
        const std::string size = text_at(meter, {"armSkuName"});
        const std::string location = to_lower(text_at(meter, {"armRegionName"}));
        const double price = figure_at(meter, "retailPrice");
        if (size.empty() || location.empty() || price <= 0 || !is_on_demand_linux(meter)) continue;
        if (currency.empty()) currency = text_at(meter, {"currencyCode"});
        if (text_at(meter, {"currencyCode"}) != currency) continue;
        double& kept = lists[location][size];
        kept = std::max(kept, price);
    }
}

cloud::PriceList list_of(const std::string& location,
                         const std::map<std::string, double>& prices,
                         const std::string& currency,
                         cloud::PriceOrigin origin,
                         Timestamp now) {
    cloud::PriceList list{
        .location = location, .currency = currency, .origin = origin, .as_of = now, .entries = {}};
    for (const auto& [size, price] : prices)
        list.entries.push_back({.size = size, .per_hour = price});
    return list;
}

/// The list's own links name the port: "https://prices.azure.com:443/…".
bool same_server(const std::string& one, const std::string& other) {
    const auto a = http::parse_url(one);
    const auto b = http::parse_url(other);
    return a && b && a->scheme == b->scheme && a->host == b->host && a->port == b->port;
}

}  // namespace

Result<std::string> RetailPrices::page(const std::string& url) {
    if (!same_server(url, options_.prices_url))
        return fail(ErrorKind::unavailable,
                    "prices_elsewhere",
                    "the price list leads to another server: " + url);
    http::OutgoingRequest request;
    request.url = url;
    request.timeout = page_timeout;
    ASSIGN_OR_RETURN(const http::Response reply, transport_.send(request));
    if (reply.status != 200)
        return fail(ErrorKind::unavailable,
                    "prices_unavailable",
                    fmt::format("the price list answers {}", reply.status));
    return reply.body;
}

Result<cloud::PriceList> RetailPrices::prices(const std::string& location) {
    const std::string filter = fmt::format(
        "serviceName eq 'Virtual Machines' and armRegionName eq '{}' and priceType eq "
        "'Consumption'",
        location);
    std::string url = options_.prices_url + path + percent_encode(filter);
    Lists lists;
    std::string currency;
    for (int pages = 0; !url.empty(); ++pages) {
        if (pages == pages_max)
            return fail(ErrorKind::unavailable, "prices_endless", "the price list does not end");
        ASSIGN_OR_RETURN(const std::string text, page(url));
        const auto document = parse_document(text);
        if (!document || find(*document, {"Items"}) == nullptr)
            return fail(
                ErrorKind::unavailable, "prices_unreadable", "the price list is not understood");
        read_page(*document, lists, currency);
        url = text_at(*document, {"NextPageLink"});
    }
    return list_of(
        location, lists[to_lower(location)], currency, options_.price_origin, clock_.now());
}

Result<std::vector<cloud::PriceList>> RetailPrices::parse_prices(std::string_view pages) const {
    const auto document = parse_document(pages);
    Lists lists;
    std::string currency;
    if (document && document->is_array())
        for (const Json& one : *document) read_page(one, lists, currency);
    else if (document)
        read_page(*document, lists, currency);
    if (lists.empty())
        return refuse("/Items",
                      "no_prices",
                      "this holds no price of a virtual machine under Linux",
                      "Save https://prices.azure.com/api/retail/prices with "
                      "$filter=serviceName eq 'Virtual Machines', every page of it.");
    std::vector<cloud::PriceList> out;
    for (const auto& [location, prices] : lists)
        out.push_back(
            list_of(location, prices, currency, cloud::PriceOrigin::imported, clock_.now()));
    return out;
}

}  // namespace hopyard::azure
