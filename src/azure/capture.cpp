#include "azure/capture.h"

#include <cerrno>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "azure/document.h"
#include "base/encoding.h"
#include "base/log.h"

namespace hopyard::azure {
namespace {

const std::set<std::string>& secret_members() {
    static const std::set<std::string> names{"userdata",
                                             "customdata",
                                             "adminpassword",
                                             "password",
                                             "privatekey",
                                             "access_token",
                                             "client_secret",
                                             "sastoken",
                                             "accesssas"};
    return names;
}

/// Replaces the texts of secret members by base64 of "cut"; `value` too, where keys are listed.
void cut_secrets(Json& document, bool in_keys) {
    if (document.is_array())
        for (Json& item : document) cut_secrets(item, in_keys);
    if (!document.is_object()) return;
    for (auto& [name, value] : document.items()) {
        const std::string lower = to_lower(name);
        const bool is_secret = secret_members().contains(lower) || (in_keys && lower == "value");
        if (is_secret && value.is_string())
            value = "Y3V0";
        else
            cut_secrets(value, in_keys || lower == "keys");
    }
}

Json body_of(const std::string& text) {
    auto document = parse_document(text);
    if (!document || text.empty()) return Json::object();
    cut_secrets(*document, false);
    return std::move(*document);
}

Json headers_of(const http::Headers& headers) {
    static const std::set<std::string> hidden{
        "authorization", "cookie", "set-cookie", "www-authenticate"};
    Json object = Json::object();
    for (const auto& [name, value] : headers.all())
        if (!hidden.contains(to_lower(name))) object[to_lower(name)] = value;
    return object;
}

}  // namespace

std::string capture_payload(const http::OutgoingRequest& request, const http::Response& reply) {
    const auto url = http::parse_url(request.url);
    const Json payload{{"liveRequest",
                        {{"headers", headers_of(request.headers)},
                         {"method", request.method},
                         {"url", url ? url->target : "/"},
                         {"body", body_of(request.body)}}},
                       {"liveResponse",
                        {{"statusCode", std::to_string(reply.status)},
                         {"headers", headers_of(reply.headers)},
                         {"body", body_of(reply.body)}}}};
    return to_body(payload);
}

Capture::Capture(http::Transport& inner, std::string directory, std::string base_url)
    : inner_(inner), directory_(std::move(directory)), base_url_(std::move(base_url)) {
    if (directory_.empty()) return;
    std::error_code ignored;
    if (std::filesystem::create_directories(directory_, ignored))
        std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, ignored);
}

Result<http::Response> Capture::send(const http::OutgoingRequest& request) {
    auto reply = inner_.send(request);
    const auto base = http::parse_url(base_url_);
    const auto url = http::parse_url(request.url);
    if (reply && base && url && url->host == base->host && url->port == base->port &&
        (to_lower(url->target).starts_with("/subscriptions") ||
         to_lower(url->target).starts_with("/providers")))
        write(request, *reply);
    return reply;
}

void Capture::write(const http::OutgoingRequest& request, const http::Response& reply) {
    const std::string text = capture_payload(request, reply);
    std::string path;
    int file = -1;
    do {
        path = fmt::format("{}/{:08}-{}.json", directory_, ::getpid(), next_.fetch_add(1));
        file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        // Another connection of this process took that number.
    } while (file < 0 && errno == EEXIST);
    const bool written =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) ::close(file);
    if (!written) log::warning("an exchange could not be written down", {{"file", path}});
}

}  // namespace hopyard::azure
