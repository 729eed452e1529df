// Sessions in a browser: a random token in a cookie that no script reads and no other site sends,
// of which the store holds the SHA-256. They end when idle, after a week at the latest, at signing
// out, and with the person (model/access.h).
//
// A cookie comes along whoever makes the browser ask. What changes something is therefore taken
// from our own pages only, which the browser itself tells: by Sec-Fetch-Site, or by Origin.
#pragma once

#include <optional>
#include <string>

#include "api/access.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"
#include "model/access.h"
#include "store/store.h"

namespace hopyard::api::people {

/// 256 random bits as text: session, invitation, the first owner's link.
Secret make_token(Random& random);
std::string hash_of_token(const Secret& token);

/// With TLS the browser itself guards the name: "__Host-" (RFC 6265bis section 4.1.3.2).
std::string cookie_name(bool secure);
/// The token of the request's cookie; empty without one.
Secret presented_token(const http::Request& request);
void set_cookie(http::Response& response, const Secret& token, bool secure);
void clear_cookie(http::Response& response, bool secure);

/// `permission_denied` ("cross_site") unless the browser says that a page of ours asks.
Result<void> check_same_origin(const http::Request& request);
/// The same, but lets pass who says nothing at all: no browser. For requests that need no session.
Result<void> check_not_cross_site(const http::Request& request);
/// Scheme, host and port under which the asking page reached us: links begin with it.
std::string origin_of(const http::Request& request);

struct MadeSession {
    model::Session row;
    Secret token;
};
/// A new session of that person, stored; the one that the request came with ends.
Result<MadeSession> begin_session(store::Transaction& t,
                                  Random& random,
                                  const model::Person& person,
                                  const SessionId& before,
                                  const http::Request& request,
                                  Timestamp now);

/// Who is signed in by that token. Notes, once a minute, that the session is in use.
/// `unauthenticated` ("session_missing") for a token that is unknown, has ended, or whose person is
/// gone.
Result<Principal> principal_of(store::Store& store, const Secret& token, Timestamp now);
Error session_missing();

/// What is stored of an organisation, or what holds before anybody changed it.
Result<model::Organisation> organisation_of(store::Transaction& t, const OrganisationId& id);

}  // namespace hopyard::api::people
