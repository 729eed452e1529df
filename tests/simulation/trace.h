// What happened, in order, for people who look into a failure. Off in ordinary runs, where a line
// costs nothing: a failed seed is run again with it.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/time.h"

namespace hopyard::simulation {

class Trace {
  public:
    enum class Mode { off, keep, print };
    Trace(Mode mode, const Clock& clock) : mode_(mode), clock_(clock) {}

    bool on() const { return mode_ != Mode::off; }
    /// `line` is called only when somebody will see it.
    template <class Line>
    void note(Line line) {
        if (on()) add(line());
    }
    std::vector<std::string> last() const { return {lines_.begin(), lines_.end()}; }

  private:
    void add(std::string line);
    static constexpr std::size_t kept = 120;
    Mode mode_;
    const Clock& clock_;
    std::deque<std::string> lines_;
};

/// What was found wrong. The first one counts: it is the cause or nearest to it.
class Findings {
  public:
    Findings(const Clock& clock, Trace& trace) : clock_(clock), trace_(trace) {}
    void add(std::string what);
    bool any() const { return !found_.empty(); }
    const std::vector<std::string>& all() const { return found_; }

  private:
    const Clock& clock_;
    Trace& trace_;
    std::vector<std::string> found_;
};

}  // namespace hopyard::simulation
