#include "localcloud/arm/resource_id.h"

#include "base/encoding.h"

namespace hopyard::localcloud {

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> segments;
    std::size_t begin = 0;
    while (begin < path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        if (end > begin) segments.push_back(percent_decode(path.substr(begin, end - begin)));
        begin = end + 1;
    }
    return segments;
}

std::optional<ResourceId> ResourceId::parse(std::string_view path) {
    const auto segments = split_path(path);
    ResourceId id;
    std::size_t at = 0;
    auto is_word = [&](std::size_t index, std::string_view word) {
        return index + 1 < segments.size() && to_lower(segments[index]) == word;
    };
    if (!is_word(at, "subscriptions")) return std::nullopt;
    id.subscription = segments[at + 1];
    at += 2;
    if (is_word(at, "resourcegroups")) {
        id.group = segments[at + 1];
        at += 2;
    }
    if (is_word(at, "providers")) {
        id.provider = segments[at + 1];
        at += 2;
        if (at == segments.size()) return std::nullopt;
    }
    if ((segments.size() - at) % 2 != 0 || (id.provider.empty() && at != segments.size()))
        return std::nullopt;
    for (; at < segments.size(); at += 2) {
        id.types.push_back(segments[at]);
        id.names.push_back(segments[at + 1]);
    }
    return id;
}

std::string ResourceId::type() const {
    if (provider.empty())
        return group.empty() ? "Microsoft.Resources/subscriptions"
                             : "Microsoft.Resources/resourceGroups";
    std::string text = provider;
    for (const auto& type : types) text += "/" + type;
    return text;
}

std::string ResourceId::text() const {
    std::string text = "/subscriptions/" + subscription;
    if (!group.empty()) text += "/resourceGroups/" + group;
    if (!provider.empty()) text += "/providers/" + provider;
    for (std::size_t i = 0; i < types.size(); ++i) text += "/" + types[i] + "/" + names[i];
    return text;
}

ResourceId ResourceId::parent() const {
    ResourceId up = *this;
    if (up.types.size() > 1) {
        up.types.pop_back();
        up.names.pop_back();
    } else {
        up.provider.clear();
        up.types.clear();
        up.names.clear();
    }
    return up;
}

std::string key_of(std::string_view id) {
    std::string key = to_lower(id);
    while (!key.empty() && key.back() == '/') key.pop_back();
    return key;
}

bool same_id(std::string_view a, std::string_view b) {
    return key_of(a) == key_of(b);
}

bool within(std::string_view id, std::string_view scope) {
    const std::string inner = key_of(id);
    const std::string outer = key_of(scope);
    return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

std::string normal_location(std::string_view location) {
    std::string text;
    for (const char c : to_lower(location))
        if (c != ' ') text += c;
    return text;
}

}  // namespace hopyard::localcloud
