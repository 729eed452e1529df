// How people ask, wait, repeat and find out.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "model/phase.h"
#include "model/spec_json.h"
#include "simulation/users.h"

namespace hopyard::simulation {

using model::Wanted;
using nlohmann::json;

namespace {

/// How long somebody waits for an answer before repeating the request.
constexpr Milliseconds patience = Seconds(60);
/// No attempt that is still under way lasts longer than that.
constexpr Milliseconds all_is_decided = Seconds(300);
constexpr Milliseconds pause = Seconds(8);

/// Refusals that a request may get, whatever goes on around it.
constexpr std::string_view may_refuse[] = {"conflict",
                                           "not_found",
                                           "already_exists",
                                           "quota_exceeded",
                                           "unavailable",
                                           "timed_out",
                                           "rate_limited"};

bool passes_by_itself(int status, const std::string& code) {
    return status == 429 || status == 503 || status == 504 || code == "idempotency_key_in_use";
}

}  // namespace

/// A cluster as a reply shows it.
struct Users::Shown {
    ClusterId id;
    model::ClusterSpec spec;
    std::string wanted, phase;

    static std::optional<Shown> from(const json& document) {
        if (!document.is_object() || !document.contains("spec")) return std::nullopt;
        const auto spec = model::spec_from_json(document["spec"].dump());
        if (!spec) return std::nullopt;
        return Shown{.id = ClusterId(document.value("id", "")),
                     .spec = *spec,
                     .wanted = document.value("wanted", ""),
                     .phase = document.value("phase", "")};
    }
    bool fits(const Wish& wish, bool whatever_workers = false) const {
        auto mine = wish.spec.workers, stored = spec.workers;
        const auto less = [](const auto& a, const auto& b) { return a.key < b.key; };
        std::sort(mine.begin(), mine.end(), less);
        std::sort(stored.begin(), stored.end(), less);
        return wanted == model::to_string(wish.wanted) && (whatever_workers || mine == stored) &&
               wish.spec.autoscale == spec.autoscale && wish.spec.ports == spec.ports &&
               wish.spec.port_sources == spec.port_sources && wish.spec.head == spec.head;
    }
};

void Users::ask(Person& person,
                std::string what,
                Wish hoped,
                std::string method,
                std::string path,
                std::string body,
                bool hands_over) {
    const bool creates = hoped.id.empty();
    Asked asked{.what = std::move(what),
                .request = {.method = std::move(method),
                            .target = creates ? path : "/v1/clusters/" + hoped.id.value + path,
                            .body = std::move(body)},
                .hoped = std::move(hoped),
                .key = fmt::format("of-{}-{}", person.spec.name, ++keys_),
                .hands_over = hands_over};
    asked.request.headers.add("Idempotency-Key", asked.key);
    if (!asked.request.body.empty()) asked.request.headers.add("Content-Type", "application/json");
    person.asked = std::move(asked);
    choose_precondition(person);
    send(person);
}

/// Careful people say what they saw when they decided; some decided on what is long past.
void Users::choose_precondition(Person& person) {
    if (person.etag.empty() || calm_ || !chance(ground_.of_users, 0.5)) return;
    Asked& asked = *person.asked;
    asked.stale_etag = person.etag != "\"1\"" && chance(ground_.of_users, 0.1);
    asked.request.headers.add("If-Match", asked.stale_etag ? "\"1\"" : person.etag);
    if (asked.stale_etag) asked.hoped = *person.wish;
}

void Users::send(Person& person) {
    Asked& asked = *person.asked;
    const int attempt = ++asked.attempt;
    if (!asked.hoped.id.empty()) judge_.user_acts(asked.hoped.id);
    const auto is_this = [&person, key = asked.key] {
        return person.asked && person.asked->key == key && !person.asked->looks;
    };
    const bool heard =
        door_.ask(asked.request, [this, &person, is_this](const http::Response& response) {
            if (is_this()) answered(person, response);
        });
    if (!heard) return wait_and_send(person);
    ground_.queue.after(patience, [this, &person, is_this, attempt] {
        if (is_this() && person.asked->attempt == attempt) nobody_answered(person);
    });
}

void Users::wait_and_send(Person& person) {
    ground_.queue.after(pause, [this, &person, key = person.asked->key] {
        if (person.asked && person.asked->key == key && !person.asked->looks) send(person);
    });
}

void Users::nobody_answered(Person& person) {
    ground_.trace.note([&] { return person.asked->what + ": no answer"; });
    person.asked->unheard = true;
    person.etag.clear();
    if (chance(ground_.of_users, 0.25)) return look_later(person);
    send(person);
}

void Users::answered(Person& person, const http::Response& response) {
    ground_.trace.note([&] {
        return fmt::format("{} of {}: {} {}",
                           person.asked->what,
                           person.spec.name,
                           response.status,
                           response.status < 300 ? "" : response.body);
    });
    if (!person.asked->hoped.id.empty()) judge_.user_acts(person.asked->hoped.id);
    if (response.status >= 200 && response.status < 300)
        succeeded(person, response);
    else
        refused(person, response);
}

void Users::succeeded(Person& person, const http::Response& response) {
    Asked& asked = *person.asked;
    const auto shown = Shown::from(json::parse(response.body, nullptr, false));
    if (!shown) return ground_.findings.add("a reply to " + asked.what + " shows no cluster");
    if (asked.stale_etag)
        ground_.findings.add(asked.what + " was carried out although If-Match was out of date");
    person.etag = response.headers.get("ETag");
    if (asked.what == "create") {
        asked.hoped.id = shown->id;
        asked.hoped.spec = shown->spec;
        asked.hoped.spec.network = person.spec.network;
        return settle(person, true);
    }
    if (!shown->fits(asked.hoped, asked.hands_over))
        ground_.findings.add(
            fmt::format("{} of {} was not carried out exactly once", asked.what, shown->id.value));
    if (asked.hands_over) asked.hoped.spec.workers = shown->spec.workers;
    const std::string_view phase = asked.what == "stop"        ? "stopping"
                                   : asked.what == "start"     ? "starting"
                                   : asked.what == "restart"   ? "starting"
                                   : asked.what == "terminate" ? "terminating"
                                                               : std::string_view(shown->phase);
    if (phase != shown->phase)
        ground_.findings.add(fmt::format("after {} the cluster is {}", asked.what, shown->phase));
    settle(person, true);
}

void Users::refused(Person& person, const http::Response& response) {
    Asked& asked = *person.asked;
    const json problem = json::parse(response.body, nullptr, false);
    const std::string kind = problem.is_object() ? problem.value("kind", "") : "";
    const std::string code = problem.is_object() ? problem.value("code", "") : "";
    const bool known =
        std::find(std::begin(may_refuse), std::end(may_refuse), kind) != std::end(may_refuse) ||
        code == "container_claimed" || code == "name_taken";
    if (!known) ground_.findings.add(fmt::format("{} is refused: {}", asked.what, response.body));
    if (code == "precondition_failed" && !asked.stale_etag)
        ground_.findings.add(asked.what + " is refused although If-Match was up to date");
    if (passes_by_itself(response.status, code) &&
        (asked.unheard || code == "idempotency_key_in_use" || chance(ground_.of_users, 0.5)))
        return wait_and_send(person);
    // An attempt that nobody heard of may still be under way somewhere.
    if (asked.unheard) return look_later(person);
    settle(person, false);
}

void Users::look_later(Person& person) {
    person.asked->looks = true;
    ground_.queue.after(all_is_decided, [this, &person] { look(person); });
}

void Users::look(Person& person) {
    const std::string key = person.asked->key;
    const ClusterId& id = person.asked->hoped.id;
    http::Request request{.method = "GET",
                          .target = "/v1/clusters" + (id.empty() ? "" : "/" + id.value)};
    door_.ask(std::move(request), [this, &person, key](const http::Response& response) {
        if (person.asked && person.asked->key == key) seen(person, response);
    });
    ground_.queue.after(pause, [this, &person, key] {
        if (person.asked && person.asked->key == key) look(person);
    });
}

/// A request without an answer was carried out whole or not at all.
void Users::seen(Person& person, const http::Response& response) {
    Asked& asked = *person.asked;
    json document = json::parse(response.body, nullptr, false);
    if (response.status != 200 && response.status != 404) return;
    if (asked.what == "create") {
        for (const json& item : document["items"])
            if (const auto shown = Shown::from(item);
                shown && shown->spec.name == person.spec.name) {
                asked.hoped.id = shown->id;
                asked.hoped.spec = shown->spec;
                asked.hoped.spec.network = person.spec.network;
                return settle(person, true);
            }
        return settle(person, false);
    }
    person.etag = response.headers.get("ETag");
    const auto shown = Shown::from(document);
    const auto fits = [&](const Wish& wish) {
        return shown ? shown->fits(wish, asked.hands_over) : wish.wanted == Wanted::terminated;
    };
    if (!fits(asked.hoped) && !fits(*person.wish))
        ground_.findings.add(asked.what + " of " + person.wish->id.value +
                             " was carried out by half");
    if (asked.hands_over && shown) asked.hoped.spec.workers = shown->spec.workers;
    settle(person, fits(asked.hoped));
}

void Users::settle(Person& person, bool carried_out) {
    const Asked asked = std::move(*person.asked);
    person.asked.reset();
    if (carried_out) person.wish = asked.hoped;
    if (asked.what != "create") return;
    if (carried_out) return next_act(person);
    ground_.queue.after(pause, [this, &person] { create(person); });
}

}  // namespace hopyard::simulation
