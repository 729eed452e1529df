#include "api/events.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/views.h"

namespace hopyard::api {
namespace {

using nlohmann::ordered_json;

constexpr Seconds keep_alive{15};
constexpr int entries_per_look = 500;
/// Well below what a client is cut off for.
constexpr std::size_t queued_max = 1u << 20;

std::string event(const char* name, const std::string& data, const std::string& id = "") {
    return (id.empty() ? "" : "id: " + id + "\n") + "event: " + name + "\ndata: " + data + "\n\n";
}

Result<std::optional<std::int64_t>> resume_after(const http::Request& request) {
    auto text = request.headers.find("Last-Event-ID");
    if (!text) text = request.query("after");
    if (!text || text->empty()) return std::nullopt;
    std::int64_t after = 0;
    const char* end = text->data() + text->size();
    const auto [stop, failed] = std::from_chars(text->data(), end, after);
    if (failed != std::errc() || stop != end || after < 0)
        return refuse("",
                      "query_malformed",
                      "Last-Event-ID must be the id of an event",
                      "Leave it out to see what happens from now on.");
    return after;
}

}  // namespace

/// What the store says now, for everybody of one organisation.
struct EventStreams::News {
    std::int64_t newest = 0;
    std::set<ApiKeyId> usable_keys;
    std::map<ClusterId, ClusterTexts::Text> texts;  ///< of clusters that were written lately
};

std::vector<Endpoint> EventStreams::endpoints() {
    return {{.method = "GET",
             .pattern = "/v1/events",
             .query = {"after"},
             .hold =
                 [this](const Call& call, http::Responder& responder) {
                     return open(call, std::nullopt, responder);
                 }},
            {.method = "GET",
             .pattern = "/v1/clusters/{id}/events",
             .query = {"after"},
             .hold = [this](const Call& call, http::Responder& responder) {
                 return open(call, call.cluster(), responder);
             }}};
}

Result<int> EventStreams::open(const Call& call,
                               const std::optional<ClusterId>& cluster,
                               http::Responder& responder) {
    ASSIGN_OR_RETURN(const auto after, resume_after(call.request));
    const OrganisationId& organisation = call.principal.organisation;
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(News news, look(organisation, call.now));
    const std::set<ClusterId>& all = known_[organisation].clusters;
    if (cluster && !all.contains(*cluster)) return pass(no_such_cluster(cluster->value));
    Client client{.stream = responder.start(200,
                                            {{"Content-Type", "text/event-stream"},
                                             {"Cache-Control", "no-store"},
                                             {"X-Accel-Buffering", "no"},
                                             {"X-Request-Id", call.request_id}}),
                  .who = call.principal,
                  .cluster = cluster,
                  .last = after.value_or(news.newest),
                  .due = cluster ? std::set{*cluster} : all,
                  .wrote_at = call.now};
    send_to(client, news, call.now);
    clients_.push_back(std::move(client));
    return 200;
}

Result<EventStreams::News> EventStreams::look(const OrganisationId& organisation, Timestamp now) {
    News news;
    Known& known = known_[organisation];
    std::vector<store::StampedCluster> written;
    RETURN_IF_ERROR(parts_.store.read([&](store::Transaction& t) -> Result<void> {
        news = {};
        ASSIGN_OR_RETURN(written, t.written_since(known.stamp, organisation));
        ASSIGN_OR_RETURN(const auto newest, t.activity({.organisation = organisation, .limit = 1}));
        if (!newest.entries.empty()) news.newest = newest.entries.front().sequence;
        ASSIGN_OR_RETURN(const auto keys, t.api_keys(organisation));
        for (const auto& key : keys)
            if (is_usable(key, now)) news.usable_keys.insert(key.id);
        return {};
    }));
    for (const store::StampedCluster& cluster : written) {
        known.stamp = cluster.stamp;
        if (cluster.is_gone)
            known.clusters.erase(cluster.place.id);
        else
            known.clusters.insert(cluster.place.id);
        mark_due(organisation, cluster.place.id);
    }
    return news;
}

void EventStreams::mark_due(const OrganisationId& organisation, const ClusterId& cluster) {
    for (Client& client : clients_)
        if (client.who.organisation == organisation && client.cluster.value_or(cluster) == cluster)
            client.due.insert(cluster);
}

bool EventStreams::send_activity(Client& client, const News& news) {
    while (client.last < news.newest) {
        store::ActivityPage page;
        const auto read = parts_.store.read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(page,
                             t.activity({.organisation = client.who.organisation,
                                         .cluster = client.cluster,
                                         .after = client.last,
                                         .limit = entries_per_look}));
            return {};
        });
        if (!read) return true;
        for (const auto& entry : page.entries) {
            if (!client.stream.write(
                    event("activity", dump(view(entry)), std::to_string(entry.sequence))))
                return false;
            client.last = entry.sequence;
        }
        if (page.entries.size() < entries_per_look)
            client.last = std::max(client.last, news.newest);
    }
    return true;
}

