// How long one decision of the autoscaler takes, by size: milliseconds as JSON, for bench/run.
// Every request has a shape of its own, and every worker another room: nothing is equal but by
// chance.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "decide/scale/scale.h"

namespace {

using namespace hopyard;
namespace scale = decide::scale;

struct Size {
    const char* name;
    int requests;
    int workers;
    int kinds;
};

class Dice {
  public:
    int operator()(int from, int to) {
        return std::uniform_int_distribution<int>(from, to)(engine_);
    }

  private:
    std::mt19937 engine_{7};
};

scale::Situation situation_of(const Size& size) {
    Dice dice;
    scale::Situation s;
    s.now = Timestamp(Seconds(1'000'000));
    s.general.policy = {
        .instance_type = "k0", .max_workers = size.workers * 4, .standby_workers = 0.5};
    for (int i = 0; i < size.kinds; ++i)
        s.general.kinds.push_back({.key = {.instance_type = "k" + std::to_string(i)},
                                   .size = {.cpus = 4 + i % 100, .memory_mb = 8192 + 1000 * i}});
    for (int i = 0; i < size.workers; ++i)
        s.workers.push_back({.name = "w" + std::to_string(i),
                             .key = {.instance_type = "k0"},
                             .size = {.cpus = 64, .memory_mb = 262'144},
                             .used = {.cpus = dice(0, 64), .memory_mb = dice(0, 262'144)},
                             .jobs = 1,
                             .group = scale::GroupName::general});
    for (int i = 0; i < size.requests; ++i) {
        model::Request request{.name = std::to_string(i),
                               .each = {.cpus = dice(1, 4), .memory_mb = dice(100, 8000)}};
        if (i % 10 == 0) {
            request.pieces = dice(2, 16);
            request.apart = dice(0, 1) == 0;
        }
        s.requests.push_back(std::move(request));
    }
    return s;
}

/// The median of five.
double milliseconds_of(const scale::Situation& situation) {
    std::vector<double> took;
    for (int i = 0; i < 5; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const scale::Decision decision = scale::decide(situation);
        const std::chrono::duration<double, std::milli> spent =
            std::chrono::steady_clock::now() - began;
        if (decision.balances.empty()) return -1;
        took.push_back(spent.count());
    }
    std::sort(took.begin(), took.end());
    return took[2];
}

}  // namespace

int main() {
    const Size sizes[] = {{"requests_30000", 30'000, 1'000, 1},
                          {"types_400", 10'000, 100, 400},
                          {"requests_10000", 10'000, 1'000, 1},
                          {"requests_100000", 100'000, 10'000, 1}};
    std::printf("{");
    const char* comma = "";
    for (const Size& size : sizes) {
        std::printf("%s\"%s\": %.1f", comma, size.name, milliseconds_of(situation_of(size)));
        comma = ", ";
    }
    std::printf("}\n");
}
