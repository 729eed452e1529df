#include "control/agenda.h"

namespace hopyard::control {

void Agenda::put(const ClusterId& cluster, Timestamp at) {
    const auto [found, is_new] = at_.emplace(cluster, at);
    if (!is_new) {
        if (found->second <= at) return;
        in_order_.erase({found->second, cluster});
        found->second = at;
    }
    in_order_.emplace(at, cluster);
}

std::vector<ClusterId> Agenda::take_due(Timestamp now) {
    std::vector<ClusterId> due;
    while (!in_order_.empty() && in_order_.begin()->first <= now) {
        due.push_back(in_order_.begin()->second);
        erase(due.back());
    }
    return due;
}

std::optional<Timestamp> Agenda::next() const {
    if (in_order_.empty()) return std::nullopt;
    return in_order_.begin()->first;
}

void Agenda::erase(const ClusterId& cluster) {
    const auto found = at_.find(cluster);
    if (found == at_.end()) return;
    in_order_.erase({found->second, cluster});
    at_.erase(found);
}

void Agenda::clear() {
    at_.clear();
    in_order_.clear();
}

}  // namespace hopyard::control
