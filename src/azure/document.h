// Reading the cloud's JSON, which may be anything: a missing or mistyped member reads as empty,
// never as a fault. Include it from .cpp files only (style B1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace hopyard::azure {

using Json = nlohmann::json;

inline std::optional<Json> parse_document(std::string_view text) {
    Json document = Json::parse(text, nullptr, false);
    if (document.is_discarded()) return std::nullopt;
    return document;
}

/// The member at the end of that path; nullptr when something on the way is missing or null.
inline const Json* find(const Json& from, std::initializer_list<const char*> path) {
    const Json* here = &from;
    for (const char* name : path) {
        if (!here->is_object()) return nullptr;
        const auto found = here->find(name);
        if (found == here->end() || found->is_null()) return nullptr;
        here = &*found;
    }
    return here;
}

inline std::string text_at(const Json& from, std::initializer_list<const char*> path) {
    const Json* value = find(from, path);
    return value && value->is_string() ? value->get<std::string>() : std::string();
}

inline std::int64_t number_at(const Json& from, std::initializer_list<const char*> path) {
    const Json* value = find(from, path);
    if (!value || !value->is_number()) return 0;
    if (value->is_number_float()) return static_cast<std::int64_t>(value->get<double>());
    return value->get<std::int64_t>();
}

/// The elements of an array of objects; empty when it is none.
inline std::vector<Json> items_at(const Json& from, std::initializer_list<const char*> path) {
    std::vector<Json> items;
    if (const Json* value = find(from, path); value && value->is_array())
        for (const Json& item : *value)
            if (item.is_object()) items.push_back(item);
    return items;
}

inline std::vector<std::string> texts_at(const Json& from,
                                         std::initializer_list<const char*> path) {
    std::vector<std::string> texts;
    if (const Json* value = find(from, path); value && value->is_array())
        for (const Json& item : *value)
            if (item.is_string()) texts.push_back(item.get<std::string>());
    return texts;
}

inline std::string to_body(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hopyard::azure
