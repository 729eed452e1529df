#include "http/curl.h"

#include <sys/socket.h>

#include "base/check.h"

namespace hopyard::http {

void initialise_curl() {
    static const CURLcode outcome = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(outcome == CURLE_OK);
}

NoPipeSignal::NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
}

NoPipeSignal::~NoPipeSignal() {
    const timespec now{};
    if (!was_pending_)
        while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void trust_only(CURL* easy, const std::string& pem) {
    // curl's type is not const, but CURL_BLOB_NOCOPY data is only read.
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
}

Failure failed(CURLcode outcome, const std::string& server, const char* detail) {
    const std::string cause = *detail ? detail : curl_easy_strerror(outcome);
    const auto make = [&](ErrorKind kind, std::string code, std::string message, std::string next) {
        auto failure = fail(kind, std::move(code), std::move(message));
        failure.value().owner = Owner::administrator;
        failure.value().next_action = std::move(next);
        return failure;
    };
    switch (outcome) {
        case CURLE_OPERATION_TIMEDOUT:
            return make(
                ErrorKind::timed_out,
                "no_reply_in_time",
                "No reply from " + server + " in time: " + cause + ".",
                "Check that the server runs and that the network lets connections through.");
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return make(ErrorKind::unavailable,
                        "name_not_resolved",
                        "The name of " + server + " has no address: " + cause + ".",
                        "Check the name and the name servers of this machine.");
        case CURLE_COULDNT_CONNECT:
            return make(ErrorKind::unavailable,
                        "not_connected",
                        "No connection to " + server + ": " + cause + ".",
                        "Check that the server runs and listens on that port.");
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_ISSUER_ERROR:
            return make(ErrorKind::unavailable,
                        "tls_failed",
                        "No trusted connection to " + server + ": " + cause + ".",
                        "Check the certificate of the server and the authority trusted here.");
        default:
            return make(ErrorKind::unavailable,
                        "no_reply",
                        "The exchange with " + server + " broke off: " + cause + ".",
                        "Look into the log of the server.");
    }
}

}  // namespace hopyard::http
