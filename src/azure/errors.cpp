#include "azure/errors.h"

#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "azure/document.h"
#include "azure/retry_after.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

constexpr std::size_t message_max = 1200;
/// Of a throttled reply that names no time.
constexpr Milliseconds default_hold = Seconds(5);

struct CloudError {
    std::string code;
    std::string message;
    bool from_cloud = false;  ///< the body has the form that Azure gives its errors
};

bool is_known(const std::string& code) {
    return find_error_row(code) != nullptr;
}

/// The code that decides: the outermost known one, else that of a detail, else the outermost.
CloudError from_json(const Json& error, int depth = 0) {
    CloudError found{text_at(error, {"code"}), text_at(error, {"message"}), true};
    const bool vague =
        find_error_row(found.code) == nullptr || to_lower(found.code) == "retryableerror" ||
        to_lower(found.code) == "operationnotallowed" || to_lower(found.code) == "conflict";
    if (!vague || depth > 3) return found;
    for (const Json& detail : items_at(error, {"details"})) {
        CloudError inner = from_json(detail, depth + 1);
        if (!is_known(inner.code)) continue;
        if (inner.message.empty()) inner.message = found.message;
        return inner;
    }
    return found;
}

CloudError read_body(const http::Response& reply) {
    if (const auto document = parse_document(reply.body)) {
        if (const Json* error = find(*document, {"error"}); error && error->is_object())
            return from_json(*error);
        if (!text_at(*document, {"code"}).empty()) return from_json(*document);
    }
    CloudError found{reply.headers.get("x-ms-error-code"), "", false};
    found.from_cloud = !found.code.empty();
    pugi::xml_document xml;
    if (reply.body.starts_with("<?xml") || reply.body.starts_with("<Error") ||
        reply.body.starts_with("\xEF\xBB\xBF<?xml")) {
        if (xml.load_buffer(reply.body.data(), reply.body.size())) {
            const auto error = xml.child("Error");
            if (error && found.code.empty()) found.code = error.child("Code").text().get();
            if (error) found.message = error.child("Message").text().get();
            found.from_cloud = !found.code.empty();
        }
    }
    return found;
}

ErrorKind kind_of_status(int status) {
    switch (status) {
        case 401:
            return ErrorKind::unauthenticated;
        case 403:
            return ErrorKind::permission_denied;
        case 404:
            return ErrorKind::not_found;
        case 408:
            return ErrorKind::timed_out;
        case 409:
            return ErrorKind::conflict;
        case 412:
            return ErrorKind::conflict;
        case 429:
            return ErrorKind::rate_limited;
        case 504:
            return ErrorKind::timed_out;
        default:
            break;
    }
    if (status >= 400 && status < 500) return ErrorKind::invalid_argument;
    return ErrorKind::unavailable;
}

Owner owner_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::unauthenticated:
        case ErrorKind::permission_denied:
            return Owner::administrator;
        case ErrorKind::invalid_argument:
        case ErrorKind::not_found:
            return Owner::user;
        default:
            return Owner::cloud;
    }
}

std::string between(std::string_view text, std::string_view before, std::string_view after) {
    const auto start = text.find(before);
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start + before.size());
    const auto end = text.find(after);
    return end == std::string_view::npos ? std::string() : std::string(text.substr(0, end));
}

/// "the action X over the scope Y", out of the two sentences in which Azure names a missing right.
std::string missing_right(const std::string& message) {
    std::string action = between(message, "does not have authorization to perform action '", "'");
    std::string scope = between(message, "over scope '", "'");
    if (action.empty()) {
        action = between(message, "does not have permission to perform action(s) '", "'");
        scope = between(message, "on the linked scope(s) '", "'");
    }
    if (action.empty()) return {};
    return fmt::format(
        "The control plane may not do {} at {}.", action, scope.empty() ? "that scope" : scope);
}

