// The routes and the description of the API say the same, in both directions. /api is described by
// the wire that it follows, and is left out.
#include <set>

#include "api/test_rig.h"
#include "api/test_schema.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

const std::set<std::string> http_methods = {"get", "put", "post", "patch", "delete"};

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    return text;
}

std::vector<Endpoint> described_endpoints(TestApi& api) {
    std::vector<Endpoint> own = api.service.endpoints();
    std::erase_if(own, [](const Endpoint& each) { return each.pattern.starts_with("/api"); });
    return own;
}

std::set<std::string> parameters_of(const json& holder, const std::string& in) {
    std::set<std::string> names;
    for (const json& each : holder.value("parameters", json::array())) {
        const json& parameter = resolved(each);
        if (parameter["in"] == in) names.insert(parameter["name"].get<std::string>());
    }
    return names;
}

TEST(Description, names_every_route_with_its_scope_parameters_and_body) {
    TestApi api;
    const std::string scopes[] = {
        "open", "read", "operate", "administer", "ports", "invite", "person", "self"};
    ASSERT_GT(described_endpoints(api).size(), 40u);
    for (const Endpoint& endpoint : described_endpoints(api)) {
        SCOPED_TRACE(endpoint.method + " " + endpoint.pattern);
        const json& paths = description()["paths"];
        ASSERT_TRUE(paths.contains(endpoint.pattern));
        const json& item = paths[endpoint.pattern];
        ASSERT_TRUE(item.contains(lower(endpoint.method)));
        const json& operation = item[lower(endpoint.method)];
        EXPECT_EQ(operation["x-scope"], scopes[static_cast<int>(endpoint.access)]);
        EXPECT_EQ(operation.contains("requestBody"), endpoint.has_body);
        EXPECT_EQ(operation.contains("security"), endpoint.access == Access::open);
        EXPECT_EQ(parameters_of(operation, "query"),
                  std::set<std::string>(endpoint.query.begin(), endpoint.query.end()));
        std::set<std::string> in_path;
        for (std::size_t at = 0; (at = endpoint.pattern.find('{', at)) != std::string::npos; ++at)
            in_path.insert(
                endpoint.pattern.substr(at + 1, endpoint.pattern.find('}', at) - at - 1));
        EXPECT_EQ(parameters_of(item, "path"), in_path);
    }
}

TEST(Description, names_nothing_that_is_not_served) {
    TestApi api;
    std::set<std::string> served;
    for (const Endpoint& endpoint : described_endpoints(api))
        served.insert(lower(endpoint.method) + " " + endpoint.pattern);
    std::set<std::string> ids;
    for (const auto& [path, item] : description()["paths"].items())
        for (const auto& [method, operation] : item.items()) {
            if (!http_methods.contains(method)) continue;
            EXPECT_TRUE(served.contains(method + " " + path)) << method << " " << path;
            EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
        }
}

TEST(Description, is_served_as_it_is) {
    TestApi api;
    const auto served = api.ask({.target = "/v1/openapi.json", .headers = {{"Authorization", ""}}});
    EXPECT_EQ(served->status, 200);
    EXPECT_EQ(served->json(), description());
    EXPECT_EQ(served->json()["openapi"], "3.1.0");
}

}  // namespace
}  // namespace hopyard::api
