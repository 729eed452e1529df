#include "model/autoscale_json.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/phase.h"
#include "model/spec_json.h"

namespace hopyard::model {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* day_words[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::string clock_text(int minute) {
    return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

/// "00:00" to "24:00".
std::optional<int> minute_from(const std::string& text) {
    const bool shaped = text.size() == 5 && text[2] == ':' &&
                        text.find_first_not_of("0123456789:") == std::string::npos;
    if (!shaped) return std::nullopt;
    const int hour = std::stoi(text.substr(0, 2));
    const int minute = std::stoi(text.substr(3));
    if (minute > 59 || hour * 60 + minute > 24 * 60) return std::nullopt;
    return hour * 60 + minute;
}

// --- writing -----------------------------------------------------------------------------------

ordered_json entry_document(const ScheduleEntry& entry) {
    ordered_json days = ordered_json::array();
    for (const int day : entry.days) days.push_back(day_words[day]);
    return {{"days", std::move(days)},
            {"from", clock_text(entry.from_minute)},
            {"to", clock_text(entry.to_minute)},
            {"minWorkers", entry.min_workers}};
}

ordered_json group_document(const ScaleSpec& group) {
    ordered_json out = {{"instanceType", group.instance_type}};
    if (!group.fallback_types.empty()) out["fallbackTypes"] = group.fallback_types;
    out["diskGb"] = group.disk_gb;
    if (group.spot) out["spot"] = spot_document(*group.spot);
    out["minWorkers"] = group.min_workers;
    out["maxWorkers"] = group.max_workers;
    out["standbyWorkers"] = group.standby_workers;
    out["downscaleWaitSeconds"] = group.downscale_wait_s;
    if (const auto& shape = group.standby_shape)
        out["standbyShape"] = {{"cpus", shape->each.cpus},
                               {"memoryMb", shape->each.memory_mb},
                               {"gpus", shape->each.gpus},
                               {"count", shape->count}};
    for (const ScheduleEntry& entry : group.schedule)
        out["schedule"].push_back(entry_document(entry));
    return out;
}

// --- reading -----------------------------------------------------------------------------------

void read_minute(ObjectReader& reader, const char* name, int& minute) {
    std::string text = clock_text(minute);
    reader.read(name, text);
    if (const auto read = minute_from(text)) {
        minute = *read;
    } else {
        reader.fault(name,
                     "time_malformed",
                     fmt::format("'{}' is no time of the day", text),
                     "Write hours and minutes in UTC, for example \"08:30\".");
    }
}

void read_days(ObjectReader& reader, std::vector<int>& days) {
    std::vector<std::string> words;
    reader.read("days", words);
    for (const std::string& word : words) {
        const auto found = std::find(std::begin(day_words), std::end(day_words), word);
        if (found == std::end(day_words))
            return reader.fault("days",
                                "unknown_value",
                                fmt::format("'{}' is no day of the week", word),
                                "Write mon, tue, wed, thu, fri, sat or sun.");
        days.push_back(static_cast<int>(found - std::begin(day_words)));
    }
}

void read_schedule(ObjectReader& reader,
                   std::vector<ScheduleEntry>& schedule,
                   std::optional<Error>& fault) {
    const json* list = reader.member("schedule");
    if (list == nullptr) return;
    if (!list->is_array())
        return reader.fault("schedule",
                            "wrong_type",
                            "must be a list",
                            "Write [{\"from\": \"08:00\", \"to\": \"18:00\", \"minWorkers\": 2}].");
    for (std::size_t i = 0; i < list->size(); ++i) {
        ObjectReader inner(
            (*list)[i], fmt::format("{}/{}", reader.pointer_of("schedule"), i), fault);
        ScheduleEntry& entry = schedule.emplace_back();
        read_days(inner, entry.days);
        read_minute(inner, "from", entry.from_minute);
        read_minute(inner, "to", entry.to_minute);
        inner.read("minWorkers", entry.min_workers);
        inner.finish();
    }
}

void read_group(ObjectReader& outer,
                const char* name,
                const json& value,
                ScaleSpec& group,
                std::optional<Error>& fault) {
    ObjectReader reader(value, outer.pointer_of(name), fault);
    reader.read("instanceType", group.instance_type);
    reader.read("fallbackTypes", group.fallback_types);
    reader.read("diskGb", group.disk_gb);
    read_spot(reader, group.spot, fault);
    reader.read("minWorkers", group.min_workers);
    reader.read("maxWorkers", group.max_workers);
    reader.read("standbyWorkers", group.standby_workers);
    reader.read("downscaleWaitSeconds", group.downscale_wait_s);
    if (const json* shape = reader.member("standbyShape")) {
        StandbyShape& out = group.standby_shape.emplace();
        ObjectReader inner(*shape, reader.pointer_of("standbyShape"), fault);
        inner.read("cpus", out.each.cpus);
        inner.read("memoryMb", out.each.memory_mb);
        inner.read("gpus", out.each.gpus);
        inner.read("count", out.count);
        inner.finish();
    }
    read_schedule(reader, group.schedule, fault);
    reader.finish();
}

}  // namespace

ordered_json spot_document(const SpotSpec& spot) {
    return {{"maxPricePercent", spot.max_price_percent},
            {"fallBackOnDemand", spot.fall_back_on_demand}};
}

ordered_json autoscale_document(const AutoscaleSpec& spec) {
    ordered_json out = {{"mode", to_string(spec.mode)}, {"general", group_document(spec.general)}};
    if (spec.gpu) out["gpu"] = group_document(*spec.gpu);
    return out;
}

void read_spot(ObjectReader& reader, std::optional<SpotSpec>& spot, std::optional<Error>& fault) {
    const json* value = reader.member("spot");
    if (value == nullptr) return;
    spot.emplace();
    ObjectReader inner(*value, reader.pointer_of("spot"), fault);
    inner.read("maxPricePercent", spot->max_price_percent);
    inner.read("fallBackOnDemand", spot->fall_back_on_demand);
    inner.finish();
}

void read_autoscale(const json& value,
                    const std::string& pointer,
                    AutoscaleSpec& spec,
                    std::optional<Error>& fault) {
    ObjectReader reader(value, pointer, fault);
    std::string mode(to_string(spec.mode));
    reader.read("mode", mode);
    if (const auto word = parse<AutoscaleMode>(mode)) {
        spec.mode = *word;
    } else {
        reader.fault("mode",
                     "unknown_value",
                     "'" + mode + "' is no mode of the autoscaler",
                     "Write \"standard\".");
    }
    if (const json* general = reader.member("general")) {
        read_group(reader, "general", *general, spec.general, fault);
    } else {
        reader.fault("general",
                     "missing",
                     "is required: the general-purpose group",
                     "Write {\"instanceType\": …}.");
    }
    if (const json* gpu = reader.member("gpu"))
        read_group(reader, "gpu", *gpu, spec.gpu.emplace(), fault);
    reader.finish();
}

std::string to_json(const AutoscaleSpec& spec) {
    return autoscale_document(spec).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<AutoscaleSpec> autoscale_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parse_limited(text));
    AutoscaleSpec spec;
    std::optional<Error> fault;
    read_autoscale(document, "", spec, fault);
    if (fault) return pass(std::move(*fault));
    return spec;
}

}  // namespace hopyard::model