bool is_capacity_text(std::string_view message) {
    return message.find("not available in the current hardware cluster") !=
               std::string_view::npos ||
           message.find("not available in the current region") != std::string_view::npos ||
           message.find("Allocation failed") != std::string_view::npos;
}

std::string quota_message(const QuotaShortage& shortage) {
    return fmt::format(
        "The quota \"{}\" in {} does not suffice: limit {}, in use {}, {} more wanted.",
        shortage.quota,
        shortage.location.empty() ? "this location" : shortage.location,
        shortage.limit,
        shortage.usage,
        shortage.required);
}

void apply_quota(Error& error, const QuotaShortage& shortage) {
    error.kind = ErrorKind::quota_exceeded;
    error.code = "quota_exceeded";
    error.owner = Owner::administrator;
    error.message = quota_message(shortage);
    error.next_action =
        fmt::format("Ask Azure for a quota of at least {}, or choose another size or location.",
                    shortage.new_limit);
    error.retry_after.reset();
}

Error from_code(const CloudError& found, int status) {
    const ErrorRow* row = find_error_row(found.code);
    Error error;
    error.kind = row ? row->kind : kind_of_status(status);
    error.owner = row ? row->owner : owner_of(error.kind);
    error.code = found.code.empty() ? fmt::format("http_{}", status) : to_our_code(found.code);
    if (!found.code.empty() && std::isdigit(static_cast<unsigned char>(found.code.front())))
        error.code = "http_" + found.code;
    if (row) error.next_action = row->next_action;
    if (row) error.retry_after = row->retry_after;
    error.message = found.message.substr(0, message_max);
    if (const auto shortage = quota_shortage(found.message)) {
        apply_quota(error, *shortage);
    } else if (error.code == "operation_not_allowed" && is_capacity_text(found.message)) {
        error.kind = ErrorKind::capacity_unavailable;
        error.next_action = "Choose another size or location, or try again later.";
    } else if (error.kind == ErrorKind::permission_denied) {
        if (std::string right = missing_right(found.message); !right.empty())
            error.message = std::move(right);
    }
    return error;
}

void add_context(Error& error,
                 std::string_view doing,
                 const std::string& code,
                 const std::string& request) {
    std::string text = fmt::format("{}: ", doing);
    text += error.message.empty() ? "the cloud refused without a reason" : error.message;
    if (!code.empty()) text += fmt::format(" [{}]", code);
    if (!request.empty()) text += fmt::format(" (request id {})", request);
    error.message = std::move(text);
}

