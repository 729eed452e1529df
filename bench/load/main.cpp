// hopyard-load: fills a store with clusters, and plays their heads.
//
//   hopyard-load fill STATE CLUSTERS WORKERS   prints an administrator's key
//   hopyard-load heads STATE PORT CLUSTERS     comes, prints a line of JSON, and then takes orders:
//                                              "run SECONDS" prints what was counted, "change
//                                              NUMBER STAGE" has one head report that; ends with
//                                              its input
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "apps/installation.h"
#include "load/fill.h"
#include "load/heads.h"
#include "store/open.h"

namespace hopyard::bench {
namespace {

constexpr Seconds coming_time_max{600};

Result<std::unique_ptr<store::Store>> open_store(const std::string& state, Random& random) {
    ASSIGN_OR_RETURN(Secret key, store::open_sealing_key(state + "/sealing.key", random));
    return store::open("sqlite:" + state + "/hopyard.db", std::move(key));
}

void say(const nlohmann::json& line) {
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
}

double quantile(std::vector<double>& values, double of) {
    if (values.empty()) return 0;
    const auto at = static_cast<std::size_t>(static_cast<double>(values.size() - 1) * of);
    std::nth_element(
        values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
    return values[at];
}

void tell(Heads& heads) {
    Heads::Counts counts = heads.take_counts();
    say({{"reports", counts.reports},
         {"orders", counts.orders},
         {"failures", counts.failures},
         {"ready", counts.ready},
         {"wait_p50_ms", quantile(counts.waits_ms, 0.5)},
         {"wait_p99_ms", quantile(counts.waits_ms, 0.99)}});
}

/// False at the end of the input.
bool obey(Heads& heads) {
    std::string line;
    if (!std::getline(std::cin, line)) return false;
    std::istringstream words(line);
    std::string verb, stage;
    words >> verb;
    if (verb == "run") {
        int seconds = 0;
        words >> seconds;
        (void)heads.take_counts();
        heads.run_for(Seconds(seconds));
        tell(heads);
    } else if (verb == "change") {
        std::size_t number = 0;
        words >> number >> stage;
        heads.change(number, stage);
    }
    return true;
}

bool input_waits() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return std::cin.rdbuf()->in_avail() > 0 || ::poll(&input, 1, 0) > 0;
}

Result<void> play(const std::string& state, int port, int count) {
    SystemClock clock;
    SystemRandom random;
    apps::Installation installation;
    std::vector<model::Node> nodes;
    {
        ASSIGN_OR_RETURN(const auto store, open_store(state, random));
        ASSIGN_OR_RETURN(installation, apps::load_installation(*store, clock, random));
        ASSIGN_OR_RETURN(nodes, heads_of(*store, count));
    }
    Heads heads(installation.authority, static_cast<std::uint16_t>(port), nodes, clock.now());
    const auto began = Steady::now();
    const bool all = heads.come(coming_time_max);
    say({{"all", all}, {"seconds", std::chrono::duration<double>(Steady::now() - began).count()}});
    tell(heads);
    for (;;) {
        if (input_waits() && !obey(heads)) return {};
        heads.run_for(Milliseconds(5));
    }
}

Result<void> fill_state(const std::string& state, int count, int workers) {
    SystemClock clock;
    SystemRandom random;
    ASSIGN_OR_RETURN(const auto store, open_store(state, random));
    RETURN_IF_ERROR(apps::load_installation(*store, clock, random));
    ASSIGN_OR_RETURN(const auto key, fill(*store, random, clock.now(), count, workers));
    std::printf("%s\n", key.reveal().c_str());
    return {};
}

int run(const std::vector<std::string>& words) {
    Result<void> outcome;
    if (words.size() == 4 && words[0] == "fill") {
        outcome = fill_state(words[1], std::stoi(words[2]), std::stoi(words[3]));
    } else if (words.size() == 4 && words[0] == "heads") {
        outcome = play(words[1], std::stoi(words[2]), std::stoi(words[3]));
    } else {
        std::fputs("hopyard-load fill STATE CLUSTERS WORKERS | heads STATE PORT CLUSTERS\n",
                   stderr);
        return 2;
    }
    if (!outcome) std::fprintf(stderr, "hopyard-load: %s\n", outcome.error().message.c_str());
    return outcome ? 0 : 1;
}

}  // namespace
}  // namespace hopyard::bench

int main(int argc, char** argv) {
    return hopyard::bench::run({argv + 1, argv + argc});
}
