#include "control/sweep.h"

#include <algorithm>

#include "base/encoding.h"
#include "control/observer.h"

namespace hopyard::control {
namespace {

using model::ResourceKind;
using model::ResourceName;

bool bears_our_tag(const cloud::Seen& seen, const InstallationId& installation) {
    return !installation.empty() && tag_of(seen, cloud::tag::installation) == installation.value;
}

/// Machines first: what they hold can't go before them.
int turn_of(ResourceKind kind) {
    switch (kind) {
        case ResourceKind::machine:
            return 0;
        case ResourceKind::network_interface:
        case ResourceKind::disk:
            return 1;
        case ResourceKind::public_address:
            return 2;
        default:
            return 3;
    }
}

bool same_name(const ResourceName& a, const ResourceName& b) {
    return a.kind == b.kind && to_lower(a.name) == to_lower(b.name) &&
           to_lower(a.resource_group) == to_lower(b.resource_group) &&
           to_lower(a.parent) == to_lower(b.parent);
}

Result<std::vector<ResourceName>> all_rows(store::Store& store) {
    std::vector<ResourceName> names;
    RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
        names.clear();
        ASSIGN_OR_RETURN(const auto clusters, t.clusters());
        for (const model::Cluster& cluster : clusters) {
            ASSIGN_OR_RETURN(const auto rows, t.resources(cluster.id));
            for (const model::Resource& row : rows) names.push_back(row.name);
        }
        return {};
    }));
    return names;
}

bool listed_in(const std::vector<ResourceName>& names, const ResourceName& name) {
    return std::any_of(
        names.begin(), names.end(), [&](const ResourceName& one) { return same_name(one, name); });
}

/// A disk has no row of its own while its machine stands.
bool belongs_to_row(const cloud::Seen& seen,
                    const std::vector<cloud::Seen>& all,
                    const std::vector<ResourceName>& rows) {
    if (listed_in(rows, seen.name)) return true;
    if (seen.name.kind != ResourceKind::disk) return false;
    return std::any_of(all.begin(), all.end(), [&](const cloud::Seen& other) {
        return other.name.kind == ResourceKind::machine && listed_in(rows, other.name) &&
               (to_lower(other.disk) == to_lower(seen.name.name) ||
                to_lower(seen.attached_to).ends_with("/" + to_lower(other.name.name)));
    });
}

}  // namespace

void Sweeper::note_list(Timestamp began,
                        const std::map<ResourceName, cloud::Seen>& listing,
                        const std::function<bool(const ResourceName&)>& has_row) {
    std::erase_if(suspects_, [&](const auto& entry) {
        return !entry.second.under_way && (!listing.contains(entry.first) || has_row(entry.first));
    });
    for (const auto& [name, seen] : listing) {
        if (has_row(name) || !may_remove(seen) || suspects_.contains(name)) continue;
        const bool is_disk = name.kind == ResourceKind::disk;
        suspects_[name] = {.name = name,
                           .cluster = ClusterId(tag_of(seen, cloud::tag::cluster)),
                           .since = began,
                           .look_at = began + (is_disk ? patience_.disks : patience_.resources)};
    }
}

std::vector<Suspect> Sweeper::take_due(Timestamp now) {
    std::vector<Suspect> due;
    for (auto& [name, suspect] : suspects_) {
        if (suspect.under_way || suspect.look_at > now) continue;
        suspect.under_way = true;
        due.push_back(suspect);
        suspect.told = true;
        ++suspect.attempts;
    }
    std::sort(due.begin(), due.end(), [](const Suspect& a, const Suspect& b) {
        return turn_of(a.name.kind) < turn_of(b.name.kind);
    });
    return due;
}

void Sweeper::come_back(const ResourceName& name, Timestamp look_at) {
    const auto found = suspects_.find(name);
    if (found == suspects_.end()) return;
    found->second.under_way = false;
    found->second.look_at = look_at;
}

std::optional<Timestamp> Sweeper::next() const {
    std::optional<Timestamp> next;
    for (const auto& [name, suspect] : suspects_)
        if (!suspect.under_way) next = std::min(next.value_or(suspect.look_at), suspect.look_at);
    return next;
}

bool Sweeper::may_remove(const cloud::Seen& seen) const {
    // A public address or an interface goes with what holds it; a disk that is held is in use.
    if (seen.name.kind == ResourceKind::disk && !seen.attached_to.empty()) return false;
#ifdef HOPYARD_DEFECT_sweep_foreign_tag
    return !tag_of(seen, cloud::tag::installation).empty();
#else
    return bears_our_tag(seen, installation_);
#endif
}

Result<bool> has_row(store::Store& store, const ResourceName& name) {
    ASSIGN_OR_RETURN(const auto rows, all_rows(store));
    return listed_in(rows, name);
}

Result<std::vector<Orphan>> find_orphans(store::Store& store,
                                         cloud::Cloud& cloud,
                                         const InstallationId& installation) {
    // The list comes first: whatever gets a row meanwhile is then no orphan.
    ASSIGN_OR_RETURN(const cloud::Listing listing, cloud.list(installation));
    ASSIGN_OR_RETURN(const auto rows, all_rows(store));
    std::vector<Orphan> orphans;
    for (const cloud::Seen& seen : listing.resources) {
        if (!bears_our_tag(seen, installation)) continue;
        if (belongs_to_row(seen, listing.resources, rows)) continue;
        orphans.push_back({.name = seen.name,
                           .cluster = ClusterId(tag_of(seen, cloud::tag::cluster)),
                           .role = tag_of(seen, cloud::tag::role),
                           .created_at = seen.created_at,
                           .attached = !seen.attached_to.empty()});
    }
    std::stable_sort(orphans.begin(), orphans.end(), [](const Orphan& a, const Orphan& b) {
        return turn_of(a.name.kind) < turn_of(b.name.kind);
    });
    return orphans;
}

Result<OrphanRemoval> remove_orphans(store::Store& store,
                                     cloud::Cloud& cloud,
                                     const InstallationId& installation,
                                     const std::vector<ResourceName>& names) {
    ASSIGN_OR_RETURN(const auto orphans, find_orphans(store, cloud, installation));
    OrphanRemoval removal;
    for (const Orphan& orphan : orphans) {
        if (!names.empty() && !listed_in(names, orphan.name)) continue;
        const auto seen = cloud.read(orphan.name);
        if (!seen) {
            removal.refused.emplace_back(orphan.name, seen.error());
            continue;
        }
        if (!*seen) {
            removal.removed.push_back(orphan.name);
            continue;
        }
        const bool held = !(*seen)->attached_to.empty();
        if (held || !bears_our_tag(**seen, installation)) {
            if (held) removal.waiting.push_back(orphan.name);
            continue;
        }
        const auto accepted = cloud.remove(orphan.name);
        if (accepted) {
            removal.removed.push_back(orphan.name);
        } else if (accepted.error().kind == ErrorKind::conflict) {
            removal.waiting.push_back(orphan.name);
        } else {
            removal.refused.emplace_back(orphan.name, accepted.error());
        }
    }
    return removal;
}

}  // namespace hopyard::control
