// From method and path to a handler: "/v1/clusters/{id}/workers". Literal segments win over
// parameters; a known path with another method answers 405 with Allow.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "http/server.h"

namespace hopyard::http {

/// The values of a route's parameters, percent-decoded: {"id": "c-7f3a"}.
using PathParameters = std::map<std::string, std::string>;
using RouteHandler = std::function<void(const Request&, const PathParameters&, Responder)>;

struct Route {
    std::string method;
    std::string pattern;
    RouteHandler handler;
};

class Router {
  public:
    enum class Case { sensitive, insensitive };
    explicit Router(Case path_case = Case::sensitive) : case_(path_case) {}

    void add(std::string method, std::string pattern, RouteHandler handler);
    /// The same for a plain function.
    void add(std::string method,
             std::string pattern,
             std::function<Response(const Request&, const PathParameters&)> function);
    /// Answers what no route matches; without it that is a plain 404.
    void otherwise(Handler handler) { otherwise_ = std::move(handler); }
    void handle(const Request& request, Responder responder) const;
    /// Every route, for the test that compares them with the API's description.
    const std::vector<Route>& routes() const { return routes_; }

  private:
    Case case_;
    std::vector<Route> routes_;
    Handler otherwise_;
};

}  // namespace hopyard::http
