#include "localcloud/arm/capture.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/encoding.h"
#include "base/log.h"
#include "localcloud/arm/json.h"

namespace hopyard::localcloud {

namespace {

bool is_secret(const std::string& name) {
    static const std::set<std::string> secrets = {"customData",
                                                  "userData",
                                                  "adminPassword",
                                                  "privateKey",
                                                  "access_token",
                                                  "keyData",
                                                  "client_secret"};
    return secrets.contains(name);
}

void cut_secrets(Json& value) {
    if (value.is_array())
        for (Json& element : value) cut_secrets(element);
    if (!value.is_object()) return;
    for (auto& [name, member] : value.items()) {
        if (is_secret(name) && member.is_string())
            member = "c2VjcmV0";  // base64, as some of them must be
        else
            cut_secrets(member);
    }
    if (value.contains("keyName") && value.contains("value")) value["value"] = "c2VjcmV0";
}

Json shown_headers(const http::Headers& headers) {
    Json shown = Json::object();
    for (const auto& [name, value] : headers.all()) {
        const std::string lower = to_lower(name);
        shown[lower] = lower == "authorization" ? "Bearer cut" : value;
    }
    return shown;
}

Json shown_body(const std::string& body) {
    if (body.empty()) return Json::object();
    auto value = parse_json(body);
    if (!value) return Json::object();
    cut_secrets(*value);
    return *value;
}

}  // namespace

Capture::Capture(std::string folder) : folder_(std::move(folder)) {
    if (folder_.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
        log::warning("nothing is captured", {{"folder", folder_}, {"cause", error.message()}});
}

void Capture::record(const http::Request& request, const http::Response& response) {
    if (folder_.empty()) return;
    const Json payload = {{"liveRequest",
                           {{"headers", shown_headers(request.headers)},
                            {"method", request.method},
                            {"url", request.target},
                            {"body", shown_body(request.body)}}},
                          {"liveResponse",
                           {{"statusCode", std::to_string(response.status)},
                            {"headers", shown_headers(response.headers)},
                            {"body", shown_body(response.body)}}}};
    const std::string path = fmt::format(
        "{}/{:08}-{:06}-{}-{}.json", folder_, getpid(), ++count_, request.method, response.status);
    std::ofstream(path) << payload.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace hopyard::localcloud
