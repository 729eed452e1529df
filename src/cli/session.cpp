#include "cli/session.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

ErrorKind kind_of_status(int status) {
    switch (status) {
        case 400:
        case 413:
        case 422:
            return ErrorKind::invalid_argument;
        case 401:
            return ErrorKind::unauthenticated;
        case 403:
            return ErrorKind::permission_denied;
        case 404:
            return ErrorKind::not_found;
        case 409:
        case 412:
            return ErrorKind::conflict;
        case 429:
            return ErrorKind::rate_limited;
        case 503:
            return ErrorKind::unavailable;
        default:
            return ErrorKind::internal;
    }
}

/// The error of a problem document (RFC 9457) with our extensions; tolerant of any other body.
Error problem(const http::Response& reply) {
    Error error{.kind = kind_of_status(reply.status),
                .code = "http_" + std::to_string(reply.status),
                .message = fmt::format("the server answered {}", reply.status)};
    const json document = json::parse(reply.body, nullptr, false);
    if (!document.is_object()) return error;
    const auto text = [&](const char* name) {
        const auto found = document.find(name);
        return found != document.end() && found->is_string() ? found->get<std::string>() : "";
    };
    if (const auto kind = error_kind_from(text("kind"))) error.kind = *kind;
    if (!text("code").empty()) error.code = text("code");
    if (!text("title").empty()) error.message = text("title");
    if (!text("detail").empty()) error.message = text("detail");
    error.field = text("field");
    error.next_action = text("nextAction");
    if (const auto owner = owner_from(text("owner"))) error.owner = *owner;
    return error;
}

}  // namespace

std::string configuration_path() {
    if (const char* base = std::getenv("XDG_CONFIG_HOME"); base != nullptr && *base != '\0')
        return std::string(base) + "/hopyard/config.json";
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : "/root") + "/.config/hopyard/config.json";
}

Result<Target> read_configuration(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return Target{};
    if ((facts.st_mode & 0077) != 0)
        return refuse("",
                      "configuration_readable",
                      path + " can be read by others",
                      "Run: chmod 600 " + path);
    const json document = json::parse(read_file(path).value_or(""), nullptr, false);
    if (!document.is_object())
        return refuse("",
                      "configuration_malformed",
                      path + " is not a JSON object",
                      "Remove it and run 'hopyard up', or write url and apiKey into it.");
    const auto text = [&](const char* name) {
        const auto found = document.find(name);
        return found != document.end() && found->is_string() ? found->get<std::string>() : "";
    };
    return Target{.url = text("url"), .api_key = Secret(text("apiKey")), .ca_file = text("caFile")};
}

Result<void> write_configuration(const std::string& path, const Target& target) {
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
    const std::string partial = path + ".partial";
    const int file = ::open(partial.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    const std::string text =
        json{{"url", target.url}, {"apiKey", target.api_key.reveal()}, {"caFile", target.ca_file}}
            .dump(2) +
        "\n";
    const bool written =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) ::close(file);
    if (!written || ::rename(partial.c_str(), path.c_str()) != 0)
        return fail(ErrorKind::unavailable, "configuration_unwritable", "cannot write " + path);
    return {};
}

Session::Session(const Target& target)
    : target_(target),
      client_(http::ClientOptions{
          .ca_pem = target.ca_file.empty() ? "" : read_file(target.ca_file).value_or("")}) {
    while (target_.url.ends_with('/')) target_.url.pop_back();
}

http::OutgoingRequest Session::request(const std::string& method, const std::string& path) const {
    http::OutgoingRequest out{.method = method, .url = target_.url + path};
    if (!target_.api_key.empty())
        out.headers.set("Authorization", "Bearer " + target_.api_key.reveal());
    return out;
}

Result<std::string> Session::call(const std::string& method,
                                  const std::string& path,
                                  const std::string& body,
                                  Milliseconds timeout) {
    http::OutgoingRequest out = request(method, path);
    out.timeout = timeout;
    if (method != "GET") {
        out.headers.set("Content-Type", "application/json");
        out.body = body;
    }
    auto reply = client_.send(out);
    if (!reply) return with_context("cannot reach " + target_.url, std::move(reply).error());
    if (reply->status >= 400) return pass(problem(*reply));
    return std::move(reply->body);
}

Result<void> Session::events(const std::string& path,
                             const std::function<bool(const std::string& data)>& on_event) {
    http::OutgoingRequest out = request("GET", path);
    out.timeout = Milliseconds(0);
    std::string pending;
    auto reply = client_.stream(out, [&](std::string_view chunk) {
        pending += chunk;
        for (std::size_t end; (end = pending.find('\n')) != std::string::npos;) {
            std::string line = pending.substr(0, end);
            pending.erase(0, end + 1);
            if (line.ends_with('\r')) line.pop_back();
            if (line.starts_with("data:") && !on_event(line.substr(line.find_first_not_of(' ', 5))))
                return false;
        }
        return true;
    });
    if (!reply) return pass(std::move(reply).error());
    if (reply->status >= 400) return pass(problem(*reply));
    return {};
}

ExitCode exit_code_of(const Error& error) {
    switch (error.kind) {
        case ErrorKind::not_found:
            return exit_not_found;
        case ErrorKind::invalid_argument:
        case ErrorKind::already_exists:
        case ErrorKind::conflict:
        case ErrorKind::quota_exceeded:
        case ErrorKind::capacity_unavailable:
            return exit_refused;
        case ErrorKind::unauthenticated:
        case ErrorKind::permission_denied:
            return exit_no_access;
        case ErrorKind::unavailable:
            return exit_unreachable;
        case ErrorKind::timed_out:
            return exit_timed_out;
        default:
            return exit_failed;
    }
}

int report(const Error& error) {
    std::fprintf(stderr, "hopyard: %s\n", error.message.c_str());
    if (!error.field.empty()) std::fprintf(stderr, "  field: %s\n", error.field.c_str());
    if (!error.next_action.empty())
        std::fprintf(stderr, "  next:  %s\n", error.next_action.c_str());
    if (!error.code.empty())
        std::fprintf(stderr,
                     "  code:  %s (%s)\n",
                     error.code.c_str(),
                     std::string(to_string(error.owner)).c_str());
    return exit_code_of(error);
}

}  // namespace hopyard::cli
