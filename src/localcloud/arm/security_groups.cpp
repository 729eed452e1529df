#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/cidr.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/network.h"
#include "localcloud/arm/rules.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* type = "Microsoft.Network/networkSecurityGroups";

/// The word of that list, in its proper case; "" when it is none of them.
std::string proper(const std::string& word, const std::vector<std::string>& words) {
    for (const auto& one : words)
        if (to_lower(one) == to_lower(word)) return one;
    return "";
}

bool is_port_range(const std::string& text) {
    if (text == "*") return true;
    const std::size_t dash = text.find('-');
    auto number = [](const std::string& digits) {
        const bool fine = !digits.empty() && digits.size() <= 5 &&
                          digits.find_first_not_of("0123456789") == std::string::npos;
        const int value = fine ? std::atoi(digits.c_str()) : -1;
        return value <= 65535 ? value : -1;
    };
    const int low = number(text.substr(0, dash));
    const int high = dash == std::string::npos ? low : number(text.substr(dash + 1));
    return low >= 0 && low <= high;
}

bool is_prefix(const std::string& text) {
    static const std::vector<std::string> tags = {
        "VirtualNetwork", "Internet", "AzureLoadBalancer", "Any"};
    return text == "*" || !proper(text, tags).empty() || Cidr::parse(text).has_value();
}

/// One value or a list of a rule, all of them checked by `good`.
tl::expected<void, Fault> copy_values(const Json& from,
                                      Json& to,
                                      const std::string& one,
                                      bool (*good)(const std::string&),
                                      const std::string& code,
                                      const std::string& rule) {
    std::vector<std::string> many = texts_at(from, "/" + one + (one.ends_with("x") ? "es" : "s"));
    const std::string single = text_at(from, "/" + one);
    std::vector<std::string> all = many;
    if (!single.empty()) all.push_back(single);
    if (all.empty())
        return refuse_with(400, code, fmt::format("Security rule {} has no {}.", rule, one));
    for (const auto& value : all)
        if (!good(value))
            return refuse_with(
                400,
                code,
                fmt::format(
                    "Security rule {} has invalid {}. Value provided: {}", rule, one, value));
    if (!single.empty()) to[one] = single;
    to[one + (one.ends_with("x") ? "es" : "s")] = many;
    return {};
}

/// The rule as it is kept, or what is wrong with it.
tl::expected<Json, Fault> read_rule(const Json& rule) {
    const std::string name = text_at(rule, "/name");
    const Json& given = object_at(rule, "/properties");
    if (name.empty())
        return refuse_with(400, "MissingJsonReferenceName", "A security rule must have a name.");
    Json kept = {{"provisioningState", "Succeeded"}};
    const std::string description = text_at(given, "/description");
    if (!description.empty()) kept["description"] = description;
    struct Word {
        const char* property;
        std::vector<std::string> words;
        const char* code;
    };
    for (const auto& [property, words, code] :
         {Word{"protocol", {"*", "Tcp", "Udp", "Icmp", "Esp", "Ah"}, "SecurityRuleInvalidProtocol"},
          Word{"access", {"Allow", "Deny"}, "SecurityRuleInvalidAccess"},
          Word{"direction", {"Inbound", "Outbound"}, "SecurityRuleInvalidDirection"}}) {
        const std::string given_word = text_at(given, "/" + std::string(property));
        const std::string word = proper(given_word, words);
        if (word.empty())
            return refuse_with(400,
                               code,
                               fmt::format("Security rule {} has invalid {}. Value provided: {}",
                                           name,
                                           property,
                                           given_word));
        kept[property] = word;
    }
    const std::int64_t priority = number_at(given, "/priority", -1);
    if (priority < 100 || priority > 4096)
        return refuse_with(
            400,
            "SecurityRuleInvalidPriority",
            fmt::format("Security rule has invalid Priority. Value provided: {} Allowed "
                        "range 100-4096.",
                        priority));
    kept["priority"] = priority;
    const std::string port_code = "SecurityRuleInvalidPortRange";
    const std::string address_code = "SecurityRuleInvalidAddressPrefix";
    RETURN_IF_FAULT(copy_values(given, kept, "sourcePortRange", is_port_range, port_code, name));
    RETURN_IF_FAULT(
        copy_values(given, kept, "destinationPortRange", is_port_range, port_code, name));
    RETURN_IF_FAULT(copy_values(given, kept, "sourceAddressPrefix", is_prefix, address_code, name));
    RETURN_IF_FAULT(
        copy_values(given, kept, "destinationAddressPrefix", is_prefix, address_code, name));
    return Json{{"name", name}, {"properties", kept}};
}

