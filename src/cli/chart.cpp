#include "cli/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/time.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

constexpr double left = 64, right = 16, width = 960;
constexpr double plot_width = width - left - right;
constexpr int parts_of_values = 4, parts_of_time = 8;

struct Panel {
    double top;
    double height;
    double most;  ///< value at its upper edge
    double y(double value) const { return top + height - height * value / most; }
};

/// 1, 2 or 5 times a power of ten, so that at most about so many of it make up `most`.
double step_of(double most, int parts) {
    const double rough = std::max(most, 1.0) / parts;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (factor * power >= rough) return std::max(1.0, factor * power);
    return 10 * power;
}

std::vector<double> values_of(const json& course, const char* member) {
    std::vector<double> values;
    for (const json& moment : course) values.push_back(moment.value(member, 0.0));
    return values;
}

Panel panel_of(double top, double height, const std::vector<double>& values) {
    const double most = *std::max_element(values.begin(), values.end());
    const double step = step_of(most, parts_of_values);
    return {top, height, std::max(step, std::ceil(most / step) * step)};
}

std::string text(double x, double y, const char* anchor, const std::string& words) {
    return fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, words);
}

/// What a colour means, as its sign and in words.
std::string key(double x, double y, const char* look, const std::string& words) {
    return fmt::format(
               "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"10\" height=\"10\" rx=\"2\"/>\n",
               look,
               x,
               y - 10) +
           text(x + 16, y, "start", words);
}

/// Each value holds for its whole part of the time.
std::string area(const Panel& panel, const std::vector<double>& values, const char* look) {
    const double part = plot_width / static_cast<double>(values.size());
    std::string path = fmt::format("M{:.1f},{:.1f}", left, panel.y(0));
    for (std::size_t i = 0; i < values.size(); ++i)
        path += fmt::format("L{:.1f},{:.1f}H{:.1f}",
                            left + part * static_cast<double>(i),
                            panel.y(values[i]),
                            left + part * static_cast<double>(i + 1));
    path += fmt::format("L{:.1f},{:.1f}Z", left + plot_width, panel.y(0));
    return fmt::format("<path class=\"{}\" d=\"{}\"/>\n", look, path);
}

std::string scale_of(const Panel& panel, const std::string& title) {
    std::string out = text(left, panel.top - 10, "start", title);
    const double step = step_of(panel.most, parts_of_values);
    for (double value = 0; value <= panel.most + step / 2; value += step) {
        const double y = panel.y(std::min(value, panel.most));
        out +=
            fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                        left,
                        left + plot_width,
                        y,
                        y);
        out += text(left - 8, y + 4, "end", fmt::format("{:g}", std::min(value, panel.most)));
    }
    return out;
}

/// Hours, or days where there are many.
std::string time_scale(const json& course, double y) {
    const auto first = from_rfc3339(course.front().value("at", ""));
    const auto last = from_rfc3339(course.back().value("at", ""));
    const auto parts = static_cast<double>(course.size());
    double hours = 1;
    if (first && last && course.size() > 1)
        hours = static_cast<double>((*last - *first).count()) / 3'600'000 * parts / (parts - 1);
    const bool in_days = hours > 96;
    const double whole = in_days ? hours / 24 : hours;
    const double step = step_of(whole, parts_of_time);
    std::string out;
    for (double at = 0; at <= whole; at += step)
        out += text(left + plot_width * at / whole, y, "middle", fmt::format("{:g}", at));
    return out + text(left + plot_width, y + 18, "end", in_days ? "days" : "hours");
}

constexpr const char* look = R"(<style>
text { font: 12px system-ui, sans-serif; fill: #1f2933; }
.ground { fill: #ffffff; }
.grid { stroke: #8795a1; stroke-opacity: 0.35; }
.paid { fill: #8fb8de; }
.used { fill: #1f6f43; }
.waiting { fill: #c2571a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .ground { fill: #16191d; }
  .paid { fill: #3b6ea5; }
  .used { fill: #5fbf8a; }
  .waiting { fill: #f0924f; }
}
</style>
)";

/// A name of a file may hold what XML must not.
std::string escaped(const std::string& words) {
    std::string out;
    for (const char c : words) {
        if (c == '<')
            out += "&lt;";
        else if (c == '&')
            out += "&amp;";
        else if (static_cast<unsigned char>(c) >= ' ')
            out += c;
    }
    return out;
}

}  // namespace

std::string chart_svg(const json& course, const std::string& title) {
    const auto paid = values_of(course, "workers");
    const auto used = values_of(course, "used");
    const auto waiting = values_of(course, "waiting");
    const Panel workers = panel_of(76, 220, paid);
    const Panel queue = panel_of(346, 100, waiting);
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} 500\" role=\"img\">\n"
        "<title>{}</title>\n{}<rect class=\"ground\" width=\"{}\" height=\"500\"/>\n",
        width,
        escaped(title),
        look,
        width);
    out += text(left, 28, "start", escaped(title));
    out += scale_of(workers, "Workers") + key(160, workers.top - 10, "paid", "paid for") +
           key(260, workers.top - 10, "used", "with a job");
    out += area(workers, paid, "paid") + area(workers, used, "used");
    out += scale_of(queue, "Jobs that wait") + area(queue, waiting, "waiting");
    return out + time_scale(course, 466) + "</svg>\n";
}

std::string spark_line(const json& course, const char* member, std::size_t width_of_line) {
    static constexpr std::array<const char*, 9> signs{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const auto values = values_of(course, member);
    const double most = std::max(1e-9, *std::max_element(values.begin(), values.end()));
    const std::size_t parts = std::min(width_of_line, values.size());
    std::string line;
    for (std::size_t part = 0; part < parts; ++part) {
        const auto from =
            values.begin() + static_cast<std::ptrdiff_t>(part * values.size() / parts);
        const auto to =
            values.begin() + static_cast<std::ptrdiff_t>((part + 1) * values.size() / parts);
        const double peak = *std::max_element(from, to);
        line += signs[static_cast<std::size_t>(std::ceil(peak / most * 8 - 1e-9))];
    }
    return line;
}

}  // namespace hopyard::cli
