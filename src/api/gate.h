// What every request passes before it reaches a function of ours: request id, API key or session
// and what they may do, the page that a browser asks from, known query parameters, If-Match,
// Idempotency-Key, the count of it, and the form of errors.
//
// An endpoint is data: the same list is mounted, counted and compared with the API's description.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/access.h"
#include "api/keys.h"
#include "api/metrics.h"
#include "api/parts.h"
#include "http/router.h"

namespace hopyard::api {

/// One request that may go on.
struct Call {
    const http::Request& request;
    const http::PathParameters& parameters;
    Principal principal;  ///< of an open endpoint: nobody without a usable key or session
    std::string request_id;
    Timestamp now;
    std::optional<std::int64_t> if_generation;  ///< of If-Match
    /// Keeps the reply of a request with an Idempotency-Key, together with what it changes.
    std::function<Result<void>(store::Transaction&, const model::Cluster&)> keep_reply = {};
    /// Whoever asked has left: work for an answer is for nobody. Thread-safe; only during `answer`.
    std::function<bool()> is_abandoned = {};

    ClusterId cluster() const { return ClusterId(parameters.at("id")); }
    control::Caller caller() const {
        return {.organisation = principal.organisation,
                .actor = principal.name,
                .expected_generation = if_generation,
                .also = keep_reply};
    }
};

struct Endpoint {
    std::string method;
    std::string pattern;
    Access access = Access::read;
    std::vector<std::string> query = {};  ///< the parameters that it reads
    bool has_body = false;
    /// The reply holds a secret: it is never kept, so Idempotency-Key is refused.
    bool secret_reply = false;
    /// One of the two: answers at once, or takes the right to answer, and says with which status it
    /// begins. It leaves the responder alone when it fails.
    std::function<Result<http::Response>(const Call&)> answer = {};
    std::function<Result<int>(const Call&, http::Responder&)> hold = {};
};

struct GateOptions {
    /// Makes a reply of an error.
    std::function<http::Response(const Error&, const std::string& request_id)> render;
    bool idempotency_keys = false;
    /// Unknown query parameters, bodies where none belongs and other media types are refused.
    bool strict = false;
    /// People who are signed in may ask, not keys alone.
    bool people = false;
};

class Gate {
  public:
    Gate(Parts& parts, Authenticator& authenticator, Metrics& metrics, GateOptions options);

    void mount(http::Router& router, std::vector<Endpoint> endpoints);
    /// Answers 405, in our own form, for every other method of the paths mounted so far.
    void refuse_other_methods(http::Router& router);
    /// A reply of that error, with a request id, counted under no route.
    http::Response refuse(const http::Request& request, const Error& error);
    const std::vector<Endpoint>& endpoints() const { return endpoints_; }

  private:
    void pass_through(const Endpoint& endpoint,
                      const http::Request& request,
                      const http::PathParameters& parameters,
                      http::Responder responder);
    Result<Principal> admit(const Endpoint& endpoint,
                            const http::Request& request,
                            const http::PathParameters& parameters,
                            Timestamp now);
    Result<http::Response> answer_once(const Endpoint& endpoint, const Call& call);
    Result<http::Response> answer_and_keep(const Endpoint& endpoint,
                                           const Call& call,
                                           const std::string& key,
                                           const std::string& hash);
    Result<std::optional<http::Response>> remembered(const Call& call,
                                                     const std::string& key,
                                                     const std::string& hash);
    http::Response finish(const std::string& route,
                          const Call& call,
                          Result<http::Response> outcome);
    std::string request_id_of(const http::Request& request);

    Parts& parts_;
    Authenticator& authenticator_;
    Metrics& metrics_;
    GateOptions options_;
    std::vector<Endpoint> endpoints_;
    std::mutex mutex_;
    /// Idempotency keys of requests that are being carried out. Guarded by mutex_.
    std::set<std::pair<OrganisationId, std::string>> under_way_;
};

}  // namespace hopyard::api
