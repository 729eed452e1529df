#include "control/hearsay.h"

#include <algorithm>
#include <functional>
#include <string>

namespace hopyard::control {

bool Hearsay::is_overtaken(const NodeId& head, const nodewire::Report& report, Timestamp now) {
    const std::size_t run = std::hash<std::string>{}(report.run);
    const std::lock_guard lock(mutex_);
    Newest& newest = newest_[head];
    if (newest.run == run && newest.number > report.number) return true;
    newest = {.run = run, .number = report.number, .at = now};
    return false;
}

std::size_t Hearsay::digest_of(const nodewire::Report& report) const {
    nodewire::Report what = report;
    what.at = Timestamp();
    what.number = 0;
    for (auto& worker : what.workers) {
        worker.report.at = Timestamp();
        worker.report.number = 0;
        worker.age_ms = Milliseconds(worker.age_ms) < silence_ ? 0 : 1;
    }
    return std::hash<std::string>{}(nodewire::to_json(what));
}

void Hearsay::note_rows(const NodeId& head,
                        std::size_t digest,
                        const store::StampedCluster& cluster,
                        Timestamp heard_at) {
    const std::lock_guard lock(mutex_);
    said_[head] = {
        .digest = digest, .cluster = cluster, .wrote_at = heard_at, .heard_at = heard_at};
}

std::optional<store::StampedCluster> Hearsay::known(const NodeId& head, std::size_t digest) const {
    const std::lock_guard lock(mutex_);
    const auto found = said_.find(head);
    if (found == said_.end() || found->second.digest != digest) return std::nullopt;
    return found->second.cluster;
}

bool Hearsay::is_repeated(const NodeId& head, std::size_t digest) const {
    const std::lock_guard lock(mutex_);
    const auto found = said_.find(head);
    return found != said_.end() && found->second.digest == digest;
}

bool Hearsay::heard(const NodeId& head, Timestamp now) {
    const std::lock_guard lock(mutex_);
    const auto found = said_.find(head);
    if (found == said_.end()) return false;
    Said& said = found->second;
    said.heard_at = std::max(said.heard_at, now);
    // The clock may have been set back.
    return now < said.wrote_at || now - said.wrote_at >= row_age_max();
}

Timestamp Hearsay::silent_at(const NodeId& head, Timestamp last_report_at) const {
    const std::lock_guard lock(mutex_);
    const auto found = said_.find(head);
    const bool is_ours = found != said_.end() && last_report_at <= found->second.heard_at;
    const Timestamp last = is_ours ? found->second.heard_at : last_report_at + row_age_max();
    return std::max(last, listening_since_) + silence_;
}

void Hearsay::count_clusters(std::size_t clusters) {
    const std::lock_guard lock(mutex_);
    clusters_ = clusters;
}

void Hearsay::forget_before(Timestamp time) {
    const std::lock_guard lock(mutex_);
    std::erase_if(said_, [&](const auto& entry) { return entry.second.heard_at < time; });
    std::erase_if(newest_, [&](const auto& entry) { return entry.second.at < time; });
}

Milliseconds Hearsay::row_age_max() const {
    return std::max<Milliseconds>(between_rewrites_ * clusters_, silence_ / 4);
}

}  // namespace hopyard::control
