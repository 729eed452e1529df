#include "cli/policy_words.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hopyard::cli {
namespace {

using nlohmann::json;

constexpr std::string_view day_words[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::size_t days_of_week = std::size(day_words);
constexpr std::string_view shape_words[] = {"cpus", "memoryMb", "gpus", "count"};

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, at);) parts.push_back(part);
    return parts;
}

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::size_t> day_in(std::string_view word) {
    const auto found = std::find(std::begin(day_words), std::end(day_words), word);
    if (found == std::end(day_words)) return std::nullopt;
    return static_cast<std::size_t>(found - std::begin(day_words));
}

// --- reading -----------------------------------------------------------------------------------

Result<json> spot_in(const json& before, const std::string& text, const std::string& flag) {
    const auto percent = number_in(text);
    if (!percent)
        return refuse(flag,
                      "spot_malformed",
                      fmt::format("'{}' is no percentage of the price on demand", text),
                      "Write a whole number, for example 80, or 'off'.");
    json spot = before.is_object() ? before : json::object();
    spot["maxPricePercent"] = *percent;
    return spot;
}

Result<json> shape_in(const std::string& text, const std::string& flag) {
    json shape = json::object();
    for (const std::string& part : split(text, ',')) {
        const auto equals = part.find('=');
        const std::string name = part.substr(0, equals);
        const auto value =
            equals == std::string::npos ? std::nullopt : number_in(part.substr(equals + 1));
        const bool is_known = std::find(std::begin(shape_words), std::end(shape_words), name) !=
                              std::end(shape_words);
        if (!is_known || !value || shape.contains(name))
            return refuse(flag,
                          "standby_shape_malformed",
                          fmt::format("'{}' is not one of cpus, memoryMb, gpus and count with a "
                                      "number, each once",
                                      part),
                          "Write what is to find room, for example cpus=4,memoryMb=16384,count=2, "
                          "or 'off'.");
        shape[name] = *value;
    }
    return shape;
}

/// "mon", "mon,wed" or "fri-mon".
std::optional<json> days_in(const std::string& text) {
    json days = json::array();
    for (const std::string& part : split(text, ',')) {
        const auto dash = part.find('-');
        const auto first = day_in(part.substr(0, dash));
        const auto last = dash == std::string::npos ? first : day_in(part.substr(dash + 1));
        if (!first || !last) return std::nullopt;
        for (std::size_t day = *first;; day = (day + 1) % days_of_week) {
            days.push_back(day_words[day]);
            if (day == *last) break;
        }
    }
    return days;
}

bool is_time(std::string_view text) {
    return text.size() == 5 && text[2] == ':' &&
           text.find_first_not_of("0123456789:") == std::string_view::npos;
}

std::optional<json> entry_in(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    json entry = json::object();
    if (words.size() == 3) {
        auto days = days_in(words.front());
        if (!days) return std::nullopt;
        entry["days"] = std::move(*days);
        words.erase(words.begin());
    }
    if (words.size() != 2) return std::nullopt;
    const auto dash = words[0].find('-');
    if (dash == std::string::npos) return std::nullopt;
    entry["from"] = words[0].substr(0, dash);
    entry["to"] = words[0].substr(dash + 1);
    const auto least = words[1].starts_with("min=") ? number_in(words[1].substr(4)) : std::nullopt;
    const bool are_times =
        is_time(entry["from"].get<std::string>()) && is_time(entry["to"].get<std::string>());
    if (!least || !are_times) return std::nullopt;
    entry["minWorkers"] = *least;
    return entry;
}

Result<json> schedule_in(const std::vector<std::string>& texts, const std::string& flag) {
    json schedule = json::array();
    for (const std::string& text : texts) {
        auto entry = entry_in(text);
        if (!entry)
            return refuse(flag,
                          "schedule_malformed",
                          fmt::format("'{}' is not days, hours and a minimum", text),
                          "Write them with spaces between, in UTC, for example \"mon-fri "
                          "08:00-18:00 min=2\"; without days it is every day; or 'off'.");
        schedule.push_back(std::move(*entry));
    }
    return schedule;
}

}  // namespace

Result<void> apply_words(json& group,
                         const AutoscaleGroupOptions& options,
                         const std::string& prefix) {
    if (options.spot == off) {
        group.erase("spot");
    } else if (!options.spot.empty()) {
        ASSIGN_OR_RETURN(group["spot"],
                         spot_in(group.value("spot", json()), options.spot, prefix + "spot"));
    }
    if (options.spot_fallback && !group.contains("spot"))
        return refuse(prefix + "spot-fallback",
                      "spot_missing",
                      "the group does not run at the price for spot machines",
                      fmt::format("Give {}spot PERCENT too.", prefix));
    if (options.spot_fallback) group["spot"]["fallBackOnDemand"] = *options.spot_fallback;
    if (options.standby_shape == off) {
        group.erase("standbyShape");
    } else if (!options.standby_shape.empty()) {
        ASSIGN_OR_RETURN(group["standbyShape"],
                         shape_in(options.standby_shape, prefix + "standby-shape"));
    }
    if (options.schedule == std::vector<std::string>{off}) {
        group.erase("schedule");
    } else if (!options.schedule.empty()) {
        ASSIGN_OR_RETURN(group["schedule"], schedule_in(options.schedule, prefix + "schedule"));
    }
    return {};
}

std::string shape_in_words(const json& shape) {
    std::string text;
    for (const std::string_view name : shape_words)
        if (const auto value = shape.value(std::string(name), std::int64_t{0}); value != 0)
            text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
    return text;
}

std::string entry_in_words(const json& entry) {
    std::string days;
    const json list = entry.value("days", json::array());
    for (std::size_t first = 0; first < list.size();) {
        // As many as follow each other in the week; two of them are no range.
        std::size_t last = first;
        const auto number = [&](std::size_t at) { return day_in(list[at].get<std::string>()); };
        while (last + 1 < list.size() && number(last + 1) == number(last).value_or(0) + 1) ++last;
        if (last < first + 2) last = first;
        days += (days.empty() ? "" : ",") + list[first].get<std::string>();
        if (last > first) days += "-" + list[last].get<std::string>();
        first = last + 1;
    }
    return fmt::format("{}{}{}-{} min={}",
                       days,
                       days.empty() ? "" : " ",
                       entry.value("from", ""),
                       entry.value("to", ""),
                       entry.value("minWorkers", 0));
}

}  // namespace hopyard::cli
