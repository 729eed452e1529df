// hopyard-sim: lives of clusters on a simulated cloud, as many as wanted, each from its seed.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "base/log.h"
#include "simulation/world.h"

namespace hopyard::simulation {
namespace {

constexpr const char* usage =
    "Usage: hopyard-sim [--seed N] [--seeds N] [--lives N] [--verbose]\n"
    "\n"
    "Runs the control plane on a simulated cloud where everything goes wrong, then looks whether\n"
    "all is as it was wanted.\n"
    "\n"
    "  --seed N     the first seed (0)\n"
    "  --seeds N    how many seeds (1)\n"
    "  --lives N    clusters per seed (the seed decides: one to three)\n"
    "  --verbose    every event as it happens\n"
    "\n"
    "Ends with 1 at the first seed that fails, and prints it with its last events.\n";

struct Arguments {
    std::uint64_t seed = 0;
    std::uint64_t seeds = 1;
    int lives = 0;
    bool verbose = false;
};

std::optional<Arguments> parse(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--verbose") {
            arguments.verbose = true;
            continue;
        }
        if (i + 1 == count) return std::nullopt;
        char* end = nullptr;
        const std::uint64_t number = std::strtoull(words[++i], &end, 10);
        if (*end != '\0') return std::nullopt;
        if (word == "--seed")
            arguments.seed = number;
        else if (word == "--seeds")
            arguments.seeds = number;
        else if (word == "--lives")
            arguments.lives = static_cast<int>(number);
        else
            return std::nullopt;
    }
    return arguments;
}

void show_failure(const Outcome& outcome) {
    fmt::print("seed {} FAILED\n\nThe last events:\n", outcome.seed);
    for (const std::string& line : outcome.last_events) fmt::print("  {}\n", line);
    fmt::print("\nThe rows:\n");
    for (const std::string& line : outcome.rows) fmt::print("  {}\n", line);
    fmt::print("\nWhat is wrong:\n");
    for (const std::string& finding : outcome.findings) fmt::print("  {}\n", finding);
    fmt::print("\nAgain: hopyard-sim --seed {} --verbose\n", outcome.seed);
}

int run(const Arguments& arguments) {
    log::set_level(log::Level::error);
    // The processor's time: others may use the same core.
    const std::clock_t began = std::clock();
    std::size_t lives = 0;
    std::uint64_t steps = 0, reports = 0;
    std::uint64_t crashes = 0;
    Milliseconds simulated{0};
    for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
        const Outcome outcome =
            run_seed({.seed = arguments.seed + i,
                      .lives = arguments.lives,
                      .trace = arguments.verbose ? Trace::Mode::print : Trace::Mode::off});
        if (!outcome.findings.empty()) {
            show_failure(outcome);
            return 1;
        }
        lives += outcome.lives;
        steps += outcome.steps;
        reports += outcome.reports;
        crashes += static_cast<std::uint64_t>(outcome.crashes);
        simulated += outcome.simulated;
    }
    const double took = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    fmt::print(
        "{} seeds, {} lives in {:.2f} s of one core: {:.0f} lives/s ({} simulated, {} rounds, {} "
        "reports, "
        "{} crashes)\n",
        arguments.seeds,
        lives,
        took,
        static_cast<double>(lives) / took,
        to_human(simulated),
        steps,
        reports,
        crashes);
    return 0;
}

}  // namespace
}  // namespace hopyard::simulation

int main(int count, char** words) {
    const auto arguments = hopyard::simulation::parse(count, words);
    if (arguments) return hopyard::simulation::run(*arguments);
    std::fputs(hopyard::simulation::usage, stderr);
    return 2;
}
