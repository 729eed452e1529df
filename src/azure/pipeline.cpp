#include "azure/pipeline.h"

#include <set>

#include <fmt/format.h>

#include "azure/document.h"
#include "azure/errors.h"
#include "base/encoding.h"
#include "base/log.h"

namespace hopyard::azure {
namespace {

constexpr std::size_t pages_max = 1000;
constexpr std::size_t body_bytes_max = 4u << 20;

std::string_view without_slash(std::string_view url) {
    while (!url.empty() && url.back() == '/') url.remove_suffix(1);
    return url;
}

bool is_same_or_below(std::string_view host, std::string_view domain) {
    return host == domain || (host.size() > domain.size() && host.ends_with(domain) &&
                              host[host.size() - domain.size() - 1] == '.');
}

Failure broken(std::string_view doing, std::string_view why) {
    Error error{.kind = ErrorKind::unavailable,
                .code = "broken_reply",
                .message = fmt::format("{}: {}", doing, why),
                .owner = Owner::cloud,
                .next_action = "Nothing: it is tried again."};
    return Failure(std::move(error));
}

}  // namespace

std::string Pipeline::url(std::string_view path,
                          std::string_view version,
                          std::string_view query) const {
    return fmt::format("{}{}?{}{}api-version={}",
                       without_slash(options_.resource_manager_url),
                       path,
                       query,
                       query.empty() ? "" : "&",
                       version);
}

std::string Pipeline::subscription_path() const {
    return "/subscriptions/" + percent_encode(options_.subscription);
}

Result<std::string> Pipeline::absolute(std::string_view url) const {
    const auto base = http::parse_url(options_.resource_manager_url);
    if (url.starts_with('/') && !url.starts_with("//"))
        return std::string(without_slash(options_.resource_manager_url)).append(url);
    const auto parsed = http::parse_url(url);
    if (base && parsed && parsed->scheme == base->scheme && parsed->port == base->port &&
        is_same_or_below(to_lower(parsed->host), to_lower(base->host)))
        return std::string(url);
    return broken("following the cloud's link", "the link leads to another host");
}

Error Pipeline::error(const Call& call, const http::Response& reply) const {
    return error_of(call.doing, call.method, reply, clock_.now());
}

Error Pipeline::held(const Call& call, Milliseconds wait) {
    // Some jitter, so that those who were held together do not return together.
    const auto spread = static_cast<std::uint64_t>(wait.count() / 10 + 1);
    wait += Milliseconds(below(random_, spread));
    return Error{.kind = ErrorKind::rate_limited,
                 .code = "bucket_held",
                 .message = fmt::format(
                     "{}: not sent, for the cloud asked us to wait {}", call.doing, to_human(wait)),
                 .owner = Owner::cloud,
                 .next_action = "Nothing: it is tried again when the cloud admits requests again.",
                 .retry_after = wait};
}

Result<http::Response> Pipeline::send_once(const Call& call, const Secret& token) {
    http::OutgoingRequest request{.method = call.method, .url = call.url, .body = call.body};
    request.timeout = call.timeout;
    request.headers.set("Authorization", "Bearer " + token.reveal());
    request.headers.set("Accept", "application/json");
    request.headers.set("x-ms-client-request-id", random_uuid(random_));
    request.headers.set("x-ms-return-client-request-id", "true");
    if (!call.body.empty()) request.headers.set("Content-Type", "application/json");
    auto reply = transport_.send(request);
    if (!reply) return with_context(call.doing, reply.error());
    return reply;
}

Result<http::Response> Pipeline::exchange(const Call& call) {
    if (call.body.size() > body_bytes_max)
        return fail(ErrorKind::invalid_argument,
                    "request_too_large",
                    call.doing + ": the request is larger than the cloud takes");
    const Bucket bucket = bucket_of(call.method, call.url, call.is_poll);
    if (const auto wait = throttle_.held(bucket, clock_.now())) return pass(held(call, *wait));

    ASSIGN_OR_RETURN(Secret token, tokens_.token());
    ASSIGN_OR_RETURN(http::Response reply, send_once(call, token));
    if (reply.status == 401) {
        tokens_.refused(token);
        ASSIGN_OR_RETURN(token, tokens_.token());
        ASSIGN_OR_RETURN(reply, send_once(call, token));
    }
    if (reply.status != 429) return reply;

    Error refusal = error(call, reply);
    if (refusal.kind == ErrorKind::rate_limited) {
        Bucket whole = bucket;
        if (reply.headers.get("x-ms-failure-cause") == "gateway") whole.provider = "*";
        throttle_.hold(whole, clock_.now() + *refusal.retry_after);
        log::warning("the cloud throttles",
                     {{"request", call.doing}, {"wait_ms", refusal.retry_after->count()}});
    }
    return pass(std::move(refusal));
}

Result<http::Response> Pipeline::send(const Call& call) {
    ASSIGN_OR_RETURN(http::Response reply, exchange(call));
    if (reply.status < 200 || reply.status >= 300) return pass(error(call, reply));
    return reply;
}

Result<std::vector<std::string>> Pipeline::pages(Call call) {
    std::vector<std::string> bodies;
    std::set<std::string> seen;
    while (true) {
        if (!seen.insert(call.url).second || bodies.size() >= pages_max)
            return broken(call.doing, "the pages of the list do not end");
        ASSIGN_OR_RETURN(http::Response reply, send(call));
        const auto document = parse_document(reply.body);
        if (!document || !find(*document, {"value"}))
            return broken(call.doing, "the page is not a list");
        const std::string next = text_at(*document, {"nextLink"});
        bodies.push_back(std::move(reply.body));
        if (next.empty()) return bodies;
        ASSIGN_OR_RETURN(call.url, absolute(next));
    }
}

}  // namespace hopyard::azure
