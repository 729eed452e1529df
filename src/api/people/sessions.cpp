#include "api/people/sessions.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::api::people {
namespace {

constexpr std::size_t token_bytes = 32;
constexpr std::size_t user_agent_max = 256;
constexpr Seconds between_notes{60};

Failure cross_site() {
    return pass(Error{.kind = ErrorKind::permission_denied,
                      .code = "cross_site",
                      .message = "the request comes from a page of another site, or the browser "
                                 "does not say from which",
                      .owner = Owner::user,
                      .next_action = "Ask from Hopyard's own pages; programs use an API key."});
}

std::string trimmed(std::string text) {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

bool origin_is_host(const http::Request& request) {
    const std::string origin = to_lower(request.headers.get("Origin"));
    const std::string host = to_lower(request.headers.get("Host"));
    const std::size_t scheme = origin.find("://");
    return scheme != std::string::npos && !host.empty() && origin.substr(scheme + 3) == host;
}

std::string attributes(bool secure) {
    return std::string("; Path=/; HttpOnly; SameSite=Strict") + (secure ? "; Secure" : "");
}

struct Known {
    model::Session session;
    model::Person person;
    model::Organisation organisation;
};

Result<std::optional<Known>> look_up(store::Transaction& t, const std::string& hash) {
    ASSIGN_OR_RETURN(const auto session, t.session_by_hash(hash));
    if (!session) return std::nullopt;
    ASSIGN_OR_RETURN(const auto person, t.person(session->person));
    if (!person) return std::nullopt;
    ASSIGN_OR_RETURN(auto organisation, organisation_of(t, person->organisation));
    return Known{*session, *person, std::move(organisation)};
}

Result<void> note_use(store::Transaction& t, const std::string& hash, Timestamp now) {
    ASSIGN_OR_RETURN(auto known, look_up(t, hash));
    if (!known) return {};
    known->session.last_seen_at = std::max(known->session.last_seen_at, now);
    known->person.last_seen_at = now;
    RETURN_IF_ERROR(t.put(known->session));
    return t.put(known->person);
}

}  // namespace

Secret make_token(Random& random) {
    return Secret(to_base64url(random_bytes(random, token_bytes)));
}

std::string hash_of_token(const Secret& token) {
    return to_hex(sha256(token.reveal()));
}

std::string cookie_name(bool secure) {
    return secure ? "__Host-hopyard-session" : "hopyard-session";
}

Secret presented_token(const http::Request& request) {
    const std::string wanted = cookie_name(request.secure);
    for (const auto& [name, value] : request.headers.all()) {
        if (to_lower(name) != "cookie") continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const std::string_view pair = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
            const std::size_t equals = pair.find('=');
            if (equals == std::string_view::npos) continue;
            if (trimmed(std::string(pair.substr(0, equals))) == wanted)
                return Secret(trimmed(std::string(pair.substr(equals + 1))));
        }
    }
    return {};
}

void set_cookie(http::Response& response, const Secret& token, bool secure) {
    response.headers.add("Set-Cookie",
                         cookie_name(secure) + "=" + token.reveal() + "; Max-Age=" +
                             std::to_string(model::session_longest.count()) + attributes(secure));
}

void clear_cookie(http::Response& response, bool secure) {
    response.headers.add("Set-Cookie", cookie_name(secure) + "=; Max-Age=0" + attributes(secure));
}

Result<void> check_same_origin(const http::Request& request) {
    const auto site = request.headers.find("Sec-Fetch-Site");
    if (site ? *site == "same-origin" : origin_is_host(request)) return {};
    return cross_site();
}

Result<void> check_not_cross_site(const http::Request& request) {
    if (!request.headers.find("Sec-Fetch-Site") && !request.headers.find("Origin")) return {};
    return check_same_origin(request);
}

std::string origin_of(const http::Request& request) {
    const std::string origin = request.headers.get("Origin");
    if (origin.starts_with("http") && check_same_origin(request)) return origin;
    return (request.secure ? "https://" : "http://") + request.headers.get("Host");
}

Result<MadeSession> begin_session(store::Transaction& t,
                                  Random& random,
                                  const model::Person& person,
                                  const SessionId& before,
                                  const http::Request& request,
                                  Timestamp now) {
    if (!before.empty()) RETURN_IF_ERROR(t.erase(before));
    MadeSession made{.token = make_token(random)};
    made.row = {.id = SessionId("s-" + random_word(random, 10)),
                .person = person.id,
                .token_hash = hash_of_token(made.token),
                .created_at = now,
                .last_seen_at = now,
                .address = request.peer.address,
                .user_agent = request.headers.get("User-Agent").substr(0, user_agent_max)};
    RETURN_IF_ERROR(t.put(made.row));
    return made;
}

Error session_missing() {
    return {.kind = ErrorKind::unauthenticated,
            .code = "session_missing",
            .message = "nobody is signed in",
            .owner = Owner::user,
            .next_action = "Sign in."};
}

Result<Principal> principal_of(store::Store& store, const Secret& token, Timestamp now) {
    const std::string hash = hash_of_token(token);
    std::optional<Known> known;
    RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(known, look_up(t, hash));
        return {};
    }));
    if (!known || !model::is_usable(known->session, now)) return pass(session_missing());
    // A note that cannot be written shortens an idle session by a minute; the request goes on.
    if (now - known->session.last_seen_at >= between_notes)
        (void)store.write([&](store::Transaction& t) { return note_use(t, hash, now); });
    const model::Person& person = known->person;
    return Principal{.organisation = person.organisation,
                     .name = person.name,
                     .person = person.id,
                     .session = known->session.id,
                     .role = person.role,
                     .rights = model::rights_of(person.role, known->organisation.permissions),
                     .must_set_up_totp = known->organisation.require_totp && !person.totp};
}

Result<model::Organisation> organisation_of(store::Transaction& t, const OrganisationId& id) {
    ASSIGN_OR_RETURN(auto row, t.organisation(id));
    if (row) return std::move(*row);
    return model::Organisation{.id = id, .name = "My organisation"};
}

}  // namespace hopyard::api::people
