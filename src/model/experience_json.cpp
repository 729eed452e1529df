#include "model/experience_json.h"

namespace hopyard::model {
namespace {

using nlohmann::json;

json document(const Ages& ages) {
    return {{"ended", ages.ended}, {"livedSeconds", ages.lived_s}};
}

/// A list of another length would be cut or padded in silence.
template <std::size_t count>
bool read_list(const json* from, std::array<std::int64_t, count>& out) {
    if (from == nullptr) return true;
    if (!from->is_array() || from->size() != count) return false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!(*from)[i].is_number_integer()) return false;
        out[i] = (*from)[i].get<std::int64_t>();
    }
    return true;
}

bool read_ages(const json* from, Ages& ages) {
    if (from == nullptr) return true;
    const Fields fields(*from);
    return fields.good() && read_list(fields.member("ended"), ages.ended) &&
           read_list(fields.member("livedSeconds"), ages.lived_s);
}

template <class T, class Read>
bool read_all(const json* from, std::vector<T>& out, Read read_one) {
    if (from == nullptr) return true;
    if (!from->is_array()) return false;
    for (const json& entry : *from)
        if (!read_one(entry, out.emplace_back())) return false;
    return true;
}

bool read_size(const json& from, Experience::Size& size) {
    Fields fields(from);
    return fields.get("workers", size.workers).get("last", size.last).good() &&
           read_ages(fields.member("returns"), size.returns) &&
           read_ages(fields.member("runs"), size.runs);
}

bool read_rise(const json& from, Experience::Rise& rise) {
    return Fields(from).get("workers", rise.workers).get("since", rise.since).good();
}

}  // namespace

json document(const Experience& experience) {
    json sizes = json::array();
    for (const Experience::Size& size : experience.sizes)
        sizes.push_back({{"workers", size.workers},
                         {"last", to_field(size.last)},
                         {"returns", document(size.returns)},
                         {"runs", document(size.runs)}});
    json rises = json::array();
    for (const Experience::Rise& rise : experience.rises)
        rises.push_back({{"workers", rise.workers}, {"since", to_field(rise.since)}});
    return {{"since", to_field(experience.since)},
            {"bootMs", experience.boot ? json(experience.boot->count()) : json(nullptr)},
            {"demand", experience.demand},
            {"meanRise", experience.mean_rise},
            {"returns", document(experience.returns)},
            {"runs", document(experience.runs)},
            {"sizes", std::move(sizes)},
            {"rises", std::move(rises)},
            {"hours", experience.hours}};
}

bool read(const json& from, Experience& experience) {
    Fields fields(from);
    std::optional<std::int64_t> boot_ms;
    fields.get("since", experience.since)
        .get("bootMs", boot_ms)
        .get("demand", experience.demand)
        .get("meanRise", experience.mean_rise);
    if (boot_ms) experience.boot = Milliseconds(*boot_ms);
    return fields.good() && read_ages(fields.member("returns"), experience.returns) &&
           read_ages(fields.member("runs"), experience.runs) &&
           read_all(fields.member("sizes"), experience.sizes, read_size) &&
           read_all(fields.member("rises"), experience.rises, read_rise) &&
           read_list(fields.member("hours"), experience.hours);
}

}  // namespace hopyard::model
