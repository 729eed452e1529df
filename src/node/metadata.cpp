#include "node/metadata.h"

#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "base/backoff.h"
#include "base/encoding.h"
#include "base/log.h"

namespace hopyard::node {
namespace {

constexpr Backoff metadata_backoff{.first = Milliseconds(20), .most = Milliseconds(2'000)};

Result<std::string> get(http::Transport& transport, const std::string& url) {
    http::OutgoingRequest request{.url = url, .timeout = Milliseconds(3'000)};
    request.headers.set("Metadata", "true");
    ASSIGN_OR_RETURN(auto response, transport.send(request));
    if (response.status == 404) {
        return fail(ErrorKind::not_found, "metadata_missing", "the metadata service has no " + url);
    }
    if (response.status != 200 || response.body.empty()) {
        return fail(ErrorKind::unavailable,
                    "metadata_unavailable",
                    fmt::format("the metadata service answered {} to {}", response.status, url));
    }
    return std::move(response.body);
}

}  // namespace

Result<MachineFacts> ask_metadata(http::Transport& transport, const std::string& url) {
    const auto field = [&](std::string_view path) {
        return get(
            transport,
            fmt::format("{}/metadata/instance/{}?api-version=2021-02-01&format=text", url, path));
    };
    MachineFacts facts;
    ASSIGN_OR_RETURN(facts.machine_id, field("compute/vmId"));
    ASSIGN_OR_RETURN(facts.private_ip,
                     field("network/interface/0/ipv4/ipAddress/0/privateIpAddress"));
    ASSIGN_OR_RETURN(const auto encoded, field("compute/userData"));
    const auto decoded = from_base64(encoded);
    if (!decoded) {
        return fail(ErrorKind::invalid_argument, "user_data_malformed", "user data is not base64");
    }
    ASSIGN_OR_RETURN(facts.user_data, nodewire::user_data_from_json(*decoded));
    return facts;
}

Result<MachineFacts> wait_for_metadata(http::Transport& transport,
                                       const std::string& url,
                                       Random& random,
                                       std::stop_token stop) {
    for (int attempt = 0;; ++attempt) {
        auto facts = ask_metadata(transport, url);
        if (facts || facts.error().kind == ErrorKind::invalid_argument) return facts;
        if (attempt % 10 == 5) {
            log::warning("waiting for metadata", {{"cause", facts.error().message}});
        }
        if (!sleep_for(wait_before(metadata_backoff, attempt, random), stop)) return facts;
    }
}

bool sleep_for(Milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any signal;
    std::unique_lock lock(mutex);
    signal.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace hopyard::node