bool EventStreams::send_snapshots(Client& client, News& news) {
    bool sent = false;
    // What a page shows and has changed comes before what it has not been shown yet.
    for (const bool was_shown : {true, false}) {
        for (auto due = client.due.begin(); due != client.due.end();) {
            const auto cluster = due++;
            if (client.shown.contains(*cluster) != was_shown) continue;
            // Who has not read yet what was sent before gets the rest at a later look.
            if (client.stream.queued() > (was_shown ? queued_max * 2 : queued_max)) break;
            const auto told = send_snapshot(client, *cluster, news);
            if (!told) continue;
            sent |= *told;
            client.due.erase(cluster);
        }
    }
    const auto& all = known_[client.who.organisation].clusters;
    if (client.cluster && !all.contains(*client.cluster)) client.ended = true;
    return sent;
}

Result<bool> EventStreams::send_snapshot(Client& client, const ClusterId& id, News& news) {
    const OrganisationId& organisation = client.who.organisation;
    if (!known_[organisation].clusters.contains(id)) {
        if (client.shown.erase(id) == 0) return false;
        client.stream.write(event("cluster-gone", dump(ordered_json{{"id", id.value}})));
        return true;
    }
    ClusterTexts::Text& text = news.texts[id];
    if (!text) {
        ASSIGN_OR_RETURN(text, texts_.of(organisation, id));
    }
    const auto shown = client.shown.find(id);
    if (shown != client.shown.end() && shown->second == text->digest) return false;
    client.stream.write(event("cluster", text->json));
    client.shown[id] = text->digest;
    return true;
}

/// A key that was revoked and a person who was removed or has signed out hear no more.
bool EventStreams::may_still_listen(const Client& client, const News& news, Timestamp now) {
    if (!client.who.is_person()) return news.usable_keys.contains(client.who.key);
    bool may = false;
    const auto read = parts_.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto session, t.session(client.who.session));
        may = session && session->person == client.who.person && model::is_usable(*session, now);
        return {};
    });
    return !read || may;
}

void EventStreams::send_to(Client& client, News& news, Timestamp now) {
    if (!client.stream.is_open() || !may_still_listen(client, news, now)) {
        client.ended = true;
        return;
    }
    const std::int64_t last_before = client.last;
    if (!send_activity(client, news)) {
        client.ended = true;
        return;
    }
    if (send_snapshots(client, news) || client.last != last_before) {
        client.wrote_at = now;
    } else if (now - client.wrote_at >= keep_alive) {
        client.stream.write(": still here\n\n");
        client.wrote_at = now;
    }
}

void EventStreams::tick(Timestamp now) {
    const std::lock_guard lock(mutex_);
    std::map<OrganisationId, std::optional<News>> all;
    for (Client& client : clients_) {
        auto found = all.find(client.who.organisation);
        if (found == all.end()) {
            auto news = look(client.who.organisation, now);
            found = all.emplace(client.who.organisation,
                                news ? std::optional(std::move(*news)) : std::nullopt)
                        .first;
        }
        if (found->second) send_to(client, *found->second, now);
        if (client.ended) client.stream.close();
    }
    std::erase_if(clients_, [](const Client& client) { return client.ended; });
    std::erase_if(known_, [&](const auto& known) {
        return std::none_of(clients_.begin(), clients_.end(), [&](const Client& client) {
            return client.who.organisation == known.first;
        });
    });
}

void EventStreams::close() {
    const std::lock_guard lock(mutex_);
    for (Client& client : clients_) client.stream.close();
    clients_.clear();
}

}  // namespace hopyard::api
