// Everything that the control plane says over HTTP, as two handlers: one for people (/v1, the
// existing wire under /api, /metrics), one for nodes (/node/v1). It owns no thread and no socket;
// the program gives the handlers to its listeners and calls tick() on every change it hears of, and
// at least each 500 ms.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "api/metrics.h"
#include "api/orphans.h"
#include "api/parts.h"
#include "api/v1/routes.h"
#include "http/server.h"

namespace hopyard::api {

struct ServiceOptions {
    std::string version;
    /// What must be well besides the store: the cloud, the loops. Called for each GET /v1/health.
    std::function<std::vector<v1::Condition>()> conditions;
    /// What else is measured. Called for each GET /metrics.
    std::function<std::vector<Gauge>()> gauges;
    /// Called, from any thread, when a tick would have something to do at once. Must not block and
    /// must not call tick() itself.
    std::function<void()> want_tick;
    Orphans* orphans = nullptr;     ///< null: asked for orphans, the answer is 501
    v1::PriceImport import_prices;  ///< empty: a price list is not taken
    people::HashCost password_cost = people::HashCost::interactive;
    people::MailOptions mail;
    v1::SimulationLimits simulation;
    /// Takes the paths that are nobody's here (the web pages); without it they are 404.
    http::Handler otherwise;
};

class Service {
  public:
    Service(const Parts& parts, ServiceOptions options);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Both refer to this object.
    http::Handler people();
    http::Handler nodes();
    /// Sends events, answers polls, forgets old replies. One thread at a time.
    void tick(Timestamp now);
    /// Sends the mail that is due; waits for the mail server. One thread at a time, not tick()'s.
    void send_mail(const std::stop_token& stop);
    /// Ends event streams, before the server stops.
    void close_streams();

    /// For the loops to count themselves and their calls.
    Metrics& metrics();
    /// Every route for people as data, for tests that walk them.
    std::vector<Endpoint> endpoints() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::api
