#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/input.h"

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

using Query = std::vector<std::pair<std::string, std::string>>;

Result<Query> query_of(Session& session, const UsageOptions& options) {
    Query query = {{"from", options.from}, {"to", options.to}};
    if (!options.cluster.empty()) {
        ASSIGN_OR_RETURN(auto id, id_of(session, options.cluster));
        query.emplace_back("cluster", std::move(id));
    }
    return query;
}

Result<std::string> asked(Session& session, const Query& query) {
    return session.call("GET", with_query("/v1/usage", query));
}

/// Every page of the list as one.
Result<std::string> all_pages(Session& session, Query query) {
    ordered_json whole = {{"items", ordered_json::array()}, {"next", nullptr}};
    query.emplace_back("limit", "1000");
    query.emplace_back("after", "");
    for (;;) {
        ASSIGN_OR_RETURN(const std::string reply, asked(session, query));
        const ordered_json page = ordered_json::parse(reply, nullptr, false);
        if (!page.is_object() || !page.contains("items")) return reply;
        for (const ordered_json& item : page["items"]) whole["items"].push_back(item);
        if (!page.contains("next") || !page["next"].is_string()) return whole.dump();
        query.back().second = page["next"].get<std::string>();
    }
}

/// As a spreadsheet reads it; that comes in one piece.
Result<std::string> as_csv(Session& session, Query query) {
    query.emplace_back("format", "csv");
    return asked(session, query);
}

}  // namespace

int usage(Session& session, const Output& output, const UsageOptions& options) {
    const auto query = query_of(session, options);
    if (!query) return report(query.error());
    const auto reply = options.csv ? as_csv(session, *query) : all_pages(session, *query);
    if (!reply) return report(reply.error());
    const std::string text = options.csv ? *reply : render(*reply, output.format, usage_columns);
    std::fputs(text.c_str(), stdout);
    return exit_ok;
}

}  // namespace hopyard::cli
