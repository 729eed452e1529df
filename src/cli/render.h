// The API's JSON as a table for people, or as JSON or YAML for programs.
#pragma once

#include <string>
#include <vector>

namespace hopyard::cli {

enum class Format { table, json, yaml };

/// One column: its heading and a JSON pointer into each item ("/spec/head/instanceType").
struct Column {
    std::string heading;
    std::string pointer;
};

/// A document: {"items": […]}, an array, or one object. In a table a missing value is "-".
std::string render(const std::string& json_text, Format format, const std::vector<Column>& columns);
/// One object as "name  value" lines.
std::string render_object(const std::string& json_text,
                          Format format,
                          const std::vector<Column>& fields);
}  // namespace hopyard::cli
