// The log facade: one line per event, a fixed sentence and named values. Values that could hold a
// secret are never passed; a Secret does not convert. spdlog stays behind log.cpp (style B1).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace hopyard::log {

enum class Level { debug, info, warning, error };

struct Field {
    std::string_view name;
    std::string value;
    Field(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
    Field(std::string_view field_name, const char* text) : name(field_name), value(text) {}
    Field(std::string_view field_name, std::string text)
        : name(field_name), value(std::move(text)) {}
    template <class Number>
        requires std::is_arithmetic_v<Number>
    Field(std::string_view field_name, Number number)
        : name(field_name), value(std::to_string(number)) {}
};

using Fields = std::initializer_list<Field>;

/// Lines below this level are dropped. The default is info.
void set_level(Level level);
/// Sends lines to that file (created 0600, appended) instead of standard error. A file that would
/// grow beyond that many bytes becomes "name.1.ext" in place of the one before, and a new one
/// begins.
void to_file(const std::string& path, std::size_t bytes_max = 8u << 20);

void debug(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void warning(std::string_view event, Fields fields = {});
void error(std::string_view event, Fields fields = {});

}  // namespace hopyard::log
