#include "control/prices.h"

#include <future>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/log.h"

namespace hopyard::control {
namespace {

using nlohmann::json;

constexpr Seconds good_for{24 * 3600};
/// After it was asked for, whatever came of it: also while the answer is on its way.
constexpr Seconds rest{10 * 60};
/// How long somebody who wants to see sizes waits for their prices.
constexpr Milliseconds moment{300};
constexpr const char* origins[] = {"published", "imported", "rehearsal"};

std::string setting_of(const std::string& location) {
    return "prices/" + to_lower(location);
}

std::string to_text(const cloud::PriceList& list) {
    json entries = json::object();
    for (const auto& entry : list.entries) entries[entry.size] = entry.per_hour;
    return json{{"currency", list.currency},
                {"origin", origins[static_cast<int>(list.origin)]},
                {"asOf", to_rfc3339(list.as_of)},
                {"perHour", std::move(entries)}}
        .dump();
}

/// Nothing when it is not what to_text wrote.
std::optional<cloud::PriceList> from_text(const std::string& location, const std::string& text) {
    const json document = json::parse(text, nullptr, false);
    if (!document.is_object() || !document.contains("perHour")) return std::nullopt;
    cloud::PriceList list;
    list.location = location;
    list.currency = document.value("currency", "");
    const std::string origin = document.value("origin", "");
    for (int i = 0; i < 3; ++i)
        if (origin == origins[i]) list.origin = static_cast<cloud::PriceOrigin>(i);
    const auto as_of = from_rfc3339(document.value("asOf", ""));
    if (!as_of) return std::nullopt;
    list.as_of = *as_of;
    for (const auto& [size, price] : document["perHour"].items())
        if (price.is_number())
            list.entries.push_back({.size = size, .per_hour = price.get<double>()});
    return list;
}

}  // namespace

Result<std::optional<cloud::PriceList>> kept_prices(store::Transaction& t,
                                                    const std::string& location) {
    ASSIGN_OR_RETURN(const auto text, t.setting(setting_of(location)));
    return text ? from_text(location, *text) : std::nullopt;
}

Result<std::vector<cloud::Size>> PricedCatalog::sizes(const std::string& location) {
    ASSIGN_OR_RETURN(auto sizes, catalog_.sizes(location));
    const auto list = list_of(location);
    if (!list) return sizes;
    std::map<std::string, double> prices;
    for (const auto& entry : list->entries) prices[to_lower(entry.size)] = entry.per_hour;
    for (cloud::Size& size : sizes)
        if (const auto found = prices.find(to_lower(size.name)); found != prices.end())
            size.price = {.per_hour = found->second,
                          .currency = list->currency,
                          .origin = list->origin,
                          .as_of = list->as_of};
    return sizes;
}

std::optional<cloud::PriceList> PricedCatalog::list_of(const std::string& location) {
    auto kept = stored(location);
    const Timestamp now = clock_.now();
    const bool good =
        kept && (kept->origin == cloud::PriceOrigin::imported || now - kept->as_of < good_for);
    if (good || !may_ask(location, now)) return kept;
    const auto asked = std::make_shared<std::promise<void>>();
    run_later_([this, location, asked] {
        refresh(location);
        asked->set_value();
    });
    (void)asked->get_future().wait_for(moment);
    return stored(location);
}

bool PricedCatalog::may_ask(const std::string& location, Timestamp now) {
    const std::lock_guard lock(mutex_);
    Timestamp& rests_until = rests_until_[location];
    if (now < rests_until) return false;
    rests_until = now + rest;
    return true;
}

void PricedCatalog::refresh(const std::string& location) {
    if (const auto fresh = source_.prices(location))
        keep(*fresh);
    else
        log::warning("prices could not be read",
                     {{"location", location}, {"cause", fresh.error().message}});
}

std::optional<cloud::PriceList> PricedCatalog::stored(const std::string& location) {
    std::optional<cloud::PriceList> list;
    const auto read = store_.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(list, kept_prices(t, location));
        return {};
    });
    return read ? list : std::nullopt;
}

/// A list that could not be kept is asked for again.
void PricedCatalog::keep(const cloud::PriceList& list) {
    const auto kept = store_.write([&](store::Transaction& t) {
        return t.put_setting(setting_of(list.location), to_text(list));
    });
    if (!kept) log::warning("prices could not be kept", {{"cause", kept.error().message}});
}

Result<std::vector<std::string>> PricedCatalog::import_prices(std::string_view pages) {
    ASSIGN_OR_RETURN(const auto lists, source_.parse_prices(pages));
    std::vector<std::string> locations;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        locations.clear();
        for (const cloud::PriceList& list : lists) {
            RETURN_IF_ERROR(t.put_setting(setting_of(list.location), to_text(list)));
            locations.push_back(list.location);
        }
        return {};
    };
    RETURN_IF_ERROR(store_.write(writing));
    return locations;
}

}  // namespace hopyard::control
