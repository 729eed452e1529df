// The way out: one call, one exchange. The client over the network implements it with libcurl; a
// replayed recording and the simulation implement it with values.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace hopyard::http {

class Transport {
  public:
    virtual ~Transport() = default;
    /// Sends and waits for the whole reply. Any status is a reply; an Error means that none came:
    /// `timed_out`, `cancelled` (the stop token) or `unavailable` (name, connection, TLS, broken
    /// reply). The server may have acted all the same. Does not retry (but for a GET, HEAD or
    /// OPTIONS on a kept connection that turns out to be closed), does not follow redirects.
    /// Thread-safe.
    virtual Result<Response> send(const OutgoingRequest& request) = 0;
};

struct ClientOptions {
    /// Trusted instead of the system's authorities when not empty.
    std::string ca_pem;
    /// Client certificate for mutual TLS; empty for none.
    std::string certificate_pem;
    Secret private_key_pem;
    Milliseconds connect_timeout{5'000};
    std::size_t reply_bytes_max = 256u << 20;
    std::string user_agent = "hopyard";
    /// "host:port" pairs that connect to another address: {"acct.blob.internal:443",
    /// "127.0.0.1:10000"}.
    std::vector<std::pair<std::string, std::string>> connect_to;
    /// Ends every exchange under way.
    std::stop_token stop;
};

/// The client over the network (libcurl). Keeps connections open between calls, HTTP/1.1, bypasses
/// proxies for loopback. Thread-safe; each call uses one of a pool of handles.
class Client final : public Transport {
  public:
    explicit Client(ClientOptions options);
    ~Client() override;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Result<Response> send(const OutgoingRequest& request) override;
    /// Like send, but hands the body of a 200 reply on as it comes, until the server ends it or
    /// `on_chunk` returns false (which is success). Another status returns with its body collected.
    /// The request's timeout ends this too: give 0 for a stream without end.
    Result<Response> stream(const OutgoingRequest& request,
                            const std::function<bool(std::string_view chunk)>& on_chunk);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::http
