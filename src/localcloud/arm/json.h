// Reading JSON that strangers wrote. The library's full header stays in .cpp files: here a document
// is a shared pointer to a constant value, so that resources can be copied and kept for the price
// of a counter, and changing one means making a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hopyard::localcloud {

using Json = nlohmann::json;
using Document = std::shared_ptr<const Json>;

Document document(Json value);
/// Nothing when the text is not JSON, or is nested deeper than 64.
std::optional<Json> parse_json(const std::string& text);
std::string to_text(const Json& value);

/// The value a JSON pointer leads to ("/properties/osProfile"); null when there is none or it is
/// null.
const Json* find(const Json& value, std::string_view pointer);
/// The string there; `otherwise` when it is missing or no string.
std::string text_at(const Json& value, std::string_view pointer, std::string otherwise = "");
std::int64_t number_at(const Json& value, std::string_view pointer, std::int64_t otherwise = 0);
bool flag_at(const Json& value, std::string_view pointer, bool otherwise = false);
/// The strings of the array there; empty when it is no array.
std::vector<std::string> texts_at(const Json& value, std::string_view pointer);
/// The array there; an empty one when it is missing or no array.
const Json& array_at(const Json& value, std::string_view pointer);
/// The object there; an empty one when it is missing or no object.
const Json& object_at(const Json& value, std::string_view pointer);

}  // namespace hopyard::localcloud
