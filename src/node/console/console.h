// The head's first page: the cluster's nodes, its queue, one command to submit and its output, for
// Unix accounts of the cluster with a password. Pages are rendered here and work without script; a
// small script keeps them fresh. Nothing is loaded from elsewhere and nothing inline is allowed to
// run (Content-Security-Policy), so text of a job can never become a program.
//
// Who may ask: a session in a cookie (HttpOnly, Secure, SameSite=Strict). Requests that change
// something must not come from another site (Origin, Sec-Fetch-Site); a form carries the session's
// form token besides, and the JSON calls take JSON only, which no foreign form can send.
//
// The JSON calls, for scripts and tests. Errors: {"error": {"code", "message", "field",
// "nextAction"}} with 400, 401, 403, 404, 415, 429 (Retry-After) or 503. Times are RFC 3339 or
// null.
//   POST   /api/session            {"user", "password"} -> 200 {"user", "administrator",
//                                  "expiresAt"} and the cookie
//   GET    /api/session            -> 200 the same, 401 without one
//   DELETE /api/session            -> 204
//   GET    /api/nodes              -> {"cluster", "nodes": [{"name", "role": "head"|"worker",
//                                  "state", "address", "cpus", "allocatedCpus", "memoryMb", "gpus",
//                                  "jobs"}]}; state is "ready" or "starting" for the head, and
//                                  "idle", "mixed", "allocated", "draining", "drained", "down",
//                                  "not responding" or "starting" for a worker
//   GET    /api/jobs               -> {"jobs": [Job]}, newest first. Job: {"id", "user", "name",
//                                  "state": "pending"|"running"|"completed"|"failed"|"cancelled"|
//                                  "timed_out"|"unknown", "reason", "nodes", "on", "exitCode",
//                                  "submittedAt", "startedAt", "endedAt", "submittedHere",
//                                  "command"}; the command is the user's own alone
//   POST   /api/jobs               {"command", "nodes": 1, "everyNode": false} -> 201 {"id"} and
//                                  Location. Run by bash as that user on the first of its nodes, or
//                                  through srun once on every one
//   GET    /api/jobs/{id}          -> Job
//   GET    /api/jobs/{id}/output   -> {"id", "state", "exitCode", "complete", "output", "note"};
//   ask
//                                  again until it is complete
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "http/router.h"
#include "http/server.h"
#include "node/board.h"
#include "node/console/jobs.h"
#include "node/console/sessions.h"
#include "node/console/views.h"

namespace hopyard::node::console {

class Console {
  public:
    struct Parts {
        Board& board;
        Queue& queue;
        const Clock& clock;
        Random& random;
    };
    struct Options {
        std::string address = "0.0.0.0";
        std::uint16_t https_port = 443;
        std::uint16_t http_port = 80;  ///< sends visitors to https
    };
    explicit Console(Parts parts) : Console(parts, Options{}) {}
    Console(Parts parts, Options options);

    /// Opens both ports as soon as the orders hold the page's certificate, and takes another
    /// certificate when they do. Repeatable; costs nothing when nothing changed. Call it with every
    /// new orders on a head; the Console outlives the server.
    Result<void> serve(http::Server& server, const nodewire::Orders& orders);

    /// The https port that is open; 0 before it is.
    std::uint16_t port();
    /// What answers there.
    http::Handler handler();

  private:
    using Answer = http::Response (Console::*)(const http::Request&,
                                               const http::PathParameters&,
                                               const Session&);
    void add_pages();
    void add_calls();
    /// Routes that only a session may use: a page without one shows the form, a call answers 401.
    void add_page(const char* method, const char* pattern, Answer answer);
    void add_call(const char* method, const char* pattern, Answer answer);

    std::optional<Session> session_of(const http::Request& request);
    http::Response front(const http::Request& request);
    http::Response sign_in(const http::Request& request);
    http::Response sign_out(const http::Request&, const http::PathParameters&, const Session&);
    http::Response overview(const http::Request&, const http::PathParameters&, const Session&);
    http::Response overview_part(const http::Request&, const http::PathParameters&, const Session&);
    http::Response submit(const http::Request&, const http::PathParameters&, const Session&);
    http::Response job(const http::Request&, const http::PathParameters&, const Session&);
    http::Response job_part(const http::Request&, const http::PathParameters&, const Session&);

    http::Response call_sign_in(const http::Request& request);
    http::Response call_session(const http::Request&, const http::PathParameters&, const Session&);
    http::Response call_sign_out(const http::Request&, const http::PathParameters&, const Session&);
    http::Response call_nodes(const http::Request&, const http::PathParameters&, const Session&);
    http::Response call_jobs(const http::Request&, const http::PathParameters&, const Session&);
    http::Response call_submit(const http::Request&, const http::PathParameters&, const Session&);
    http::Response call_job(const http::Request&, const http::PathParameters&, const Session&);
    http::Response call_output(const http::Request&, const http::PathParameters&, const Session&);

    std::vector<nodewire::User> users() const;
    std::string cluster_name() const;
    Overview look(const Session& session);
    Result<JobView> look_at_job(const Session& session, const std::string& id);

    Parts parts_;
    const Options options_;
    Sessions sessions_;
    http::Router router_;
    std::mutex serving_;
    std::uint16_t port_ = 0;          ///< guarded by serving_
    std::string certificate_digest_;  ///< guarded by serving_
};

/// Sends every visitor of the plain port to the same address over https.
http::Response redirect_to_https(const http::Request& request, std::uint16_t https_port);

}  // namespace hopyard::node::console
