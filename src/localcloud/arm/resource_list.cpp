#include <regex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

struct Filter {
    std::string tag_name;
    std::optional<std::string> tag_value;
    std::string type;
};

/// `tagName eq 'k' and tagValue eq 'v'`, or `resourceType eq 't'`. Azure refuses to mix them.
tl::expected<Filter, Fault> read_filter(const std::string& text) {
    Filter filter;
    static const std::regex term(R"(\s*(tagName|tagValue|resourceType)\s+eq\s+'((?:[^']|'')*)'\s*)",
                                 std::regex::icase);
    std::size_t at = 0;
    while (at < text.size()) {
        std::smatch found;
        const std::string rest = text.substr(at);
        if (!std::regex_search(rest, found, term, std::regex_constants::match_continuous))
            return refuse_with(
                400,
                "InvalidFilterInQueryString",
                fmt::format("Invalid $filter '{}' specified in the query string.", text));
        std::string value = found[2];
        for (std::size_t quote = 0; (quote = value.find("''", quote)) != std::string::npos; ++quote)
            value.erase(quote, 1);
        const std::string name = to_lower(found[1].str());
        if (name == "tagname") filter.tag_name = value;
        if (name == "tagvalue") filter.tag_value = value;
        if (name == "resourcetype") filter.type = value;
        at += static_cast<std::size_t>(found.length());
        if (at < text.size() && to_lower(text.substr(at, 4)) == "and ") at += 4;
    }
    if (!filter.type.empty() && !filter.tag_name.empty())
        return refuse_with(400,
                           "InvalidFilterInQueryString",
                           "Filters on tags cannot be combined with other filters.");
    return filter;
}

bool bears_tag(const Resource& resource, const Filter& filter) {
    if (filter.tag_name.empty()) return true;
    for (const auto& [name, value] : object_at(resource.shown(), "/tags").items())
        if (to_lower(name) == to_lower(filter.tag_name) &&
            (!filter.tag_value || value == Json(*filter.tag_value)))
            return true;
    return false;
}

/// Groups, roles and children are not in the list of resources.
bool is_listed(const Resource& resource) {
    return !resource.type.starts_with("Microsoft.Resources/") &&
           !resource.type.starts_with("Microsoft.Authorization/") &&
           std::ranges::count(resource.type, '/') == 1;
}

Json entry(const Resource& resource, const std::string& expand) {
    Json shown = Json::object();
    for (const char* name : {"id",
                             "name",
                             "type",
                             "location",
                             "tags",
                             "sku",
                             "kind",
                             "managedBy",
                             "zones",
                             "identity"})
        if (const Json* value = find(resource.shown(), "/" + std::string(name)))
            shown[name] = *value;
    if (expand.find("createdTime") != std::string::npos)
        shown["createdTime"] = to_rfc3339(resource.created);
    if (expand.find("changedTime") != std::string::npos)
        shown["changedTime"] = to_rfc3339(resource.changed);
    if (expand.find("provisioningState") != std::string::npos)
        shown["provisioningState"] =
            text_at(resource.shown(), "/properties/provisioningState", "Succeeded");
    return shown;
}

Outcome list_resources(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Filter filter, read_filter(call.request.query("$filter").value_or("")));
    const std::string expand = call.request.query("$expand").value_or("");
    const std::string after = call.request.query("$skiptoken").value_or("");
    const std::string top_text = call.request.query("$top").value_or("1000");
    const long top = std::strtol(top_text.c_str(), nullptr, 10);
    if (top < 1 || top > 1000)
        return refuse_with(
            400,
            "InvalidTopInQueryString",
            fmt::format("Invalid $top query string argument value '{}'. It should be "
                        "between 1 and 1000.",
                        top_text));
    const auto guard = core.ledger.guard();
    Json values = Json::array();
    std::string last;
    bool more = false;
    for (const auto& resource : core.ledger.list(filter.type, call.id)) {
        const std::string key = key_of(resource.id);
        if (!is_listed(resource) || !bears_tag(resource, filter)) continue;
        if (!after.empty() && key <= after) continue;
        more = static_cast<long>(values.size()) == top;
        if (more) break;
        values.push_back(entry(resource, expand));
        last = key;
    }
    Json body = {{"value", values}};
    if (more) {
        std::string url = call.base_url + std::string(call.request.path()) +
                          "?api-version=" + call.api_version + "&$top=" + std::to_string(top);
        for (const char* name : {"$filter", "$expand"})
            if (const auto value = call.request.query(name))
                url += "&" + std::string(name) + "=" + percent_encode(*value);
        body["nextLink"] = url + "&$skiptoken=" + percent_encode(last);
    }
    return reply(200, std::move(body));
}

