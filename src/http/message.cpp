#include "http/message.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace hopyard::http {

namespace {

bool same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) {
        return lower(x) == lower(y);
    });
}

/// Splits "host", "host:port", "[::1]:port"; false when it is none of them.
bool split_authority(std::string_view authority, Url& url) {
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return false;
        url.host = authority.substr(1, end - 1);
        const auto rest = authority.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') return false;
        if (!rest.empty()) port = rest.substr(1);
    } else {
        const auto colon = authority.find(':');
        url.host = authority.substr(0, colon);
        if (colon != std::string_view::npos) port = authority.substr(colon + 1);
    }
    if (url.host.empty()) return false;
    if (port.empty()) return true;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    return error == std::errc() && end == port.data() + port.size() && url.port != 0;
}

}  // namespace

std::optional<std::string> Headers::find(std::string_view name) const {
    for (const auto& [field, value] : fields_)
        if (same_name(field, name)) return value;
    return std::nullopt;
}

void Headers::set(std::string_view name, std::string value) {
    remove(name);
    add(name, std::move(value));
}

void Headers::add(std::string_view name, std::string value) {
    fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_, [&](const auto& field) { return same_name(field.first, name); });
}

std::string_view Request::path() const {
    return std::string_view(target).substr(0, target.find_first_of("?#"));
}

std::optional<std::string> Request::query(std::string_view name) const {
    const auto mark = target.find('?');
    if (mark == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view(target).substr(mark + 1);
    rest = rest.substr(0, rest.find('#'));
    while (!rest.empty()) {
        const auto end = rest.find('&');
        const auto pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        const auto equals = pair.find('=');
        if (!same_name(percent_decode(pair.substr(0, equals)), name)) continue;
        if (equals == std::string_view::npos) return std::string();
        return percent_decode(pair.substr(equals + 1));
    }
    return std::nullopt;
}

Response json_response(int status, std::string body) {
    return {.status = status,
            .headers = {{"Content-Type", "application/json"}},
            .body = std::move(body)};
}

Response text_response(int status, std::string body) {
    return {.status = status,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = std::move(body)};
}

std::optional<Url> parse_url(std::string_view url) {
    const bool unprintable = std::any_of(url.begin(), url.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
    });
    const auto mark = url.find("://");
    if (unprintable || mark == std::string_view::npos) return std::nullopt;
    Url parsed{.scheme = to_lower(url.substr(0, mark)), .host = {}, .port = 0, .target = {}};
    if (parsed.scheme == "https")
        parsed.port = 443;
    else if (parsed.scheme == "http")
        parsed.port = 80;
    else
        return std::nullopt;
    url.remove_prefix(mark + 3);
    const auto slash = url.find_first_of("/?#");
    const auto authority = url.substr(0, slash);
    // A user name in a URL would end in logs; nobody here needs one.
    if (authority.find('@') != std::string_view::npos) return std::nullopt;
    if (!split_authority(authority, parsed)) return std::nullopt;
    if (slash != std::string_view::npos) parsed.target = url.substr(slash);
    parsed.target = parsed.target.substr(0, parsed.target.find('#'));
    if (!parsed.target.starts_with('/')) parsed.target.insert(0, "/");
    return parsed;
}

}  // namespace hopyard::http