tl::expected<void, Fault> check_conflicts(const Json& rules) {
    for (std::size_t a = 0; a < rules.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
            const Json& left = rules[b];
            const Json& right = rules[a];
            const bool same_name =
                to_lower(text_at(left, "/name")) == to_lower(text_at(right, "/name"));
            if (same_name)
                return refuse_with(
                    400,
                    "DuplicateResourceName",
                    fmt::format("Security rule {} is given twice.", text_at(left, "/name")));
            if (number_at(left, "/properties/priority") ==
                    number_at(right, "/properties/priority") &&
                text_at(left, "/properties/direction") == text_at(right, "/properties/direction"))
                return refuse_with(
                    400,
                    "SecurityRuleConflict",
                    fmt::format("Security rule {} conflicts with rule {}. Rules cannot have "
                                "the same Priority and Direction.",
                                text_at(right, "/name"),
                                text_at(left, "/name")));
        }
    }
    return {};
}

Outcome put_group(Core& core, const Call& call) {
    Resource after;
    std::optional<Resource> before;
    {
        const auto guard = core.ledger.guard();
        before = core.ledger.find(call.id);
        OUTCOME_OR_RETURN(Json frame, network_frame(core, call, before));
        Json rules = Json::array();
        for (const Json& rule : array_at(call.wanted(), "/properties/securityRules")) {
            OUTCOME_OR_RETURN(Json kept, read_rule(rule));
            rules.push_back(std::move(kept));
        }
        RETURN_IF_FAULT(check_conflicts(rules));
        frame["properties"]["securityRules"] = rules;
        after = before ? changed(core, *before, std::move(frame))
                       : made(core, call.id, std::move(frame), Json::object());
        RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    }
    RETURN_IF_FAULT(apply_ports(core, core.fabric.interfaces_of_group(after.id)));
    return network_put_reply(core, before, show_security_group(core, after));
}

Outcome get_group(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource group, must_find(core, call.id));
    return reply(200, show_security_group(core, group));
}

Outcome delete_group(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto group = core.ledger.find(call.id);
    if (!group) return empty_reply(204);
    const Json shown = show_security_group(core, *group);
    std::string users;
    for (const char* list : {"networkInterfaces", "subnets"})
        for (const Json& user : array_at(shown, std::string("/properties/") + list))
            users += (users.empty() ? "" : ", ") + text_at(user, "/id");
    if (!users.empty())
        return refuse_with(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            fmt::format("Network security group {} cannot be deleted because it is in use "
                        "by the following resources: {}. In order to delete the Network "
                        "security group, remove the association with the resource(s). To "
                        "learn how to do this, see aka.ms/deletensg.",
                        group->id,
                        users));
    return network_delete_reply(core, call, Batch{.erase = {group->id}}, "", Json::object());
}

Outcome list_groups(Core& core, const Call& call) {
    return list_of(core, call, type, show_security_group);
}

Outcome patch_group(Core& core, const Call& call) {
    return patch_tags(core, call, show_security_group);
}

/// The rule of that name within its group as it is shown; null when it is not there.
Json shown_rule(Core& core, const Resource& group, const std::string& name) {
    const Json shown = show_security_group(core, group);
    for (const Json& rule : array_at(shown, "/properties/securityRules"))
        if (to_lower(text_at(rule, "/name")) == to_lower(name)) return rule;
    return Json();
}

std::string group_id_of(const Call& call) {
    return ResourceId::parse(call.id)->parent().text();
}

