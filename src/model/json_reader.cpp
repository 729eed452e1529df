#include "model/json_reader.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace hopyard::model {
namespace {

using nlohmann::json;

constexpr int depth_max = 32;

/// Depth of nesting by counting brackets outside strings: cheap, and before any allocation.
int depth_of(std::string_view text) {
    int depth = 0, deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] =
                std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

std::string type_word(const json& value) {
    if (value.is_number_float()) return "a fraction";
    if (value.is_number()) return "a whole number";
    if (value.is_string()) return "a string";
    if (value.is_boolean()) return "true or false";
    if (value.is_array()) return "a list";
    if (value.is_object()) return "an object";
    return "null";
}

}  // namespace

Result<json> parse_limited(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max)
        return refuse(
            "",
            "too_large",
            fmt::format("the document has {} bytes; at most {} are read", text.size(), bytes_max),
            "Shorten it; large files belong into the container, not into the request.");
    if (const int depth = depth_of(text); depth > depth_max)
        return refuse("",
                      "too_deep",
                      fmt::format("nested {} levels deep; at most {} are read", depth, depth_max),
                      "Flatten the document.");
    std::vector<std::set<std::string>> names;
    std::string twice;
    const json::parser_callback_t watch = [&](int, json::parse_event_t event, json& value) {
        if (event == json::parse_event_t::object_start) names.emplace_back();
        if (event == json::parse_event_t::object_end && !names.empty()) names.pop_back();
        if (event == json::parse_event_t::key && !names.empty() &&
            !names.back().insert(value.get<std::string>()).second)
            twice = value.get<std::string>();
        return true;
    };
    try {
        json document = json::parse(text, watch);
        if (!twice.empty())
            return refuse("",
                          "duplicate_member",
                          "'" + twice + "' stands twice in one object",
                          "Keep one of them.");
        return document;
    } catch (const json::exception& malformed) {
        std::string cause = malformed.what();
        if (const auto bracket = cause.find("] "); bracket != std::string::npos)
            cause.erase(0, bracket + 2);
        return refuse("", "malformed_json", "not JSON: " + cause, "Mend the document.");
    }
}

ObjectReader::ObjectReader(const json& value, std::string pointer, std::optional<Error>& fault)
    : value_(value), pointer_(std::move(pointer)), fault_(fault) {
    if (!value_.is_object() && !fault_)
        fault_ =
            refuse(
                pointer_, "wrong_type", "must be an object, is " + type_word(value_), "Write {…}.")
                .value();
}

void ObjectReader::fault(const std::string& name,
                         std::string code,
                         std::string rule,
                         std::string remedy) {
    if (!fault_)
        fault_ =
            refuse(pointer_of(name), std::move(code), std::move(rule), std::move(remedy)).value();
}

const json* ObjectReader::take(const char* name) {
    known_.insert(name);
    if (!value_.is_object()) return nullptr;
    const auto found = value_.find(name);
    return found == value_.end() || found->is_null() ? nullptr : &*found;
}

const json* ObjectReader::member(const char* name) {
    return take(name);
}

void ObjectReader::read(const char* name, std::string& out) {
    const json* value = take(name);
    if (value == nullptr) return;
    if (!value->is_string())
        return fault(
            name, "wrong_type", "must be a string, is " + type_word(*value), "Put it in quotes.");
    out = value->get<std::string>();
}

void ObjectReader::read(const char* name, bool& out) {
    const json* value = take(name);
    if (value == nullptr) return;
    if (!value->is_boolean())
        return fault(name,
                     "wrong_type",
                     "must be true or false, is " + type_word(*value),
                     "Write true or false without quotes.");
    out = value->get<bool>();
}

void ObjectReader::read(const char* name, std::int64_t& out) {
    const json* value = take(name);
    if (value == nullptr) return;
    const bool too_large = value->is_number_unsigned() &&
                           value->get<std::uint64_t>() >
                               static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value->is_number_integer() || too_large)
        return fault(name,
                     "wrong_type",
                     "must be a whole number, is " + type_word(*value),
                     "Write digits without quotes and without a fraction.");
    out = value->get<std::int64_t>();
}

void ObjectReader::read(const char* name, double& out) {
    const json* value = take(name);
    if (value == nullptr) return;
    if (!value->is_number())
        return fault(name,
                     "wrong_type",
                     "must be a number, is " + type_word(*value),
                     "Write digits without quotes.");
    out = value->get<double>();
}

void ObjectReader::read(const char* name, int& out) {
    std::int64_t wide = out;
    read(name, wide);
    if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
        return fault(name,
                     "out_of_range",
                     fmt::format("{} is out of range", wide),
                     "Write a smaller number.");
    out = static_cast<int>(wide);
}

void ObjectReader::read(const char* name, std::vector<std::string>& out) {
    const json* value = take(name);
    if (value == nullptr) return;
    if (!value->is_array())
        return fault(name, "wrong_type", "must be a list, is " + type_word(*value), "Write […].");
    out.clear();
    for (std::size_t i = 0; i < value->size(); ++i) {
        if (!(*value)[i].is_string())
            return fault(fmt::format("{}/{}", name, i),
                         "wrong_type",
                         "must be a string, is " + type_word((*value)[i]),
                         "Put it in quotes.");
        out.push_back((*value)[i].get<std::string>());
    }
}

void ObjectReader::finish() {
    if (!value_.is_object()) return;
    for (const auto& [name, unused] : value_.items()) {
        if (known_.contains(name)) continue;
        std::string nearest;
        std::size_t best = 4;
        for (const std::string& candidate : known_)
            if (const auto distance = edit_distance(name, candidate); distance < best) {
                best = distance;
                nearest = candidate;
            }
        return fault(name,
                     "unknown_field",
                     "'" + name + "' is not a field here",
                     nearest.empty() ? "Remove it." : "Did you mean '" + nearest + "'?");
    }
}

}  // namespace hopyard::model
