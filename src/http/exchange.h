// Inside the server: one request and its answer, between the threads that answer and the one that
// runs the sockets. The exchange is owned by Responders and Streams only, so that its end tells
// that nobody will answer any more; what the connection must tell it goes through ReplyProgress.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "http/message.h"
#include "http/server.h"

namespace hopyard::http {

/// A stream whose client reads so slowly that more than this waits is cut.
inline constexpr std::size_t stream_queue_max = 8u << 20;

/// Written by the connection, read by those who answer.
struct ReplyProgress {
    std::atomic<bool> gone{false};
    std::atomic<std::size_t> queued{0};  ///< bytes handed to the connection and not yet sent
};

/// Where an answer goes. Every call is thread-safe and returns at once; calls of one thread keep
/// their order.
class ReplySink {
  public:
    virtual ~ReplySink() = default;
    virtual void reply(Response response) = 0;
    virtual void begin(int status, Headers headers) = 0;
    virtual void append(std::string bytes) = 0;
    virtual void end() = 0;
    /// Calls it once, on a thread that runs handlers, when all that was appended before is sent.
    /// Dropped when the connection ends first. A sink without a queue calls it at once.
    virtual void when_sent(std::function<void()> more) { more(); }
    virtual void cut() = 0;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(std::shared_ptr<ReplySink> sink, std::shared_ptr<ReplyProgress> progress);
    /// Unanswered: answers 500. A stream still open: ends it.
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    void respond(Response response);
    void start(int status, Headers headers);
    bool write(std::string bytes);
    void close();
    /// Writes what the source gives, piece by piece, each once the one before is sent.
    void pull(Source source);
    bool is_open() const;
    bool is_gone() const { return progress_->gone; }
    std::size_t queued() const { return progress_->queued; }

  private:
    enum class Phase { waiting, streaming, done };

    void cut();

    const std::shared_ptr<ReplySink> sink_;
    const std::shared_ptr<ReplyProgress> progress_;
    mutable std::mutex mutex_;
    Phase phase_ = Phase::waiting;
};

/// The JSON body of what the server itself answers. Both texts are ours and need no escaping.
Response plain_error(int status, std::string_view code, std::string_view message);

}  // namespace hopyard::http
