#include "cli/render.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/yaml.h"

namespace hopyard::cli {
namespace {

using nlohmann::ordered_json;

std::string cell(const ordered_json& item, const std::string& pointer) {
    const ordered_json::json_pointer at(pointer);
    if (!item.contains(at)) return "-";
    const ordered_json& value = item[at];
    if (value.is_null()) return "-";
    if (value.is_string()) return value.get<std::string>().empty() ? "-" : value.get<std::string>();
    if (value.is_array()) return std::to_string(value.size());
    return value.dump();
}

ordered_json items_of(const ordered_json& document) {
    if (document.is_object() && document.contains("items")) return document["items"];
    if (document.is_array()) return document;
    return ordered_json::array({document});
}

}  // namespace

std::string render(const std::string& json_text,
                   Format format,
                   const std::vector<Column>& columns) {
    const ordered_json document = ordered_json::parse(json_text, nullptr, false);
    if (document.is_discarded()) return json_text + "\n";
    if (format == Format::json) return document.dump(2) + "\n";
    if (format == Format::yaml) return json_to_yaml(json_text);
    std::vector<std::vector<std::string>> rows(1);
    for (const Column& column : columns) rows[0].push_back(column.heading);
    for (const auto& item : items_of(document)) {
        std::vector<std::string> row;
        for (const Column& column : columns) row.push_back(cell(item, column.pointer));
        rows.push_back(std::move(row));
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::size_t width = 0;
            for (const auto& other : rows) width = std::max(width, other[i].size());
            out += row[i];
            if (i + 1 < row.size()) out.append(width - row[i].size() + 2, ' ');
        }
        out += '\n';
    }
    return out;
}

std::string render_object(const std::string& json_text,
                          Format format,
                          const std::vector<Column>& fields) {
    if (format != Format::table) return render(json_text, format, fields);
    const ordered_json document = ordered_json::parse(json_text, nullptr, false);
    if (!document.is_object()) return json_text + "\n";
    std::size_t width = 0;
    for (const Column& field : fields) width = std::max(width, field.heading.size());
    std::string out;
    for (const Column& field : fields) {
        const std::string value = cell(document, field.pointer);
        if (value == "-") continue;
        out += field.heading + std::string(width - field.heading.size() + 2, ' ') + value + "\n";
    }
    return out;
}

}  // namespace hopyard::cli
