#include "decide/usage/usage.h"

#include <cmath>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/v1/paging.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "base/encoding.h"
#include "control/prices.h"

namespace hopyard::api::v1 {
namespace {

using decide::ClusterUsage;
using decide::Days;
using decide::UsageLine;
using nlohmann::ordered_json;

constexpr int days_preset = 30;
constexpr int days_max = 366;
constexpr const char* basis = "list price";

// --- what is asked -------------------------------------------------------------------------------

Result<decide::Day> day_of(const http::Request& request, const char* name, decide::Day preset) {
    const auto text = request.query(name);
    if (!text) return preset;
    if (const auto day = decide::day_from(*text)) return *day;
    return refuse("",
                  "query_malformed",
                  fmt::format("'{}' must be a day of the calendar such as 2026-11-28", name),
                  "Mend the query; days are those of UTC.");
}

Result<Days> days_of(const Call& call) {
    const decide::Day today = std::chrono::floor<std::chrono::days>(call.now);
    ASSIGN_OR_RETURN(const auto last, day_of(call.request, "to", today));
    ASSIGN_OR_RETURN(const auto first,
                     day_of(call.request, "from", last - std::chrono::days(days_preset - 1)));
    if (first > last)
        return refuse("",
                      "query_malformed",
                      "'from' must not be after 'to', which is today when it is left out",
                      "Mend the query.");
    if ((last - first).count() >= days_max)
        return refuse("",
                      "query_malformed",
                      fmt::format("'from' and 'to' must not span more than {} days", days_max),
                      "Ask for a shorter time, and again for the rest.");
    return Days{.first = first, .last = last};
}

Result<bool> wants_csv(const http::Request& request) {
    const auto format = request.query("format");
    if (!format) return request.headers.get("Accept").find("text/csv") != std::string::npos;
    if (*format == "csv" || *format == "json") return *format == "csv";
    return refuse("", "query_malformed", "'format' must be json or csv", "Mend the query.");
}

// --- what it cost --------------------------------------------------------------------------------

/// The prices that are kept, read as they are needed.
class PriceBook {
  public:
    Result<std::optional<cloud::Price>> price(store::Transaction& t,
                                              const std::string& location,
                                              const std::string& size) {
        if (!lists_.contains(location)) RETURN_IF_ERROR(load(t, location));
        const auto& list = lists_.at(location);
        const auto found = list.find(to_lower(size));
        return found == list.end() ? std::nullopt : std::optional(found->second);
    }

  private:
    Result<void> load(store::Transaction& t, const std::string& location) {
        auto& list = lists_[location];
        ASSIGN_OR_RETURN(const auto kept, control::kept_prices(t, location));
        if (!kept) return {};
        for (const auto& entry : kept->entries)
            list[to_lower(entry.size)] = {.per_hour = entry.per_hour,
                                          .currency = kept->currency,
                                          .origin = kept->origin,
                                          .as_of = kept->as_of};
        return {};
    }

    std::map<std::string, std::map<std::string, cloud::Price>> lists_;
};

/// To the millionth: a machine's second is seldom less.
double rounded(double value) {
    return std::round(value * 1e6) / 1e6;
}

ordered_json cost_view(double amount, const cloud::Price& price) {
    ordered_json view = price_view(price);
    view.erase("perHour");
    view["amount"] = rounded(amount);
    view["basis"] = basis;
    return view;
}

// --- by day --------------------------------------------------------------------------------------

struct PricedLine {
    UsageLine line;
    std::optional<cloud::Price> price;
    double amount() const { return decide::hours(line.ran) * price->per_hour; }
};

Result<std::vector<PricedLine>> read_lines(Parts& parts, const Call& call, const Days& days) {
    store::RunQuery query{
        .organisation = call.principal.organisation, .from = days.begin(), .until = days.end()};
    if (const auto cluster = call.request.query("cluster")) query.cluster = ClusterId(*cluster);
    std::vector<PricedLine> lines;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        lines.clear();
        ASSIGN_OR_RETURN(const auto runs, t.runs(query));
        PriceBook prices;
        for (UsageLine& line : decide::usage_of(runs, days, call.now)) {
            std::optional<cloud::Price> price;
            if (!line.spot) {
                ASSIGN_OR_RETURN(price, prices.price(t, line.location, line.instance_type));
            }
            lines.push_back({.line = std::move(line), .price = std::move(price)});
        }
        return {};
    }));
    return lines;
}

ordered_json view(const PricedLine& priced) {
    const UsageLine& line = priced.line;
    return {
        {"day", decide::to_string(line.day)},
        {"cluster", line.cluster.value},
        {"clusterName", line.cluster_name},
        {"location", line.location},
        {"instanceType", line.instance_type},
        {"spot", line.spot},
        {"nodeHours", rounded(decide::hours(line.ran))},
        {"vcpuHours", rounded(decide::hours(line.vcpus))},
        {"cost", priced.price ? cost_view(priced.amount(), *priced.price) : ordered_json(nullptr)}};
}

/// RFC 4180; what a spreadsheet would take for a formula is text.
std::string csv_field(const std::string& text) {
    const bool formula = !text.empty() && std::string_view("=+-@").find(text[0]) != text.npos;
    const std::string safe = formula ? "'" + text : text;
    if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
    std::string quoted = "\"";
    for (const char c : safe) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
}

