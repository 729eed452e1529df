#include "decide/replay/trace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/words.h"

namespace hopyard::decide::replay {
namespace {

constexpr std::size_t bad_lines_max = 100;
/// 1970-01-05, a Monday.
constexpr Timestamp some_monday{Seconds(4 * 86'400)};
/// No trace is longer, and no job has more pieces: beyond them a number is a slip.
constexpr double seconds_max = 1e10;
constexpr double pieces_max = 1e6;
constexpr std::int64_t memory_mb_max = std::int64_t{1} << 32;

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0;
         (at = line.find_first_not_of(" \t\r", at)) != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
        words.push_back(line.substr(at, end - at));
        at = end;
    }
    return words;
}

std::vector<std::string_view> cells_of(std::string_view line) {
    std::vector<std::string_view> cells;
    for (std::size_t at = 0;;) {
        const std::size_t end = std::min(line.find(',', at), line.size());
        cells.push_back(trimmed(line.substr(at, end - at)));
        if (end == line.size()) return cells;
        at = end + 1;
    }
}

/// Finite only.
std::optional<double> number_in(std::string_view text) {
    double number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return number;
}

Milliseconds milliseconds_of(double seconds) {
    return Milliseconds(static_cast<std::int64_t>(std::llround(seconds * 1000)));
}

/// What reads one line after the other; a bad one throws its reason away from the good ones.
class Reader {
  public:
    explicit Reader(const Reading& reading) : reading_(reading) {}

    Result<Trace> read(std::string_view text) {
        int number = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const std::string_view line = trimmed(text.substr(at, end - at));
            at = end + 1;
            ++number;
            if (line.empty()) continue;
            const std::string reason =
                reading_.format == Format::swf ? read_swf(line) : read_openb(line);
            if (reason.empty()) continue;
            if (!reading_.skip_bad_lines)
                return refuse("/trace",
                              "trace_line_bad",
                              fmt::format("line {}: {}", number, reason),
                              "Mend the line, or have bad lines skipped.");
            ++trace_.skipped;
            if (trace_.bad.size() < bad_lines_max) trace_.bad.push_back({number, reason});
        }
        if (trace_.jobs.empty())
            return refuse("/trace",
                          "trace_empty",
                          "the trace has no job that ran",
                          "Check that its format is the one that was named.");
        std::stable_sort(trace_.jobs.begin(), trace_.jobs.end(), [](const Job& a, const Job& b) {
            return a.submitted_at < b.submitted_at;
        });
        return std::move(trace_);
    }

  private:
    /// Why the line is bad; empty when it is not.
    std::string read_swf(std::string_view line);
    std::string read_openb(std::string_view line);
    std::string read_header(std::string_view line);
    std::string add(Job job, double submitted_s, double run_s);

    const Reading& reading_;
    Trace trace_;
    Timestamp began_ = some_monday;
    std::map<std::string_view, std::size_t> columns_;
};

std::string Reader::add(Job job, double submitted_s, double run_s) {
    if (submitted_s < 0 || submitted_s > seconds_max)
        return fmt::format("{} is no time of submission", submitted_s);
    if (run_s > seconds_max) return fmt::format("{} s is too long", run_s);
    job.submitted_at = began_ + milliseconds_of(submitted_s);
    job.run = milliseconds_of(run_s);
    trace_.jobs.push_back(std::move(job));
    return "";
}

// --- SWF ---------------------------------------------------------------------------------------

/// "; UnixStartTime: 749458803" dates the trace; other comments are for people.
std::string Reader::read_header(std::string_view line) {
    constexpr std::string_view start = "UnixStartTime:";
    const auto at = line.find(start);
    if (at == std::string_view::npos || !trace_.jobs.empty()) return "";
    const auto seconds = number_in(trimmed(line.substr(at + start.size())));
    if (!seconds || *seconds < 0 || *seconds > seconds_max) return "";
    if (*seconds > 0) began_ = Timestamp(milliseconds_of(*seconds));
    return "";
}

std::string Reader::read_swf(std::string_view line) {
    if (line.front() == ';') return read_header(line);
    constexpr std::size_t fields = 18;
    const auto words = words_of(line);
    if (words.size() != fields)
        return fmt::format("{}, where a job has {}", counted(words.size(), "field"), fields);
    std::array<double, fields> field{};
    for (std::size_t i = 0; i < fields; ++i) {
        const auto number = number_in(words[i]);
        if (!number) return fmt::format("field {}, '{}', is no number", i + 1, words[i]);
        field[i] = *number;
    }
    const double run_s = field[3];
    // What was asked for; where that is not known, what was given.
    const double processors = field[7] > 0 ? field[7] : field[4];
    const double memory_kb = field[9] > 0 ? field[9] : field[6];
    if (run_s < 0 || processors <= 0) {
        ++trace_.never_ran;
        return "";
    }
    if (processors > pieces_max) return fmt::format("{} processors are too many", processors);
    Job job{.name = std::string(words[0]),
            .pieces = static_cast<int>(processors),
            .each = reading_.processor};
    if (memory_kb > 0)
        job.each.memory_mb =
            std::min(static_cast<std::int64_t>(std::ceil(memory_kb / 1024)), memory_mb_max);
    if (field[8] > 0 && field[8] < seconds_max) job.limit_s = static_cast<std::int64_t>(field[8]);
    return add(std::move(job), field[1], run_s);
}

// --- openb -------------------------------------------------------------------------------------

std::string Reader::read_openb(std::string_view line) {
    const auto cells = cells_of(line);
    if (columns_.empty()) {
        for (std::size_t i = 0; i < cells.size(); ++i) columns_[cells[i]] = i;
        for (const char* needed : {"name",
                                   "cpu_milli",
                                   "memory_mib",
                                   "num_gpu",
                                   "creation_time",
                                   "deletion_time",
                                   "scheduled_time"})
            if (!columns_.contains(needed)) {
                columns_.clear();
                return fmt::format("the header has no column '{}'", needed);
            }
        return "";
    }
    if (cells.size() != columns_.size())
        return fmt::format(
            "{}, where the header has {}", counted(cells.size(), "column"), columns_.size());
    const auto cell = [&](const char* column) { return cells[columns_.at(column)]; };
    if (cell("scheduled_time").empty() || cell("deletion_time").empty()) {
        ++trace_.never_ran;
        return "";
    }
    std::map<std::string_view, double> value;
    for (const char* column : {"cpu_milli",
                               "memory_mib",
                               "num_gpu",
                               "creation_time",
                               "deletion_time",
                               "scheduled_time"}) {
        const auto number = number_in(cell(column));
        if (!number || *number < 0 || *number > seconds_max)
            return fmt::format("{}, '{}', is no such number", column, cell(column));
        value[column] = *number;
    }
    const double run_s = value["deletion_time"] - value["scheduled_time"];
    if (run_s < 0) return "it ended before it began";
    // Of a card that is shared a whole one is counted: workers give cards whole.
    return add({.name = std::string(cell("name")),
                .each = {.cpus = static_cast<std::int64_t>(std::ceil(value["cpu_milli"] / 1000)),
                         .memory_mb = static_cast<std::int64_t>(value["memory_mib"]),
                         .gpus = static_cast<std::int64_t>(value["num_gpu"])}},
               value["creation_time"],
               run_s);
}

}  // namespace

std::optional<Format> format_from(std::string_view word) {
    if (word == "swf") return Format::swf;
    if (word == "openb") return Format::openb;
    return std::nullopt;
}

Result<Trace> read_trace(std::string_view text, const Reading& reading) {
    return Reader(reading).read(text);
}

}  // namespace hopyard::decide::replay
