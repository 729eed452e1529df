#include "node/console/console.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/log.h"
#include "node/console/answers.h"
#include "node/console/pages.h"

namespace hopyard::node::console {
namespace {

constexpr const char* https_listener = "page";
constexpr const char* http_listener = "page redirect";

http::TlsOptions tls_of(const nodewire::Orders& orders) {
    return {.certificate_chain_pem = orders.page_certificate_pem.reveal(),
            .private_key_pem = orders.page_key_pem};
}

Error foreign_request() {
    return {.kind = ErrorKind::permission_denied,
            .code = "foreign_request",
            .message = "this request does not come from a page of this cluster",
            .owner = Owner::user,
            .next_action = "Open the page again and repeat it there."};
}

std::string field(const FormFields& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
}

/// Browsers send lines of a text area with CR LF.
std::string unix_lines(std::string text) {
    std::erase(text, '\r');
    return text;
}

int number_or(const std::string& text, int otherwise) {
    int value = 0;
    const auto end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    return parsed.ec == std::errc{} && parsed.ptr == end ? value : otherwise;
}

}  // namespace

Console::Console(Parts parts, Options options)
    : parts_(parts), options_(std::move(options)), sessions_(parts.clock, parts.random) {
    add_pages();
    add_calls();
    router_.otherwise(http::answering([](const http::Request&) {
        return html(
            404, error_page("Not found", {.message = "There is no such page.", .next_action = ""}));
    }));
}

Result<void> Console::serve(http::Server& server, const nodewire::Orders& orders) {
    if (orders.page_certificate_pem.empty() || orders.page_key_pem.empty()) return {};
    const auto digest =
        sha256(orders.page_certificate_pem.reveal() + "\n" + orders.page_key_pem.reveal());
    const std::lock_guard lock(serving_);
    if (digest == certificate_digest_) return {};
    if (port_ != 0) {
        RETURN_IF_ERROR(server.set_tls(https_listener, tls_of(orders)));
    } else {
        ASSIGN_OR_RETURN(const auto port,
                         server.listen({.name = https_listener,
                                        .address = options_.address,
                                        .port = options_.https_port,
                                        .tls = tls_of(orders)},
                                       handler()));
        // Without it visitors must type https themselves; the page works all the same.
        const auto redirect = server.listen(
            {.name = http_listener, .address = options_.address, .port = options_.http_port},
            http::answering(
                [port](const http::Request& request) { return redirect_to_https(request, port); }));
        if (!redirect) log::warning("no redirect to https", {{"why", redirect.error().message}});
        port_ = port;
    }
    certificate_digest_ = digest;
    log::info("the page of the cluster is served", {{"port", port_}});
    return {};
}

std::uint16_t Console::port() {
    const std::lock_guard lock(serving_);
    return port_;
}

http::Response redirect_to_https(const http::Request& request, std::uint16_t https_port) {
    auto host = request.headers.get("host");
    host = host.substr(0, host.find(':'));
    const bool plain = !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '-';
    });
    const auto& target = request.target;
    const bool path = target.starts_with("/") && !target.starts_with("//") &&
                      std::all_of(target.begin(), target.end(), [](unsigned char c) {
                          return c > ' ' && c < 0x7f;
                      });
    if (!plain || !path) return http::text_response(400, "This page is served over https.\n");
    const auto port = https_port == 443 ? "" : fmt::format(":{}", https_port);
    return {.status = 308,
            .headers = {{"location", fmt::format("https://{}{}{}", host, port, target)}}};
}

http::Handler Console::handler() {
    return [this](const http::Request& request, http::Responder responder) {
        router_.handle(request, std::move(responder));
    };
}

void Console::add_pages() {
    const auto plain = [this](const char* method,
                              const char* pattern,
                              std::function<http::Response(const http::Request&)> answer) {
        router_.add(
            method, pattern, [answer](const http::Request& request, const http::PathParameters&) {
                return guarded(answer(request));
            });
    };
    plain("GET", "/", [this](const auto& request) { return front(request); });
    plain("POST", "/sign-in", [this](const auto& request) { return sign_in(request); });
    plain("GET", "/console.css", [](const auto&) { return file("text/css", style_sheet()); });
    plain("GET", "/console.js", [](const auto&) { return file("text/javascript", script()); });
    plain("GET", "/icon.svg", [](const auto&) { return file("image/svg+xml", icon()); });
    add_page("POST", "/sign-out", &Console::sign_out);
    add_page("POST", "/jobs", &Console::submit);
    add_page("GET", "/jobs/{id}", &Console::job);
    add_page("GET", "/parts/overview", &Console::overview_part);
    add_page("GET", "/parts/jobs/{id}", &Console::job_part);
}

void Console::add_page(const char* method, const char* pattern, Answer answer) {
    const bool changes = std::string_view(method) != "GET";
    const bool is_part = std::string_view(pattern).starts_with("/parts/");
    router_.add(method,
                pattern,
                [this, answer, changes, is_part](const http::Request& request,
                                                 const http::PathParameters& parameters) {
                    const auto session = session_of(request);
                    if (!session && is_part) return guarded(html(401, ""));
                    if (!session) return guarded(see_other("/"));
                    if (changes) {
                        const auto fields = read_form(request);
                        if (!is_same_site(request) || !fields ||
                            !equal_in_constant_time(field(*fields, "token"), session->form_token)) {
                            return guarded(html(403, error_page("Refused", foreign_request())));
                        }
                    }
                    return guarded((this->*answer)(request, parameters, *session));
                });
}