/// "Retry after 2 seconds." in a message, for replies that lost their header.
std::optional<Milliseconds> hold_in_text(std::string_view message) {
    const std::string digits = between(message, "Retry after ", " second");
    int seconds = 0;
    const auto [end, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (digits.empty() || fault != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    return Seconds(std::min(seconds, 3600));
}

/// Waits of a throttled reply. A 429 about a neighbour that is not ready yet says nothing of rates.
void apply_throttle(Error& error,
                    const CloudError& found,
                    const http::Response& reply,
                    std::optional<Milliseconds> wait) {
    const bool about_neighbour = error.code == "referenced_resource_not_provisioned";
    if (reply.status == 429 && wait && !about_neighbour) error.kind = ErrorKind::rate_limited;
    if (wait) error.retry_after = wait;
    if (error.kind != ErrorKind::rate_limited) return;
    if (!error.retry_after) error.retry_after = hold_in_text(found.message);
    if (!error.retry_after) error.retry_after = default_hold;
    error.retry_after = std::max<Milliseconds>(*error.retry_after, Seconds(1));
    error.owner = Owner::cloud;
    error.next_action = "Nothing: it is tried again when the cloud admits requests again.";
}

}  // namespace

std::string to_our_code(std::string_view azure_code) {
    std::string code;
    for (std::size_t i = 0; i < azure_code.size(); ++i) {
        const auto c = static_cast<unsigned char>(azure_code[i]);
        if (!std::isalnum(c)) {
            if (!code.empty() && code.back() != '_') code += '_';
            continue;
        }
        const bool after_lower =
            i > 0 && (std::islower(static_cast<unsigned char>(azure_code[i - 1])) ||
                      std::isdigit(static_cast<unsigned char>(azure_code[i - 1])));
        const bool before_lower = i > 0 && i + 1 < azure_code.size() &&
                                  std::isupper(static_cast<unsigned char>(azure_code[i - 1])) &&
                                  std::islower(static_cast<unsigned char>(azure_code[i + 1]));
        if (std::isupper(c) && (after_lower || before_lower) && !code.empty() && code.back() != '_')
            code += '_';
        code += static_cast<char>(std::tolower(c));
    }
    while (!code.empty() && code.back() == '_') code.pop_back();
    return code.substr(0, 80);
}

std::string request_id(const http::Headers& headers) {
    for (const char* name : {"x-ms-correlation-request-id", "x-ms-request-id"})
        if (const auto id = headers.find(name); id && !id->empty()) return *id;
    return {};
}

std::optional<QuotaShortage> quota_shortage(std::string_view message) {
    const std::string quota = between(message, "exceeding approved ", " quota");
    const std::string limit = between(message, "Current Limit: ", ",");
    if (quota.empty() || limit.empty()) return std::nullopt;
    const auto figure = [&](std::string_view label) {
        std::int64_t value = 0;
        const auto start = message.find(label);
        if (start == std::string_view::npos) return value;
        const char* digits = message.data() + start + label.size();
        std::from_chars(digits, message.data() + message.size(), value);
        return value;
    };
    return QuotaShortage{.quota = quota,
                         .location = between(message, "Location: ", ","),
                         .limit = figure("Current Limit: "),
                         .usage = figure("Current Usage: "),
                         .required = figure("Additional Required: "),
                         .new_limit = figure("New Limit Required: ")};
}

Error error_of(std::string_view doing,
               std::string_view method,
               const http::Response& reply,
               Timestamp now) {
    const CloudError found = read_body(reply);
    Error error = from_code(found, reply.status);
    if (reply.status == 404 && !found.from_cloud) {
        // Some box on the way, not the cloud: it proves nothing about the resource.
        error.kind = ErrorKind::unavailable;
        error.owner = Owner::administrator;
        error.code = "reply_not_from_cloud";
        error.next_action = "Check the cloud's address and the proxies on the way to it.";
    }
    if (reply.status == 404 && (method == "PUT" || method == "PATCH") && says_absent(error) &&
        error.code != "resource_group_not_found") {
        // What the request refers to may have been made a moment ago, unseen by this front end.
        error.kind = ErrorKind::conflict;
        error.owner = Owner::cloud;
        error.next_action = "Nothing: it is tried again for three minutes.";
    }
    if (reply.status >= 200 && reply.status < 300) error.kind = ErrorKind::unavailable;
    apply_throttle(error, found, reply, retry_after(reply.headers, now));
    if (error.message.empty()) error.message = fmt::format("the cloud answered {}", reply.status);
    add_context(error, doing, found.code, request_id(reply.headers));
    return error;
}

Error error_of_code(std::string_view doing, std::string_view code, std::string_view message) {
    Error error = from_code({std::string(code), std::string(message), true}, 500);
    if (code.empty()) error.code = "operation_failed";
    if (error.kind == ErrorKind::rate_limited && !error.retry_after)
        error.retry_after = default_hold;
    add_context(error, doing, std::string(code), "");
    return error;
}

Error error_of_document(std::string_view doing, std::string_view document) {
    const auto parsed = parse_document(document);
    if (!parsed) return error_of_code(doing, "", "");
    const Json* error = find(*parsed, {"error"});
    const CloudError found = from_json(error && error->is_object() ? *error : *parsed);
    return error_of_code(doing, found.code, found.message);
}

bool says_absent(const Error& error) {
    return error.kind == ErrorKind::not_found && error.code != "subscription_not_found" &&
           error.code != "invalid_subscription_id";
}

}  // namespace hopyard::azure
