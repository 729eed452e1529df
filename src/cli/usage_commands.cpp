#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/commands.h"

namespace hopyard::cli {
namespace {

using nlohmann::ordered_json;

const std::vector<Column> usage_columns = {{"DAY", "/day"},
                                           {"CLUSTER", "/clusterName"},
                                           {"SIZE", "/instanceType"},
                                           {"NODE HOURS", "/nodeHours"},
                                           {"VCPU HOURS", "/vcpuHours"},
                                           {"LIST PRICE", "/cost/amount"},
                                           {"CURRENCY", "/cost/currency"},
                                           {"PRICE OF", "/cost/asOf"}};

/// Who is gone has no name any more.
Result<std::string> id_of(Session& session, const std::string& name_or_id) {
    auto id = cluster_id(session, name_or_id);
    if (!id && id.error().kind == ErrorKind::not_found) return name_or_id;
    return id;
}

Result<std::string> path_of(Session& session, const UsageOptions& options) {
    std::string path = "/v1/usage?";
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) path += std::string(name) + "=" + percent_encode(value) + "&";
    };
    add("from", options.from);
    add("to", options.to);
    if (!options.cluster.empty()) {
        ASSIGN_OR_RETURN(const auto id, id_of(session, options.cluster));
        add("cluster", id);
    }
    return path;
}

/// Every page of the list as one.
Result<std::string> all_pages(Session& session, const std::string& path) {
    ordered_json whole = {{"items", ordered_json::array()}, {"next", nullptr}};
    std::string after;
    for (;;) {
        ASSIGN_OR_RETURN(const std::string reply, session.call("GET", path + "limit=1000" + after));
        const ordered_json page = ordered_json::parse(reply, nullptr, false);
        if (!page.is_object() || !page.contains("items")) return reply;
        for (const ordered_json& item : page["items"]) whole["items"].push_back(item);
        if (!page.contains("next") || !page["next"].is_string()) return whole.dump();
        after = "&after=" + percent_encode(page["next"].get<std::string>());
    }
}

}  // namespace

int usage(Session& session, const Output& output, const UsageOptions& options) {
    const auto path = path_of(session, options);
    if (!path) return report(path.error());
    const auto reply =
        options.csv ? session.call("GET", *path + "format=csv") : all_pages(session, *path);
    if (!reply) return report(reply.error());
    const std::string text = options.csv ? *reply : render(*reply, output.format, usage_columns);
    std::fputs(text.c_str(), stdout);
    return exit_ok;
}

}  // namespace hopyard::cli
