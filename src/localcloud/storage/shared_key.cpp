#include "localcloud/storage/shared_key.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "base/encoding.h"

namespace hopyard::localcloud {

namespace {

std::string http_date(Timestamp now) {
    const std::time_t seconds = to_unix_seconds(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

/// "/account/path" and each query parameter, sorted: "\nname:value".
std::string canonical_resource(const std::string& account, const std::string& target) {
    const std::size_t mark = std::min(target.find('?'), target.size());
    std::string text = "/" + account + target.substr(0, mark);
    std::map<std::string, std::string> parameters;
    std::size_t begin = mark + 1;
    while (begin < target.size()) {
        const std::size_t end = std::min(target.find('&', begin), target.size());
        const std::string pair = target.substr(begin, end - begin);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        parameters[to_lower(percent_decode(pair.substr(0, equals)))] =
            percent_decode(equals < pair.size() ? pair.substr(equals + 1) : "");
        begin = end + 1;
    }
    for (const auto& [name, value] : parameters) text += "\n" + name + ":" + value;
    return text;
}

}  // namespace

void sign_with_shared_key(http::OutgoingRequest& request,
                          const std::string& account,
                          const Secret& key,
                          Timestamp now) {
    request.headers.set("x-ms-date", http_date(now));
    request.headers.set("x-ms-version", "2023-11-03");
    std::map<std::string, std::string> ours;
    for (const auto& [name, value] : request.headers.all())
        if (to_lower(name).starts_with("x-ms-")) ours[to_lower(name)] = value;
    auto header = [&](const char* name) { return request.headers.get(name); };
    const std::string length = request.body.empty() ? "" : std::to_string(request.body.size());
    std::string text = request.method + "\n" + header("content-encoding") + "\n" +
                       header("content-language") + "\n" + length + "\n" + header("content-md5") +
                       "\n" + header("content-type") + "\n\n" + header("if-modified-since") + "\n" +
                       header("if-match") + "\n" + header("if-none-match") + "\n" +
                       header("if-unmodified-since") + "\n" + header("range") + "\n";
    for (const auto& [name, value] : ours) text += name + ":" + value + "\n";
    const auto url = http::parse_url(request.url);
    text += canonical_resource(account, url ? url->target : "/");
    const std::string signature =
        to_base64(hmac_sha256(from_base64(key.reveal()).value_or(""), text));
    request.headers.set("Authorization", "SharedKey " + account + ":" + signature);
}

}  // namespace hopyard::localcloud
