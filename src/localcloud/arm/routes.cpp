#include "localcloud/arm/routes.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::localcloud {

namespace {

bool is_parameter(const std::string& segment) {
    return segment.starts_with('{');
}

std::string parameter_name(const std::string& segment) {
    return segment.substr(1, segment.size() - 2);
}

/// The versions that are pinned first, then those that Microsoft's clients of today send.
const std::vector<std::string>& versions_of(Area area) {
    static const std::map<Area, std::vector<std::string>> versions = {
        {Area::compute, {"2024-03-01", "2024-07-01", "2024-11-01", "2025-04-01", "2026-03-01"}},
        {Area::disks, {"2023-10-02", "2024-03-02", "2025-01-02"}},
        {Area::skus, {"2021-07-01"}},
        {Area::network,
         {"2024-01-01",
          "2024-03-01",
          "2024-05-01",
          "2024-07-01",
          "2024-10-01",
          "2025-01-01",
          "2025-03-01",
          "2025-05-01"}},
        {Area::storage, {"2023-05-01", "2024-01-01", "2025-01-01", "2025-06-01", "2025-08-01"}},
        {Area::identity, {"2023-01-31", "2024-11-30"}},
        {Area::resources,
         {"2024-03-01",
          "2021-04-01",
          "2022-09-01",
          "2024-07-01",
          "2024-11-01",
          "2025-03-01",
          "2025-04-01"}},
        {Area::subscriptions, {"2022-12-01", "2022-09-01", "2021-01-01"}},
        {Area::authorization, {"2022-04-01"}},
    };
    return versions.at(area);
}

}  // namespace

std::string unsupported_version(Area area, const std::string& version) {
    const auto& versions = versions_of(area);
    if (std::ranges::find(versions, version) != versions.end()) return "";
    std::string text;
    for (const auto& one : versions) text += (text.empty() ? "" : ", ") + one;
    return text;
}

void Routes::add(
    Area area, std::string method, std::string pattern, std::string action, Handling handle) {
    segments_.push_back(split_path(pattern));
    routes_.push_back({std::move(method), std::move(pattern), std::move(action), area, handle});
}

void Routes::add(const Resourceful& resource) {
    const std::string collection = group_pattern + "/providers/" + resource.type;
    const std::string one = collection + "/{name}";
    if (resource.put) add(resource.area, "PUT", one, resource.type + "/write", resource.put);
    if (resource.patch) add(resource.area, "PATCH", one, resource.type + "/write", resource.patch);
    if (resource.get) add(resource.area, "GET", one, resource.type + "/read", resource.get);
    if (resource.remove)
        add(resource.area, "DELETE", one, resource.type + "/delete", resource.remove);
    if (resource.list) {
        add(resource.area, "GET", collection, resource.type + "/read", resource.list);
        add(resource.area,
            "GET",
            subscription_pattern + "/providers/" + resource.type,
            resource.type + "/read",
            resource.list);
    }
}

std::optional<Routes::Match> Routes::match(const std::string& method,
                                           std::string_view path,
                                           bool& path_known) const {
    const auto wanted = split_path(path);
    path_known = false;
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        const auto& pattern = segments_[i];
        const bool scoped = pattern.front() == "{scope}";
        const std::size_t tail = scoped ? pattern.size() - 1 : pattern.size();
        if (wanted.size() < tail || (!scoped && wanted.size() != tail)) continue;
        const std::size_t from = wanted.size() - tail;
        Match match{.route = &routes_[i]};
        std::string so_far;
        for (std::size_t s = 0; s < from; ++s) so_far += "/" + wanted[s];
        if (scoped) {
            match.parameters["scope"] = so_far.empty() ? "/" : so_far;
            match.id = match.parameters["scope"];
        }
        bool fits = true;
        for (std::size_t s = 0; fits && s < tail; ++s) {
            const std::string& segment = pattern[s + (scoped ? 1 : 0)];
            if (is_parameter(segment)) {
                match.parameters[parameter_name(segment)] = wanted[from + s];
                so_far += "/" + wanted[from + s];
                match.id = so_far;
            } else {
                fits = to_lower(segment) == to_lower(wanted[from + s]);
                so_far += "/" + segment;
            }
        }
        if (!fits) continue;
        path_known = true;
        if (routes_[i].method == method) return match;
    }
    return std::nullopt;
}

}  // namespace hopyard::localcloud