Json tags_body(const std::string& scope, const Json& tags) {
    return Json{{"id", scope + "/providers/Microsoft.Resources/tags/default"},
                {"name", "default"},
                {"type", "Microsoft.Resources/tags"},
                {"properties", {{"tags", tags}}}};
}

tl::expected<Resource, Fault> tagged(Core& core, const Call& call) {
    const auto id = ResourceId::parse(call.id);
    auto there = core.ledger.find(call.id);
    if (there) return *there;
    if (id && id->provider.empty() && !id->group.empty())
        return tl::unexpected(group_not_found(id->group));
    return tl::unexpected(resource_not_found(call.id));
}

Outcome get_tags(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource resource, tagged(core, call));
    return reply(200, tags_body(resource.id, object_at(resource.shown(), "/tags")));
}

/// Names compare without case: a merge replaces the value and keeps the name that is there.
void merge_tag(Json& tags, const std::string& name, const Json& value) {
    for (auto& [present, old] : tags.items()) {
        if (to_lower(present) != to_lower(name)) continue;
        old = value;
        return;
    }
    tags[name] = value;
}

Outcome change_tags(Core& core, const Call& call, const std::string& operation) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, tagged(core, call));
    const Json inner = {{"tags", object_at(call.wanted(), "/properties/tags")}};
    Call checked = call;
    checked.body = document(inner);
    OUTCOME_OR_RETURN(const Json given, check_tags(checked));
    Json tags = object_at(before.shown(), "/tags");
    if (operation == "Replace") {
        tags = given;
    } else if (operation == "Merge") {
        for (const auto& [name, value] : given.items()) merge_tag(tags, name, value);
    } else if (operation == "Delete") {
        Json kept = Json::object();
        for (const auto& [name, value] : tags.items()) {
            bool goes = false;
            for (const auto& [other, other_value] : given.items())
                goes = goes || (to_lower(other) == to_lower(name) && other_value == value);
            if (!goes) kept[name] = value;
        }
        tags = kept;
    } else {
        return tl::unexpected(invalid_content("The operation must be Merge, Replace or Delete."));
    }
    if (tags.size() > 50)
        return refuse_with(400, "TagCountLimitExceeded", "A resource can have at most 50 tags.");
    Json body = before.shown();
    body["tags"] = tags;
    const Resource after = changed(core, before, std::move(body));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200, tags_body(after.id, tags));
}

Outcome patch_tags_of(Core& core, const Call& call) {
    return change_tags(core, call, text_at(call.wanted(), "/operation"));
}

Outcome put_tags(Core& core, const Call& call) {
    return change_tags(core, call, "Replace");
}

Outcome delete_tags(Core& core, const Call& call) {
    Call empty = call;
    empty.body = document(Json{{"properties", {{"tags", Json::object()}}}});
    auto outcome = change_tags(core, empty, "Replace");
    if (!outcome) return outcome;
    return empty_reply(200);
}

}  // namespace

void add_resource_list_routes(Routes& routes) {
    const std::string read = "Microsoft.Resources/subscriptions/resources/read";
    routes.add(Area::resources, "GET", subscription_pattern + "/resources", read, list_resources);
    routes.add(Area::resources,
               "GET",
               group_pattern + "/resources",
               "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
               list_resources);
    const std::string tags = "{scope}/providers/Microsoft.Resources/tags/default";
    const std::string action = "Microsoft.Resources/tags/";
    routes.add(Area::resources, "GET", tags, action + "read", get_tags);
    routes.add(Area::resources, "PATCH", tags, action + "write", patch_tags_of);
    routes.add(Area::resources, "PUT", tags, action + "write", put_tags);
    routes.add(Area::resources, "DELETE", tags, action + "delete", delete_tags);
}

}  // namespace hopyard::localcloud
