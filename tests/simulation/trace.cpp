#include "simulation/trace.h"

#include <cstdio>

#include <fmt/format.h>

namespace hopyard::simulation {

void Trace::add(std::string line) {
    line = to_rfc3339(clock_.now()).substr(11, 12) + "  " + line;
    if (mode_ == Mode::print) std::fprintf(stderr, "%s\n", line.c_str());
    lines_.push_back(std::move(line));
    if (lines_.size() > kept) lines_.pop_front();
}

void Findings::add(std::string what) {
    trace_.note([&] { return "WRONG: " + what; });
    found_.push_back(to_rfc3339(clock_.now()).substr(11, 12) + "  " + std::move(what));
}

}  // namespace hopyard::simulation
