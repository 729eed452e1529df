// What every answer of the page has in common: headers, cookies, forms, errors. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace hopyard::node::console {

/// The prefix makes browsers insist on Secure, the whole host and the whole path (RFC 6265bis).
inline constexpr const char* cookie_name = "__Host-hopyard";

/// Sets what keeps an answer from being cached, framed, sniffed, or from loading anything foreign.
http::Response guarded(http::Response response);
http::Response html(int status, std::string page);
http::Response file(std::string_view type, std::string_view bytes);
http::Response see_other(const std::string& path);

/// Status of an error, and its JSON form: {"error": {"code", "message", "field", "nextAction"}}.
int status_of(const Error& error);
http::Response json_error(const Error& error);
/// Adds Retry-After when the error says how long to wait.
void set_retry_after(http::Response& response, const Error& error);

std::optional<Secret> session_cookie(const http::Request& request);
void set_session_cookie(http::Response& response, const Secret& token, Seconds lifetime);
void clear_session_cookie(http::Response& response);

/// Comes from a page of ours, or from a client that is no browser. What browsers say of it cannot
/// be forged by another site.
bool is_same_site(const http::Request& request);

using FormFields = std::map<std::string, std::string>;
/// application/x-www-form-urlencoded; nothing for another type.
std::optional<FormFields> read_form(const http::Request& request);

/// Whether its content type is JSON, which no form of another site can send.
bool is_json(const http::Request& request);

}  // namespace hopyard::node::console
