#include "localcloud/arm/json.h"

#include <nlohmann/json.hpp>

namespace hopyard::localcloud {

Document document(Json value) {
    return std::make_shared<const Json>(std::move(value));
}

std::optional<Json> parse_json(const std::string& text) {
    constexpr int depth_max = 64;
    bool too_deep = false;
    auto watch = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > depth_max;
        return !too_deep;
    };
    Json value = Json::parse(text, watch, false);
    if (value.is_discarded() || too_deep) return std::nullopt;
    return value;
}

std::string to_text(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* find(const Json& value, std::string_view pointer) {
    const Json* here = &value;
    std::size_t begin = 1;
    while (begin <= pointer.size() && !pointer.empty()) {
        const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
        const std::string key(pointer.substr(begin, end - begin));
        if (here->is_array()) {
            const std::size_t index = std::strtoul(key.c_str(), nullptr, 10);
            if (index >= here->size()) return nullptr;
            here = &(*here)[index];
        } else {
            if (!here->is_object()) return nullptr;
            const auto found = here->find(key);
            if (found == here->end()) return nullptr;
            here = &*found;
        }
        begin = end + 1;
    }
    return here->is_null() ? nullptr : here;
}

std::string text_at(const Json& value, std::string_view pointer, std::string otherwise) {
    const Json* there = find(value, pointer);
    return there && there->is_string() ? there->get<std::string>() : otherwise;
}

std::int64_t number_at(const Json& value, std::string_view pointer, std::int64_t otherwise) {
    const Json* there = find(value, pointer);
    return there && there->is_number_integer() ? there->get<std::int64_t>() : otherwise;
}

bool flag_at(const Json& value, std::string_view pointer, bool otherwise) {
    const Json* there = find(value, pointer);
    return there && there->is_boolean() ? there->get<bool>() : otherwise;
}

std::vector<std::string> texts_at(const Json& value, std::string_view pointer) {
    std::vector<std::string> texts;
    for (const Json& element : array_at(value, pointer))
        if (element.is_string()) texts.push_back(element.get<std::string>());
    return texts;
}

const Json& array_at(const Json& value, std::string_view pointer) {
    static const Json none = Json::array();
    const Json* there = find(value, pointer);
    return there && there->is_array() ? *there : none;
}

const Json& object_at(const Json& value, std::string_view pointer) {
    static const Json none = Json::object();
    const Json* there = find(value, pointer);
    return there && there->is_object() ? *there : none;
}

}  // namespace hopyard::localcloud