http::Response csv_response(const std::vector<PricedLine>& lines, const Days& days) {
    std::string text =
        "day,cluster,cluster_name,location,instance_type,node_hours,vcpu_hours,"
        "cost,currency,price_basis,price_as_of,spot\r\n";
    for (const PricedLine& priced : lines) {
        const UsageLine& line = priced.line;
        text += fmt::format("{},{},{},{},{},{:.6f},{:.6f},",
                            decide::to_string(line.day),
                            csv_field(line.cluster.value),
                            csv_field(line.cluster_name),
                            csv_field(line.location),
                            csv_field(line.instance_type),
                            decide::hours(line.ran),
                            decide::hours(line.vcpus));
        if (priced.price)
            text += fmt::format("{:.6f},{},{},{}",
                                priced.amount(),
                                csv_field(priced.price->currency),
                                basis,
                                to_rfc3339(priced.price->as_of));
        else
            text += ",,,";
        text += line.spot ? ",true\r\n" : ",false\r\n";
    }
    return {.status = 200,
            .headers = {{"Content-Type", "text/csv; charset=utf-8"},
                        {"Content-Disposition",
                         fmt::format("attachment; filename=\"usage-{}-{}.csv\"",
                                     decide::to_string(days.first),
                                     decide::to_string(days.last))}},
            .body = std::move(text)};
}

/// A place in a list: what a page ended with. Opaque to clients. Cursors are in the order of the
/// lines: nothing in an id or a size's name comes before '!'.
std::string cursor_of(const UsageLine& line) {
    return decide::to_string(line.day) + "!" + line.cluster.value + "!" + line.instance_type +
           (line.spot ? "!spot" : "");
}

/// The page of `entries`, which are in the order of their cursors, that the query asks for.
template <class Entry, class CursorOf, class View>
Result<http::Response> page_of(const std::vector<Entry>& entries,
                               const Call& call,
                               CursorOf cursor,
                               View show) {
    ASSIGN_OR_RETURN(const int limit, limit_of(call.request, 100));
    const std::string after = call.request.query("after").value_or("");
    ordered_json items = ordered_json::array();
    ordered_json next = nullptr;
    std::string last;
    for (const Entry& entry : entries) {
        const std::string here = cursor(entry);
        if (!after.empty() && here <= after) continue;
        if (static_cast<int>(items.size()) == limit) {
            next = last;
            break;
        }
        items.push_back(show(entry));
        last = here;
    }
    return list_response(std::move(items), next);
}

Result<http::Response> by_day(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const Days days, days_of(call));
    ASSIGN_OR_RETURN(const bool csv, wants_csv(call.request));
    if (csv && (call.request.query("limit") || call.request.query("after")))
        return refuse("",
                      "query_malformed",
                      "CSV comes whole: 'limit' and 'after' are for JSON",
                      "Leave them out, or ask for json.");
    ASSIGN_OR_RETURN(const auto lines, read_lines(parts, call, days));
    if (csv) return csv_response(lines, days);
    return page_of(
        lines,
        call,
        [](const PricedLine& priced) { return cursor_of(priced.line); },
        [](const PricedLine& priced) { return view(priced); });
}

// --- in all --------------------------------------------------------------------------------------

/// A figure only where every size has a price, all are in one currency, and none was a spot
/// machine. It is as old as the oldest of them.
Result<ordered_json> cost_of(store::Transaction& t, PriceBook& prices, const ClusterUsage& usage) {
    std::optional<cloud::Price> of;
    double amount = 0;
    for (const ClusterUsage::Size& size : usage.sizes) {
        if (size.spot) return ordered_json(nullptr);
        ASSIGN_OR_RETURN(const auto price, prices.price(t, usage.location, size.instance_type));
        if (!price || (of && of->currency != price->currency)) return ordered_json(nullptr);
        amount += decide::hours(size.ran) * price->per_hour;
        if (!of || price->as_of < of->as_of) of = price;
    }
    return of ? cost_view(amount, *of) : ordered_json(nullptr);
}

Result<ordered_json> view(store::Transaction& t, PriceBook& prices, const ClusterUsage& usage) {
    Milliseconds ran{0}, vcpus{0};
    for (const ClusterUsage::Size& size : usage.sizes) {
        ran += size.ran;
        vcpus += size.vcpus;
    }
    ASSIGN_OR_RETURN(auto cost, cost_of(t, prices, usage));
    return ordered_json{{"cluster", usage.cluster.value},
                        {"clusterName", usage.cluster_name},
                        {"since", to_rfc3339(usage.since)},
                        {"nodeHours", rounded(decide::hours(ran))},
                        {"vcpuHours", rounded(decide::hours(vcpus))},
                        {"cost", std::move(cost)}};
}

Result<http::Response> totals(Parts& parts, const Call& call) {
    store::RunQuery query{.organisation = call.principal.organisation, .of_present_clusters = true};
    if (const auto cluster = call.request.query("cluster")) query.cluster = ClusterId(*cluster);
    std::vector<ordered_json> entries;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        entries.clear();
        ASSIGN_OR_RETURN(const auto runs, t.runs(query));
        PriceBook prices;
        for (const ClusterUsage& usage : decide::totals_of(runs, call.now)) {
            ASSIGN_OR_RETURN(auto entry, view(t, prices, usage));
            entries.push_back(std::move(entry));
        }
        return {};
    }));
    return page_of(
        entries,
        call,
        [](const ordered_json& entry) { return entry["cluster"].get<std::string>(); },
        [](const ordered_json& entry) { return entry; });
}

}  // namespace

std::vector<Endpoint> usage_endpoints(Parts& parts) {
    return {{.method = "GET",
             .pattern = "/v1/usage",
             .query = {"from", "to", "cluster", "format", "limit", "after"},
             .answer = [&parts](const Call& call) { return by_day(parts, call); }},
            {.method = "GET",
             .pattern = "/v1/usage/totals",
             .query = {"cluster", "limit", "after"},
             .answer = [&parts](const Call& call) { return totals(parts, call); }}};
}

}  // namespace hopyard::api::v1
