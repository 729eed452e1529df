// The values that HTTP is made of, for both directions. No library's type appears here, so that a
// handler, a replayed recording and the simulation can be written without a socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace hopyard::http {

/// Header fields in the order they came; names compare without case (RFC 9110 section 5.1).
class Headers {
  public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

    /// The first value of that name; nothing when there is none.
    std::optional<std::string> find(std::string_view name) const;
    /// The first value of that name, or "".
    std::string get(std::string_view name) const { return find(name).value_or(""); }
    /// Replaces every value of that name by one.
    void set(std::string_view name, std::string value);
    void add(std::string_view name, std::string value);
    void remove(std::string_view name);
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

    bool operator==(const Headers&) const = default;

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// Who is at the other end of a connection that we accepted.
struct Peer {
    std::string address;  ///< "10.0.0.4"
    std::uint16_t port = 0;
    std::string listener;  ///< ListenerOptions::name, so that equal addresses can be told apart
    /// The common name of the verified client certificate; empty when there was none.
    std::string certificate_subject;
};

/// A request that we received.
struct Request {
    std::string method;
    std::string target;  ///< path and query as they came: "/v1/clusters?limit=5"
    Headers headers;
    std::string body;
    Peer peer;
    bool secure = false;  ///< came over TLS

    /// The path, still percent-encoded: "/v1/clusters".
    std::string_view path() const;
    /// The first query parameter of that name, decoded; names compare without case.
    std::optional<std::string> query(std::string_view name) const;
};

struct Response {
    int status = 200;
    Headers headers;
    std::string body;
};

/// A request that we send. Absolute URL; the body may be sent again, so it is kept whole.
struct OutgoingRequest {
    std::string method = "GET";
    std::string url;
    Headers headers;
    std::string body;
    Milliseconds timeout{30'000};  ///< for the whole exchange; 0 = no limit
};

/// `{"a": "b"}`-style bodies: sets content-type and body.
Response json_response(int status, std::string body);
Response text_response(int status, std::string body);

/// Scheme, host, port and target of an absolute http or https URL; nothing when it is none.
struct Url {
    std::string scheme;      ///< lower case
    std::string host;        ///< without brackets
    std::uint16_t port = 0;  ///< the scheme's default when the URL has none
    std::string target;      ///< path and query, at least "/"
};
std::optional<Url> parse_url(std::string_view url);

}  // namespace hopyard::http
