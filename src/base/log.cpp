#include "base/log.h"

#include <fcntl.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace hopyard::log {
namespace {

std::shared_ptr<spdlog::logger> configured(std::shared_ptr<spdlog::logger> logger) {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    logger->flush_on(spdlog::level::info);
    return logger;
}

std::shared_ptr<spdlog::logger>& sink() {
    static std::shared_ptr<spdlog::logger> logger = configured(
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    return logger;
}

/// Quoted when it holds what would break the line's `name=value` form.
std::string quoted(const std::string& value) {
    if (!value.empty() && value.find_first_of(" \"\n\r\t=") == std::string::npos) return value;
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') out.push_back('\\');
        if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) >= 0x20) {
            out.push_back(c);
        }
    }
    return out + "\"";
}

void write(spdlog::level::level_enum level, std::string_view event, Fields fields) {
    if (!sink()->should_log(level)) return;
    std::string line(event);
    for (const Field& field : fields) {
        line += ' ';
        line += field.name;
        line += '=';
        line += quoted(field.value);
    }
    sink()->log(level, "{}", line);
}

}  // namespace

void set_level(Level level) {
    switch (level) {
        case Level::debug:
            sink()->set_level(spdlog::level::debug);
            break;
        case Level::info:
            sink()->set_level(spdlog::level::info);
            break;
        case Level::warning:
            sink()->set_level(spdlog::level::warn);
            break;
        case Level::error:
            sink()->set_level(spdlog::level::err);
            break;
    }
}

void to_file(const std::string& path, std::size_t bytes_max) {
    constexpr std::size_t older_files = 1;
    spdlog::file_event_handlers handlers;
    // Whoever opens it first gives it its mode.
    handlers.before_open = [](const spdlog::filename_t& name) {
        const int file = ::open(name.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
        if (file >= 0) ::close(file);
    };
    const auto level = sink()->level();
    sink() = configured(
        std::make_shared<spdlog::logger>("",
                                         std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                                             path, bytes_max, older_files, false, handlers)));
    sink()->set_level(level);
}

void debug(std::string_view event, Fields fields) {
    write(spdlog::level::debug, event, fields);
}
void info(std::string_view event, Fields fields) {
    write(spdlog::level::info, event, fields);
}
void warning(std::string_view event, Fields fields) {
    write(spdlog::level::warn, event, fields);
}
void error(std::string_view event, Fields fields) {
    write(spdlog::level::err, event, fields);
}

}  // namespace hopyard::log
