// What is counted, in the text format that monitors read (Prometheus exposition format 0.0.4).
// Counters are kept here; what the store and the loops know is asked for when somebody looks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"

namespace hopyard::api {

/// A value as it is at the moment of looking.
struct Gauge {
    std::string name;
    std::string help;
    std::map<std::string, std::string> labels;
    double value = 0;
};

class Metrics {
  public:
    Metrics();
    ~Metrics();

    struct Answered {
        std::string method;
        std::string route;  ///< the pattern, never the path: few values
        int status = 0;
        Milliseconds took{0};
    };
    /// Thread-safe, as everything here.
    void count(const Answered& answered);
    /// Adds one to a counter of the program: a loop's rounds, a call's failures. `name` without
    /// the prefix "hopyard_" and the suffix "_total"; always with the same help and label names.
    void count(const std::string& name,
               const std::string& help,
               const std::map<std::string, std::string>& labels = {});
    /// The whole text, these gauges included.
    std::string text(const std::vector<Gauge>& gauges) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::api
