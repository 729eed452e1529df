#include "simulation/engine.h"

#include <algorithm>
#include <tuple>

namespace hopyard::simulation {

void Queue::at(Timestamp time, Task task) {
    entries_.push({std::max(time, now()), next_sequence_++, std::move(task)});
}

bool Queue::run_next(Timestamp until) {
    if (entries_.empty() || entries_.top().time > until) {
        clock_.set(std::max(now(), until));
        return false;
    }
    clock_.set(entries_.top().time);
    Task task = std::move(entries_.top().task);
    entries_.pop();
    task();
    return true;
}

}  // namespace hopyard::simulation