std::optional<Session> Console::session_of(const http::Request& request) {
    const auto token = session_cookie(request);
    if (!token) return std::nullopt;
    return sessions_.find(users(), *token);
}

std::vector<nodewire::User> Console::users() const {
    const auto orders = parts_.board.orders();
    return orders ? orders->users : std::vector<nodewire::User>{};
}

std::string Console::cluster_name() const {
    const auto orders = parts_.board.orders();
    return orders && !orders->cluster_name.empty() ? orders->cluster_name : "Hopyard";
}

http::Response Console::front(const http::Request& request) {
    if (const auto session = session_of(request)) return overview(request, {}, *session);
    return html(200, sign_in_page({.cluster = cluster_name()}));
}

http::Response Console::sign_in(const http::Request& request) {
    const auto fields = read_form(request);
    if (!fields || !is_same_site(request)) {
        return html(403, error_page("Refused", foreign_request()));
    }
    const auto user = field(*fields, "user");
    const auto token = sessions_.sign_in(users(),
                                         {.user = user,
                                          .password = Secret(field(*fields, "password")),
                                          .address = request.peer.address});
    if (!token) {
        const auto& error = token.error();
        auto response =
            html(status_of(error),
                 sign_in_page({.cluster = cluster_name(), .user = user, .refusal = error}));
        set_retry_after(response, error);
        return response;
    }
    auto response = see_other("/");
    set_session_cookie(response, *token, Sessions::lifetime);
    return response;
}

http::Response Console::sign_out(const http::Request& request,
                                 const http::PathParameters&,
                                 const Session&) {
    if (const auto token = session_cookie(request)) sessions_.sign_out(*token);
    auto response = see_other("/");
    clear_session_cookie(response);
    return response;
}

Overview Console::look(const Session& session) {
    Overview view{.cluster = cluster_name(), .session = session, .now = parts_.clock.now()};
    if (const auto orders = parts_.board.orders()) {
        view.nodes = node_rows(*orders, parts_.board.report());
    }
    auto jobs = parts_.queue.jobs();
    if (jobs) {
        view.jobs = std::move(*jobs);
    } else {
        view.queue_failure = jobs.error();
    }
    const auto can_work = std::count_if(view.nodes.begin(), view.nodes.end(), [](const auto& row) {
        return row.state == "idle" || row.state == "mixed" || row.state == "allocated";
    });
    view.form.nodes = std::max(1, static_cast<int>(can_work));
    return view;
}

http::Response Console::overview(const http::Request&,
                                 const http::PathParameters&,
                                 const Session& session) {
    return html(200, overview_page(look(session)));
}

http::Response Console::overview_part(const http::Request&,
                                      const http::PathParameters&,
                                      const Session& session) {
    return html(200, console::overview_part(look(session)));
}

http::Response Console::submit(const http::Request& request,
                               const http::PathParameters&,
                               const Session& session) {
    const auto fields = read_form(request).value_or(FormFields{});
    const SubmitForm form{.command = unix_lines(field(fields, "command")),
                          .nodes = number_or(field(fields, "nodes"), 0),
                          .every_node = field(fields, "runs") != "first"};
    const auto id =
        parts_.queue.submit({.user = session.user,
                             .command = form.command,
                             .nodes = form.nodes,
                             .runs = form.every_node ? Submission::Runs::on_every_node
                                                     : Submission::Runs::on_first_node});
    if (id) return see_other(fmt::format("/jobs/{}", *id));
    auto view = look(session);
    view.form = form;
    view.refusal = id.error();
    return html(status_of(id.error()), overview_page(view));
}

Result<JobView> Console::look_at_job(const Session& session, const std::string& id) {
    ASSIGN_OR_RETURN(const auto jobs, parts_.queue.jobs());
    const auto found = std::find_if(
        jobs.begin(), jobs.end(), [&](const auto& job) { return std::to_string(job.id) == id; });
    if (found == jobs.end()) {
        return fail(
            ErrorKind::not_found, "no_such_job", "there is no such job, or it is forgotten");
    }
    JobView view{.cluster = cluster_name(),
                 .session = session,
                 .job = *found,
                 .is_own = found->user == session.user || session.administrator,
                 .now = parts_.clock.now()};
    if (!view.is_own) return view;
    auto output = parts_.queue.output(*found);
    if (output) {
        view.output = std::move(*output);
    } else {
        view.output = {.complete = has_ended(found->state) || !is_transient(output.error().kind),
                       .note = output.error().message};
    }
    return view;
}

http::Response Console::job(const http::Request&,
                            const http::PathParameters& parameters,
                            const Session& session) {
    const auto view = look_at_job(session, parameters.at("id"));
    if (!view) return html(status_of(view.error()), error_page("Job", view.error()));
    return html(200, job_page(*view));
}

http::Response Console::job_part(const http::Request&,
                                 const http::PathParameters& parameters,
                                 const Session& session) {
    const auto view = look_at_job(session, parameters.at("id"));
    if (!view) return html(status_of(view.error()), "");
    return html(200, console::job_part(*view));
}

}  // namespace hopyard::node::console
