#include "api/service.h"

#include "api/cluster_texts.h"
#include "api/compat/routes.h"
#include "api/errors.h"
#include "api/events.h"
#include "api/gate.h"
#include "api/nodes/routes.h"

namespace hopyard::api {
namespace {

constexpr Seconds replies_kept{24 * 3600};
constexpr Seconds between_prunings{600};

bool is_below(std::string_view path, std::string_view root) {
    return path == root || (path.starts_with(root) && path[root.size()] == '/');
}

Error no_such_path() {
    return Error{.kind = ErrorKind::not_found,
                 .code = "no_such_path",
                 .message = "nothing is served at this path",
                 .owner = Owner::user,
                 .next_action = "GET /v1/openapi.json describes every path."};
}

}  // namespace

struct Service::State {
    State(const Parts& given, ServiceOptions wanted)
        : parts(given),
          options(std::move(wanted)),
          authenticator(parts.store),
          entrance{.passwords = people::Passwords(options.password_cost),
                   .outbox = people::Outbox(parts.store, parts.random, options.mail)},
          v1_gate(parts,
                  authenticator,
                  metrics,
                  {.render = problem, .idempotency_keys = true, .strict = true, .people = true}),
          compat_gate(parts, authenticator, metrics, {.render = compat::envelope}),
          texts(parts.store),
          events(parts, texts),
          node_routes(parts, options.want_tick) {}

    void mount() {
        const v1::General general{.version = options.version,
                                  .mail = entrance.outbox.is_on(),
                                  .conditions = options.conditions,
                                  .gauges = options.gauges};
        v1_gate.mount(people, v1::general_endpoints(parts, general));
        v1_gate.mount(people, v1::metrics_endpoints(parts, metrics, general));
        v1_gate.mount(people, v1::cluster_endpoints(parts, texts));
        v1_gate.mount(people, v1::change_endpoints(parts));
        v1_gate.mount(people, v1::resource_endpoints(parts));
        v1_gate.mount(people, v1::node_endpoints(parts));
        v1_gate.mount(people, v1::autoscale_endpoints(parts));
        v1_gate.mount(people, v1::simulate_endpoints(parts, options.simulation));
        v1_gate.mount(people, v1::key_endpoints(parts));
        v1_gate.mount(people, v1::sign_in_endpoints(parts, entrance, general));
        v1_gate.mount(people, v1::password_reset_endpoints(parts, entrance));
        v1_gate.mount(people, v1::me_endpoints(parts, entrance));
        v1_gate.mount(people, v1::organisation_endpoints(parts));
        v1_gate.mount(people, v1::member_endpoints(parts));
        v1_gate.mount(people, v1::invitation_endpoints(parts, entrance));
        v1_gate.mount(people, v1::cloud_account_endpoints(parts));
        v1_gate.mount(people, v1::cloud_endpoints(parts, options.orphans, options.import_prices));
        v1_gate.mount(people, v1::usage_endpoints(parts));
        v1_gate.mount(people, v1::refused_endpoints());
        v1_gate.mount(people, events.endpoints());
        v1_gate.refuse_other_methods(people);
        compat_gate.mount(people, compat::endpoints(parts));
        compat_gate.refuse_other_methods(people);
        people.otherwise([this](const http::Request& request, http::Responder responder) {
            if (is_below(request.path(), "/api"))
                return responder.respond(compat_gate.refuse(request, compat::no_such_path()));
            if (options.otherwise && !is_below(request.path(), "/v1"))
                return options.otherwise(request, std::move(responder));
            responder.respond(v1_gate.refuse(request, no_such_path()));
        });
    }

    /// Clients of the existing wire concatenate base and path, so a base with a slash at its end
    /// comes as "//api/…" (control-api.md 1.1).
    void handle(const http::Request& request, http::Responder responder) {
        if (!request.target.starts_with("//")) return people.handle(request, std::move(responder));
        http::Request single = request;
        single.target.erase(0, single.target.find_first_not_of('/') - 1);
        people.handle(single, std::move(responder));
    }

    Parts parts;
    ServiceOptions options;
    Metrics metrics;
    Authenticator authenticator;
    people::Entrance entrance;
    Gate v1_gate;
    Gate compat_gate;
    ClusterTexts texts;
    EventStreams events;
    nodes::NodeRoutes node_routes;
    http::Router people;
    std::optional<Timestamp> pruned_at;
};

Service::Service(const Parts& parts, ServiceOptions options)
    : state_(std::make_unique<State>(parts, std::move(options))) {
    state_->mount();
}

Service::~Service() = default;

http::Handler Service::people() {
    return [state = state_.get()](const http::Request& request, http::Responder responder) {
        state->handle(request, std::move(responder));
    };
}

http::Handler Service::nodes() {
    return [state = state_.get()](const http::Request& request, http::Responder responder) {
        state->node_routes.handle(request, std::move(responder));
    };
}

void Service::tick(Timestamp now) {
    state_->node_routes.tick(now);
    state_->events.tick(now);
    if (state_->pruned_at && now - *state_->pruned_at < between_prunings) return;
    state_->pruned_at = now;
    // What cannot be forgotten now is forgotten at the next round.
    (void)state_->parts.store.write([&](store::Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.forget_sessions(now - model::session_idle, now - model::session_longest));
        RETURN_IF_ERROR(t.forget_invitations(now));
        return t.forget_replies_before(now - replies_kept);
    });
}

void Service::send_mail(const std::stop_token& stop) {
    state_->entrance.outbox.send_due(state_->parts.clock, stop);
}

void Service::close_streams() {
    state_->events.close();
}

Metrics& Service::metrics() {
    return state_->metrics;
}

std::vector<Endpoint> Service::endpoints() const {
    std::vector<Endpoint> all = state_->v1_gate.endpoints();
    const auto& more = state_->compat_gate.endpoints();
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace hopyard::api
