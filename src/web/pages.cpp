#include "web/pages.h"

#include <algorithm>
#include <string>

namespace hopyard::web {
namespace {

// Attributes are the only styles that are not files: the library of controls places and measures
// with them.
constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Calls `look` with each member of a comma-separated list until it says true.
template <class Look>
bool any_member(std::string_view list, Look look) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (look(trimmed(list.substr(0, comma)))) return true;
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return false;
}

/// Whether Accept-Encoding allows it (RFC 9110 section 12.5.3): named, and not with a weight of 0.
bool accepts(const http::Request& request, std::string_view coding) {
    const std::string list = request.headers.get("Accept-Encoding");
    return any_member(list, [&](std::string_view member) {
        const auto semicolon = member.find(';');
        if (trimmed(member.substr(0, semicolon)) != coding) return false;
        if (semicolon == std::string_view::npos) return true;
        const std::string_view weight = trimmed(member.substr(semicolon + 1));
        return weight.find_first_of("123456789") != std::string_view::npos;
    });
}

/// If-None-Match compares weakly (RFC 9110 section 13.1.2).
bool is_known(const http::Request& request, std::string_view tag) {
    const std::string list = request.headers.get("If-None-Match");
    return any_member(list, [&](std::string_view member) {
        if (member.starts_with("W/")) member.remove_prefix(2);
        return member == "*" || member == tag;
    });
}

void add_protection(http::Headers& headers) {
    headers.set("Content-Security-Policy", policy);
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
}

http::Response refuse(int status, const char* words) {
    http::Response response = http::text_response(status, words);
    add_protection(response.headers);
    return response;
}

http::Response send(const http::Request& request, const Page& page) {
    http::Response response;
    add_protection(response.headers);
    response.headers.set("ETag", std::string(page.tag));
    response.headers.set("Vary", "Accept-Encoding");
    response.headers.set("Cache-Control",
                         page.immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (is_known(request, page.tag)) {
        response.status = 304;
        return response;
    }
    response.headers.set("Content-Type", std::string(page.type));
    std::string_view body = page.plain;
    if (!page.brotli.empty() && accepts(request, "br")) {
        body = page.brotli;
        response.headers.set("Content-Encoding", "br");
    } else if (!page.gzip.empty() && accepts(request, "gzip")) {
        body = page.gzip;
        response.headers.set("Content-Encoding", "gzip");
    }
    response.body = body;
    return response;
}

const Page* find(const std::vector<Page>& pages, std::string_view path) {
    const auto found = std::find_if(
        pages.begin(), pages.end(), [&](const Page& page) { return page.path == path; });
    return found == pages.end() ? nullptr : &*found;
}

http::Response answer(const std::vector<Page>& pages, const http::Request& request) {
    if (request.method != "GET" && request.method != "HEAD") {
        http::Response response = refuse(405, "only GET and HEAD are answered here");
        response.headers.set("Allow", "GET, HEAD");
        return response;
    }
    const std::string_view path = request.path();
    if (const Page* page = find(pages, path)) return send(request, *page);
    // A file of another build must not be answered with a page: the browser would run it.
    const Page* index = path.starts_with("/assets/") ? nullptr : find(pages, "/index.html");
    return index ? send(request, *index) : refuse(404, "nothing is served at this path");
}

}  // namespace

http::Handler serve_pages(const std::vector<Page>& pages) {
    return http::answering(
        [&pages](const http::Request& request) { return answer(pages, request); });
}

}  // namespace hopyard::web
