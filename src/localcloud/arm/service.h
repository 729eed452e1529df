// The front of the resource manager: who asks, with which API version, for what, whether they may;
// then the provider's function, and its outcome as HTTP. Azure's order is kept: token, version,
// subscription, permission, group, resource.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/server.h"
#include "localcloud/arm/capture.h"
#include "localcloud/arm/core.h"
#include "localcloud/arm/routes.h"
#include "localcloud/identity/token_endpoint.h"

namespace hopyard::localcloud {

struct ServiceParts {
    Core& core;
    const TokenIssuer& issuer;
    TokenEndpoint& tokens;
    std::string blob_suffix;  ///< "blob.localhost:10000"
    std::string capture_folder;
};

class Service {
  public:
    explicit Service(ServiceParts parts);

    void handle(const http::Request& request, http::Responder responder);
    const Routes& routes() const { return routes_; }

  private:
    std::optional<http::Response> answer_openly(const http::Request& request,
                                                const std::string& base_url) const;
    tl::expected<std::string, Fault> caller_of(const http::Request& request,
                                               const std::string& base_url) const;
    tl::expected<Call, Fault> prepare(const http::Request& request,
                                      const std::string& base_url,
                                      const Route*& route) const;
    Outcome perform(const Call& call, const Route& route) const;
    void answer(const http::Request& request, http::Responder responder, bool may_wait);
    void send(const http::Request& request, http::Responder& responder, http::Response response);
    http::Response to_response(const http::Request& request, const Outcome& outcome) const;

    ServiceParts parts_;
    Routes routes_;
    Capture capture_;
};

}  // namespace hopyard::localcloud