Outcome put_rule(Core& core, const Call& call) {
    Resource after;
    bool is_new = true;
    {
        const auto guard = core.ledger.guard();
        const auto group = core.ledger.find(group_id_of(call));
        if (!group) return tl::unexpected(resource_not_found(group_id_of(call)));
        if (call.request.headers.find("if-match"))
            RETURN_IF_FAULT(check_preconditions(call, group));
        Json named = call.wanted();
        named["name"] = call.parameter("child");
        OUTCOME_OR_RETURN(Json kept, read_rule(named));
        Json body = group->shown();
        Json rules = Json::array();
        for (const Json& rule : array_at(body, "/properties/securityRules")) {
            const bool same = to_lower(text_at(rule, "/name")) == to_lower(text_at(named, "/name"));
            rules.push_back(same ? kept : rule);
            is_new = is_new && !same;
        }
        if (is_new) rules.push_back(kept);
        RETURN_IF_FAULT(check_conflicts(rules));
        body["properties"]["securityRules"] = rules;
        after = changed(core, *group, std::move(body));
        RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    }
    RETURN_IF_FAULT(apply_ports(core, core.fabric.interfaces_of_group(after.id)));
    auto answer = reply(is_new ? 201 : 200, shown_rule(core, after, call.parameter("child")));
    answer->headers.remove("ETag");
    return answer;
}

Outcome get_rule(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource group, must_find(core, group_id_of(call)));
    Json rule = shown_rule(core, group, call.parameter("child"));
    if (rule.is_null()) return tl::unexpected(resource_not_found(call.id));
    return reply(200, std::move(rule));
}

Outcome delete_rule(Core& core, const Call& call) {
    Outcome answer = empty_reply(204);
    {
        const auto guard = core.ledger.guard();
        const auto group = core.ledger.find(group_id_of(call));
        if (!group) return empty_reply(204);
        Json body = group->shown();
        Json rules = Json::array();
        for (const Json& rule : array_at(body, "/properties/securityRules"))
            if (to_lower(text_at(rule, "/name")) != to_lower(call.parameter("child")))
                rules.push_back(rule);
        if (rules.size() == array_at(body, "/properties/securityRules").size())
            return empty_reply(204);
        body["properties"]["securityRules"] = rules;
        const Resource after = changed(core, *group, std::move(body));
        answer = network_delete_reply(core, call, Batch{.put = {after}}, "", Json::object());
    }
    RETURN_IF_FAULT(apply_ports(core, core.fabric.interfaces_of_group(group_id_of(call))));
    return answer;
}

Outcome list_rules(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource group, must_find(core, call.id));
    const Json shown = show_security_group(core, group);
    return reply(200, Json{{"value", shown["properties"]["securityRules"]}});
}

}  // namespace

Json show_security_group(Core& core, const Resource& group) {
    Json shown = framed(group);
    Json& properties = shown["properties"];
    properties["defaultSecurityRules"] = default_security_rules();
    frame_children(shown, "securityRules", group);
    frame_children(shown, "defaultSecurityRules", group);
    Json users = Json::array();
    Json subnets = Json::array();
    for (const auto& interface : core.ledger.list("Microsoft.Network/networkInterfaces"))
        if (same_id(text_at(interface.shown(), "/properties/networkSecurityGroup/id"), group.id))
            users.push_back({{"id", interface.id}});
    for (const auto& network : core.ledger.list("Microsoft.Network/virtualNetworks"))
        for (const Json& subnet : array_at(network.shown(), "/properties/subnets"))
            if (same_id(text_at(subnet, "/properties/networkSecurityGroup/id"), group.id))
                subnets.push_back({{"id", network.id + "/subnets/" + text_at(subnet, "/name")}});
    if (!users.empty()) properties["networkInterfaces"] = users;
    if (!subnets.empty()) properties["subnets"] = subnets;
    return shown;
}

void add_security_group_routes(Routes& routes) {
    routes.add(Routes::Resourceful{.area = Area::network,
                                   .type = type,
                                   .put = put_group,
                                   .get = get_group,
                                   .remove = delete_group,
                                   .list = list_groups,
                                   .patch = patch_group});
    const std::string rules = group_pattern + "/providers/" + type + "/{name}/securityRules";
    const std::string action = std::string(type) + "/securityRules/";
    routes.add(Area::network, "GET", rules, action + "read", list_rules);
    routes.add(Area::network, "PUT", rules + "/{child}", action + "write", put_rule);
    routes.add(Area::network, "GET", rules + "/{child}", action + "read", get_rule);
    routes.add(Area::network, "DELETE", rules + "/{child}", action + "delete", delete_rule);
}

}  // namespace hopyard::localcloud
