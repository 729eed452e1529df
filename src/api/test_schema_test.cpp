#include "api/test_schema.h"

#include <set>

#include <gtest/gtest.h>

#include "api/openapi.h"
#include "base/time.h"

namespace hopyard::api {

using nlohmann::json;

const json& description() {
    static const json document = json::parse(openapi_document());
    return document;
}

const json& resolved(const json& value) {
    const json* at = &value;
    while (at->is_object() && at->contains("$ref"))
        at = &description()[json::json_pointer((*at)["$ref"].get<std::string>().substr(1))];
    return *at;
}

namespace {

bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
}

/// The keywords that our description uses.
class Checking {
  public:
    void check(const json& value, const json& given, const std::string& at) {
        const json& schema = resolved(given);
        if (schema.contains("anyOf")) return check_any(value, schema["anyOf"], at);
        if (schema.contains("allOf")) {
            for (const json& part : schema["allOf"]) check(value, part, at);
            return;
        }
        if (schema.contains("type") && !fits_type(value, schema["type"]))
            return fault(at, "is " + value.dump().substr(0, 80) + ", not " + schema["type"].dump());
        if (schema.contains("enum") && !holds(schema["enum"], value))
            return fault(at, value.dump() + " is none of " + schema["enum"].dump());
        if (schema.value("format", "") == "date-time" && value.is_string() &&
            !from_rfc3339(value.get<std::string>()))
            return fault(at, value.dump() + " is no time");
        if (value.is_object()) check_members(value, schema, at);
        if (value.is_array() && schema.contains("items"))
            for (std::size_t i = 0; i < value.size(); ++i)
                check(value[i], schema["items"], at + "/" + std::to_string(i));
    }
    std::vector<std::string> faults;

  private:
    static bool fits_type(const json& value, const json& type) {
        if (type.is_string()) return has_type(value, type);
        return std::any_of(
            type.begin(), type.end(), [&](const json& one) { return has_type(value, one); });
    }
    static bool holds(const json& list, const json& value) {
        return std::find(list.begin(), list.end(), value) != list.end();
    }
    void check_any(const json& value, const json& choices, const std::string& at) {
        std::vector<std::string> first;
        for (const json& choice : choices) {
            Checking one;
            one.check(value, choice, at);
            if (one.faults.empty()) return;
            if (first.empty()) first = one.faults;
        }
        faults.insert(faults.end(), first.begin(), first.end());
    }
    void check_members(const json& value, const json& schema, const std::string& at) {
        for (const json& name : schema.value("required", json::array()))
            if (!value.contains(name)) fault(at, "lacks " + name.dump());
        const json properties = schema.value("properties", json::object());
        const json others = schema.value("additionalProperties", json(false));
        for (const auto& [name, member] : value.items()) {
            if (properties.contains(name)) {
                check(member, properties[name], at + "/" + name);
            } else if (others.is_object()) {
                check(member, others, at + "/" + name);
            } else if (others == false && schema.contains("properties")) {
                fault(at, "has '" + name + "', which is not described");
            }
        }
    }
    void fault(const std::string& at, const std::string& what) {
        faults.push_back((at.empty() ? "/" : at) + " " + what);
    }
};

bool is_match(const std::string& pattern, const std::string& path) {
    std::size_t p = 0, at = 0;
    while (p < pattern.size() && at < path.size()) {
        if (pattern[p] == '{') {
            p = pattern.find('}', p) + 1;
            at = std::min(path.find('/', at), path.size());
        } else if (pattern[p++] != path[at++]) {
            return false;
        }
    }
    return p == pattern.size() && at == path.size();
}

const json* operation_of(std::string method, const std::string& path) {
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const json* found = nullptr;
    std::size_t literal = 0;
    for (const auto& [pattern, item] : description()["paths"].items()) {
        if (!is_match(pattern, path) || !item.contains(method)) continue;
        const std::size_t length = pattern.substr(0, pattern.find('{')).size();
        if (found != nullptr && length <= literal) continue;
        found = &item[method];
        literal = length;
    }
    return found;
}

}  // namespace

std::vector<std::string> faults_of(const std::string& method,
                                   const std::string& path,
                                   int status,
                                   const http::Headers& headers,
                                   const std::string& body) {
    const json* operation = operation_of(method, path);
    const json& problem = description()["components"]["responses"]["Problem"];
    // Paths and methods that are not described are refused like everything else.
    const json* promised = &problem;
    if (operation != nullptr) {
        const json& responses = (*operation)["responses"];
        const std::string word = std::to_string(status);
        if (!responses.contains(word) && status < 400)
            return {"status " + word + " is not described"};
        promised = &resolved(responses[responses.contains(word) ? word : "default"]);
    }
    if (!promised->contains("content"))
        return body.empty() ? std::vector<std::string>{} : std::vector<std::string>{"has a body"};
    const std::string type = headers.get("Content-Type");
    for (const auto& [media, content] : (*promised)["content"].items()) {
        if (!type.starts_with(media)) continue;
        if (media.find("json") == std::string::npos) return {};
        const json document = json::parse(body, nullptr, false);
        if (document.is_discarded()) return {"the body is no JSON"};
        Checking checking;
        checking.check(document, content["schema"], "");
        return checking.faults;
    }
    return {"media type '" + type + "' is not described"};
}

namespace {

TEST(Schema, the_check_finds_what_it_should_find) {
    const http::Headers headers = {{"Content-Type", "application/json"}};
    const auto faults = [&](const std::string& path, int status, const std::string& body) {
        return faults_of("GET", path, status, headers, body).size();
    };
    EXPECT_EQ(faults("/v1/version", 200, R"({"version":"1","api":"v1"})"), 0u);
    EXPECT_EQ(faults("/v1/version", 200, R"({"version":"1"})"), 1u);
    EXPECT_EQ(faults("/v1/version", 200, R"({"version":1,"api":"v1"})"), 1u);
    EXPECT_EQ(faults("/v1/version", 200, R"({"version":"1","api":"v1","more":1})"), 1u);
    EXPECT_EQ(faults("/v1/version", 201, R"({"version":"1","api":"v1"})"), 1u);
    EXPECT_EQ(faults("/v1/version", 404, R"({"version":"1","api":"v1"})"), 1u);
    EXPECT_EQ(faults("/v1/clusters", 200, R"({"items":[{}],"next":null})"), 16u);
    EXPECT_EQ(faults("/v1/clusters", 200, R"({"items":[],"next":true})"), 1u);
}

}  // namespace
}  // namespace hopyard::api
