#include <charconv>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/paging.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "base/encoding.h"
#include "control/durations.h"
#include "model/phase.h"
#include "model/spec_json.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::ordered_json;

/// A place in the list, oldest first: what a page ended with. Opaque to clients.
std::string cursor_of(const store::ClusterPlace& place) {
    return std::to_string(place.created_at.time_since_epoch().count()) + "." + place.id.value;
}

Result<std::optional<store::ClusterPlace>> after_of(const http::Request& request) {
    const auto text = request.query("after");
    if (!text || text->empty()) return std::nullopt;
    std::int64_t created_ms = 0;
    const char* end = text->data() + text->size();
    const auto [stop, failed] = std::from_chars(text->data(), end, created_ms);
    if (failed != std::errc() || stop == end || *stop != '.')
        return refuse("",
                      "query_malformed",
                      "'after' is no cursor of this list",
                      "Send 'next' of the page before, or leave it out.");
    return store::ClusterPlace{.created_at = Timestamp(Milliseconds(created_ms)),
                               .id = ClusterId(std::string(stop + 1, end))};
}

Result<http::Response> list(ClusterTexts& texts, const Call& call) {
    ASSIGN_OR_RETURN(const int limit, limit_of(call.request, 100));
    ASSIGN_OR_RETURN(const auto after, after_of(call.request));
    // One more than the page holds tells whether there is another.
    ASSIGN_OR_RETURN(auto clusters,
                     texts.page(call.principal.organisation, {.after = after, .limit = limit + 1}));
    ordered_json next = nullptr;
    if (static_cast<int>(clusters.size()) > limit) {
        clusters.pop_back();
        next = cursor_of(clusters.back()->place);
    }
    std::vector<std::string_view> items;
    for (const ClusterTexts::Text& cluster : clusters) items.push_back(cluster->json);
    return list_response(items, next);
}

Result<bool> flag_of(const http::Request& request, const std::string& name) {
    const auto text = request.query(name);
    if (!text || *text == "false") return false;
    if (*text == "true") return true;
    return refuse("", "query_malformed", "'" + name + "' must be true or false", "Mend the query.");
}

Result<model::ClusterSpec> spec_of(const http::Request& request) {
    const std::string type = to_lower(request.headers.get("Content-Type"));
    return type.find("yaml") == std::string::npos ? model::spec_from_json(request.body)
                                                  : model::spec_from_yaml(request.body);
}

Result<std::vector<control::Usual>> read_usual(Parts& parts) {
    std::vector<control::Usual> usual;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(usual, control::usual_durations(t));
        return {};
    }));
    return usual;
}

Result<ordered_json> estimated_ms(Parts& parts, const model::ClusterSpec& spec) {
    ASSIGN_OR_RETURN(const auto usual, read_usual(parts));
    const auto estimate = control::estimated_start(usual, spec);
    return estimate ? ordered_json(estimate->count()) : ordered_json(nullptr);
}

Result<http::Response> durations(Parts& parts) {
    ASSIGN_OR_RETURN(const auto usual, read_usual(parts));
    ordered_json items = ordered_json::array();
    for (const control::Usual& each : usual)
        items.push_back({{"location", each.location},
                         {"instanceType", each.instance_type},
                         {"phase", to_string(each.phase)},
                         {"medianMs", each.median.count()},
                         {"starts", each.starts}});
    return list_response(std::move(items));
}

Result<http::Response> create(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const bool dry_run, flag_of(call.request, "dryRun"));
    ASSIGN_OR_RETURN(const auto spec, spec_of(call.request));
    if (dry_run) {
        ASSIGN_OR_RETURN(const auto preflight, parts.commands.dry_run(call.caller(), spec));
        ordered_json document = view(preflight);
        ASSIGN_OR_RETURN(document["estimatedStartMs"], estimated_ms(parts, preflight.spec));
        return http::json_response(200, dump(document));
    }
    ASSIGN_OR_RETURN(const auto outcome, parts.commands.create(call.caller(), spec));
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, outcome.id));
    ordered_json document = view(rows);
    document["warnings"] = ordered_json::array();
    for (const decide::Finding& finding : outcome.preflight.findings)
        document["warnings"].push_back(view(finding.error));
    http::Response response = http::json_response(202, dump(document));
    response.headers.set("Location", "/v1/clusters/" + outcome.id.value);
    response.headers.set("ETag", etag(rows.cluster));
    return response;
}

