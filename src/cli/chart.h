// The course of a simulated workload as a picture and as a line of text.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace hopyard::cli {

/// An SVG of workers paid for and used, and of jobs that waited, over time; legible on light and
/// dark ground. `course` is that of the API's SimulationOutcome, not empty.
std::string chart_svg(const nlohmann::json& course, const std::string& title);

/// "▁▂▅█▅": one sign for each of at most `width` equal parts of the time.
std::string spark_line(const nlohmann::json& course, const char* member, std::size_t width);

}  // namespace hopyard::cli
