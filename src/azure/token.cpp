#include "azure/token.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "azure/document.h"
#include "azure/retry_after.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

constexpr Milliseconds refresh_margin = std::chrono::minutes(5);
constexpr std::size_t assertion_max = 64 * 1024;

/// Both forms are seen: a number from the login server, text from the metadata service.
std::int64_t seconds_at(const Json& document, const char* name) {
    const std::string digits = text_at(document, {name});
    if (digits.empty()) return number_at(document, {name});
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string form(std::initializer_list<std::pair<std::string_view, std::string>> fields) {
    std::string body;
    for (const auto& [name, value] : fields) {
        if (!body.empty()) body += '&';
        body += fmt::format("{}={}", name, percent_encode(value));
    }
    return body;
}

Failure bad_assertion(const std::string& path, std::string_view why) {
    Error error{.kind = ErrorKind::unauthenticated,
                .code = "federated_token_unreadable",
                .message = fmt::format("The federated token file {} {}.", path, why),
                .owner = Owner::administrator,
                .next_action = "Mount the service account's token where the connection names it."};
    return Failure(std::move(error));
}

Result<std::string> read_assertion(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return bad_assertion(path, "cannot be read");
    std::string text(assertion_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    if (text.empty()) return bad_assertion(path, "is empty");
    if (text.size() > assertion_max) return bad_assertion(path, "is too long");
    return text;
}

/// The first sentence of the server's text: what follows are trace ids and dates.
std::string first_line(const std::string& text) {
    return text.substr(0, std::min(text.find_first_of("\r\n"), std::size_t{400}));
}

Error refusal(const http::Response& reply, Timestamp now) {
    const auto document = parse_document(reply.body).value_or(Json());
    const std::string code = text_at(document, {"error"});
    const bool transient = reply.status == 404 || reply.status == 408 || reply.status == 410 ||
                           reply.status == 429 || reply.status >= 500 || reply.status < 300;
    Error error{.kind = ErrorKind::unauthenticated,
                .code = code.empty() ? "token_refused" : code,
                .owner = Owner::administrator,
                .next_action =
                    "Check tenant, client id and secret of the cloud connection, and "
                    "renew an expired secret."};
    error.message = fmt::format("The token server refused (status {}): {}",
                                reply.status,
                                first_line(text_at(document, {"error_description"})));
    if (transient) {
        error.kind = reply.status == 429 ? ErrorKind::rate_limited : ErrorKind::unavailable;
        error.owner = Owner::cloud;
        error.next_action = "Nothing: it is tried again.";
        error.retry_after = retry_after(reply.headers, now);
        if (reply.status == 429 && !error.retry_after) error.retry_after = Seconds(5);
    }
    return error;
}

std::string without_slash(std::string url) {
    while (!url.empty() && url.back() == '/') url.pop_back();
    return url;
}

}  // namespace

Result<Secret> TokenSource::token() {
    const std::lock_guard lock(mutex_);
    const Timestamp now = clock_.now();
    if (token_ && now < refresh_at_) return *token_;
    const auto fetched = fetch();
    if (fetched) return *token_;
    // An early refresh that fails harms nobody while the old token is good.
    if (token_ && now < expires_at_) return *token_;
    return with_context("getting a token for the cloud", fetched.error());
}

void TokenSource::refused(const Secret& token) {
    const std::lock_guard lock(mutex_);
    if (token_ && token_->reveal() == token.reveal()) token_.reset();
}

Result<http::OutgoingRequest> TokenSource::request() const {
    const Credentials& credentials = options_.credentials;
    http::OutgoingRequest request;
    if (credentials.client_secret.empty() && credentials.federated_token_file.empty()) {
        std::string resource = options_.scope;
        if (resource.ends_with("/.default")) resource.resize(resource.size() - 8);
        request.url = without_slash(options_.metadata_url) +
                      "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" +
                      percent_encode(resource);
        if (!credentials.client_id.empty())
            request.url += "&client_id=" + percent_encode(credentials.client_id);
        request.headers.set("Metadata", "true");
        return request;
    }
    request.method = "POST";
    request.url = fmt::format("{}/{}/oauth2/v2.0/token",
                              without_slash(options_.login_url),
                              percent_encode(options_.tenant));
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.headers.set("Accept", "application/json");
    if (!credentials.client_secret.empty()) {
        request.body = form({{"grant_type", "client_credentials"},
                             {"client_id", credentials.client_id},
                             {"client_secret", credentials.client_secret.reveal()},
                             {"scope", options_.scope}});
        return request;
    }
    ASSIGN_OR_RETURN(const std::string assertion, read_assertion(credentials.federated_token_file));
    request.body =
        form({{"grant_type", "client_credentials"},
              {"client_id", credentials.client_id},
              {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
              {"client_assertion", assertion},
              {"scope", options_.scope}});
    return request;
}

Result<void> TokenSource::fetch() {
    ASSIGN_OR_RETURN(const http::OutgoingRequest outgoing, request());
    ASSIGN_OR_RETURN(const http::Response reply, transport_.send(outgoing));
    if (reply.status != 200) return pass(refusal(reply, clock_.now()));
    return keep(reply);
}

Result<void> TokenSource::keep(const http::Response& reply) {
    const auto document = parse_document(reply.body);
    const std::string token = document ? text_at(*document, {"access_token"}) : "";
    if (token.empty() || token.find_first_of("\r\n") != std::string::npos) {
        return pass(Error{.kind = ErrorKind::unavailable,
                          .code = "broken_reply",
                          .message = "The token server's reply holds no token.",
                          .owner = Owner::administrator,
                          .next_action = "Check the login address of the cloud connection."});
    }
    const Milliseconds lifetime =
        Seconds(std::clamp<std::int64_t>(seconds_at(*document, "expires_in"), 0, 7 * 86'400));
    token_ = Secret(token);
    expires_at_ = clock_.now() + lifetime;
    refresh_at_ = expires_at_ - std::min(refresh_margin, lifetime / 2);
    return {};
}

}  // namespace hopyard::azure
