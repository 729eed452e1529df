// The one way to the Resource Manager: address, version, token, ids for tracing, throttling, paging
// and the meaning of refusals. It never sleeps and sends each request once, but for one repeat with
// a fresh token after a 401: the loops above decide when to try again. Thread-safe, with a Random
// that is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "azure/connection.h"
#include "azure/throttle.h"
#include "azure/token.h"

namespace hopyard::azure {

/// The versions we speak: each has a complete specification to be judged by.
namespace api_version {
inline constexpr const char* compute = "2024-03-01";
inline constexpr const char* disks = "2023-10-02";
inline constexpr const char* skus = "2021-07-01";
inline constexpr const char* network = "2024-01-01";
inline constexpr const char* storage = "2023-05-01";
inline constexpr const char* identity = "2023-01-31";
inline constexpr const char* resources = "2024-03-01";
inline constexpr const char* subscriptions = "2022-12-01";
inline constexpr const char* authorization = "2022-04-01";
}  // namespace api_version

struct Call {
    std::string doing;  ///< for error messages: "PUT machine n1"
    std::string method = "GET";
    std::string url;   ///< absolute, with its api-version
    std::string body;  ///< JSON or empty
    bool is_poll = false;
    Milliseconds timeout{30'000};
};

class Pipeline {
  public:
    Pipeline(const Options& options, http::Transport& transport, const Clock& clock, Random& random)
        : options_(options),
          transport_(transport),
          clock_(clock),
          random_(random),
          tokens_(options, transport, clock) {}

    /// Absolute URL of a path such as "/subscriptions/…"; `query` without "?" and api-version.
    std::string url(std::string_view path,
                    std::string_view version,
                    std::string_view query = "") const;
    /// "/subscriptions/<id>".
    std::string subscription_path() const;

    /// Any reply but a 429; an Error when none came, or the bucket is held.
    Result<http::Response> exchange(const Call& call);
    /// A reply of success; an Error for any other.
    Result<http::Response> send(const Call& call);
    /// The bodies of all pages, `nextLink` followed verbatim. Errors: also `unavailable` when a
    /// page is not JSON or the pages do not end.
    Result<std::vector<std::string>> pages(Call call);

    /// An absolute URL out of what a header or a page said: a path is joined to our address.
    /// Refused when it leads elsewhere, for our token would go with it.
    Result<std::string> absolute(std::string_view url) const;

    Timestamp now() const { return clock_.now(); }
    Error error(const Call& call, const http::Response& reply) const;

  private:
    Result<http::Response> send_once(const Call& call, const Secret& token);
    Error held(const Call& call, Milliseconds wait);

    const Options& options_;
    http::Transport& transport_;
    const Clock& clock_;
    Random& random_;
    TokenSource tokens_;
    Throttle throttle_;
};

}  // namespace hopyard::azure
