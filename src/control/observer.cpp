#include "control/observer.h"

#include <algorithm>

namespace hopyard::control {

using decide::Sighting;
using model::ResourceKind;
using model::ResourceName;

std::string tag_of(const cloud::Seen& seen, std::string_view name) {
    for (const model::Tag& tag : seen.tags)
        if (tag.name == name) return tag.value;
    return {};
}

Sighting::Power power_of(cloud::Power power) {
    switch (power) {
        case cloud::Power::running:
            return Sighting::Power::on;
        case cloud::Power::stopped:
        case cloud::Power::deallocated:
            return Sighting::Power::off;
        // On its way: the next look tells.
        case cloud::Power::unknown:
        case cloud::Power::starting:
        case cloud::Power::stopping:
        case cloud::Power::deallocating:
            break;
    }
    return Sighting::Power::unknown;
}

void Observer::note_list(Timestamp began, const cloud::Listing& listing) {
    listed_at_ = began;
    listing_.clear();
    for (const cloud::Seen& seen : listing.resources) listing_.insert_or_assign(seen.name, seen);
}

void Observer::note_read(const ResourceName& name,
                         Timestamp began,
                         const std::optional<cloud::Seen>& seen) {
    Read& read = reads_[name];
    // Of two reads under way at once, the one that began later knows more.
    if (read.at > began) return;
    read.at = began;
    read.exists = seen.has_value();
    read.power = seen ? power_of(seen->power) : Sighting::Power::unknown;
}

void Observer::forget_all() {
    listed_at_.reset();
    listing_.clear();
    reads_.clear();
}

Sighting Observer::sighting(const ResourceName& name) const {
    Sighting sighting;
    if (listed_at_) {
        sighting.listed_at = *listed_at_;
        if (const auto found = listing_.find(name); found != listing_.end()) {
            sighting.listed = true;
            sighting.listed_power = power_of(found->second.power);
            sighting.disk = found->second.disk;
            sighting.attached = !found->second.attached_to.empty();
        }
    }
    if (const auto found = reads_.find(name); found != reads_.end()) {
        sighting.read_at = found->second.at;
        sighting.read_exists = found->second.exists;
        sighting.read_power = found->second.power;
    }
    return sighting;
}

std::vector<ResourceName> Observer::loose_disks(const ClusterId& cluster) const {
    std::vector<ResourceName> found;
    for (const auto& [name, seen] : listing_)
        if (name.kind == ResourceKind::disk && seen.attached_to.empty() &&
            tag_of(seen, cloud::tag::cluster) == cluster.value)
            found.push_back(name);
    return found;
}

bool Observer::deviates(const std::vector<Expected>& expected) const {
    return std::any_of(expected.begin(), expected.end(), [&](const Expected& one) {
        const auto found = listing_.find(one.name);
        if (found == listing_.end()) return true;
        if (one.name.kind != ResourceKind::machine) return false;
        const auto power = power_of(found->second.power);
        return power != Sighting::Power::unknown && (power == Sighting::Power::on) != one.running;
    });
}

}  // namespace hopyard::control