Result<http::Response> show(ClusterTexts& texts, const Call& call) {
    ASSIGN_OR_RETURN(const auto text, texts.of(call.principal.organisation, call.cluster()));
    http::Response response = http::json_response(200, text->json);
    response.headers.set("ETag", text->etag);
    return response;
}

Result<http::Response> activity(Parts& parts,
                                const Call& call,
                                const std::optional<ClusterId>& cluster) {
    store::ActivityQuery query{.organisation = call.principal.organisation, .cluster = cluster};
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    ASSIGN_OR_RETURN(query.limit, limit_of(call.request, 50));
    ASSIGN_OR_RETURN(query.before, number_of(call.request, "before", 0, most));
    ASSIGN_OR_RETURN(query.after, number_of(call.request, "after", 0, most));
    if (query.before && query.after)
        return refuse("",
                      "query_malformed",
                      "'before' and 'after' exclude each other",
                      "'before' pages into the past, 'after' reads what is new.");
    store::ActivityPage page;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(page, t.activity(query));
        return {};
    }));
    // What happened to a cluster outlives it; one that nothing ever happened to was never there.
    if (cluster && page.entries.empty() && !query.before && !query.after)
        RETURN_IF_ERROR(read_cluster(parts.store, call.principal.organisation, *cluster));
    ordered_json items = ordered_json::array();
    for (const model::Activity& entry : page.entries) items.push_back(view(entry));
    const ordered_json next = page.next_before ? ordered_json(*page.next_before) : nullptr;
    return list_response(std::move(items), next);
}

Result<http::Response> first_administrator(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, call.cluster()));
    ASSIGN_OR_RETURN(const Secret password,
                     parts.commands.first_password(call.caller(), call.cluster()));
    return http::json_response(
        200, dump({{"user", rows.cluster.access.user}, {"password", password.reveal()}}));
}

/// The only reply that shows it unasked: whoever makes it hands it over.
Result<http::Response> rotate_password(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto made,
                     parts.commands.rotate_password(call.caller(), call.cluster()));
    http::Response response = http::json_response(
        202, dump({{"user", made.cluster.access.user}, {"password", made.password.reveal()}}));
    response.headers.set("ETag", etag(made.cluster));
    return response;
}

}  // namespace

std::vector<Endpoint> cluster_endpoints(Parts& parts, ClusterTexts& texts) {
    return {
        {.method = "GET",
         .pattern = "/v1/clusters",
         .query = {"limit", "after"},
         .answer = [&texts](const Call& call) { return list(texts, call); }},
        {.method = "POST",
         .pattern = "/v1/clusters",
         .access = Access::operate,
         .query = {"dryRun"},
         .has_body = true,
         .answer = [&parts](const Call& call) { return create(parts, call); }},
        {.method = "GET",
         .pattern = "/v1/clusters/{id}",
         .answer = [&texts](const Call& call) { return show(texts, call); }},
        {.method = "GET",
         .pattern = "/v1/clusters/{id}/activity",
         .query = {"limit", "before", "after"},
         .answer = [&parts](const Call& call) { return activity(parts, call, call.cluster()); }},
        {.method = "GET",
         .pattern = "/v1/activity",
         .query = {"limit", "before", "after"},
         .answer = [&parts](const Call& call) { return activity(parts, call, std::nullopt); }},
        {.method = "GET",
         .pattern = "/v1/durations",
         .answer = [&parts](const Call&) { return durations(parts); }},
        {.method = "GET",
         .pattern = "/v1/clusters/{id}/first-administrator",
         .access = Access::administer,
         .secret_reply = true,
         .answer = [&parts](const Call& call) { return first_administrator(parts, call); }},
        {.method = "POST",
         .pattern = "/v1/clusters/{id}/password",
         .access = Access::administer,
         .secret_reply = true,
         .answer = [&parts](const Call& call) { return rotate_password(parts, call); }},
    };
}

}  // namespace hopyard::api::v1
