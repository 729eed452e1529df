// One accepted socket: reads requests one after the other, hands each to a worker, writes its
// answer. Beast parses; reading, time limits and writing are ours, because a connection here must
// notice a client that leaves while its answer is still being waited for, which needs a read under
// way at all times. Everything but the ReplySink calls runs on the io thread.
#include <charconv>
#include <optional>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/core.h"
#include "http/exchange.h"
#include "http/socket.h"

namespace hopyard::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

namespace {

/// How long a connection that we close waits for the client to read our last answer.
constexpr Milliseconds linger_time{2'000};
constexpr Milliseconds handshake_time_max{10'000};
/// Pipelined bytes taken in while a request is being answered.
constexpr std::size_t inbox_max = 64u << 10;

class Connection final : public LiveConnection,
                         public ReplySink,
                         public std::enable_shared_from_this<Connection> {
  public:
    Connection(std::shared_ptr<Core> core, AcceptedSocket accepted)
        : core_(std::move(core)),
          peer_(std::move(accepted.peer)),
          handler_(std::move(accepted.handler)),
          socket_(core_->io, accepted),
          timer_(core_->io) {}

    void start();

    // LiveConnection
    const std::string& listener() const override { return peer_.listener; }
    void wind_down() override;
    void close() override;

    // ReplySink
    void reply(Response response) override;
    void begin(int status, Headers headers) override;
    void append(std::string bytes) override;
    void when_sent(std::function<void()> more) override;
    void end() override;
    void cut() override;

  private:
    enum class Phase {
        handshake,
        idle,
        receiving,
        handling,
        replying,
        streaming,
        lingering,
        closed
    };
    using Parser = beast::http::request_parser<beast::http::string_body>;

    void begin_request();
    void consume();
    void start_parsing();
    bool take_header();
    void dispatch();
    void refuse(int status, std::string_view code, std::string_view message);
    void refuse_broken(error_code error);

    /// Nothing follows the request under way: we stop, or the client said all it had to say.
    bool is_last() const { return core_->draining || (peer_ended_ && inbox_.empty()); }
    void read_more();
    void on_read(error_code error, std::size_t bytes);
    void on_read_failed(error_code error);

    void send_reply(const Response& response);
    void start_stream(int status, const Headers& headers);
    void send_piece(const std::string& bytes);
    void end_stream();
    void write_more();
    void on_written(error_code error, std::size_t bytes);

    void linger();
    void end_sending();
    void drain();

    void arm(Milliseconds duration);
    void disarm() { ++timer_round_, timer_.cancel(); }
    void on_time_over();
    void post(std::function<void(Connection&)> work);

    const std::shared_ptr<Core> core_;  // first: the io context must outlive the socket
    Peer peer_;
    const std::shared_ptr<const Handler> handler_;
    Socket socket_;
    asio::steady_timer timer_;
    std::uint64_t timer_round_ = 0;
    Phase phase_ = Phase::handshake;

    std::optional<Parser> parser_;
    bool header_taken_ = false;
    std::string inbox_;  ///< read and not yet parsed
    bool reading_ = false;
    bool peer_ended_ = false;

    std::shared_ptr<ReplyProgress> progress_ = std::make_shared<ReplyProgress>();
    bool head_only_ = false;
    bool http11_ = true;
    bool keep_alive_ = true;
    bool chunked_ = false;
    bool reply_complete_ = false;  ///< the last byte of the answer is in outbox_ or sent
    std::string outbox_;           ///< waits while `sending_` is written
    std::string sending_;
    std::size_t sent_ = 0;
    std::size_t outbox_stream_bytes_ = 0;  ///< what of it counts into progress_->queued
    std::size_t sending_stream_bytes_ = 0;
    std::function<void()> more_;  ///< gives the next piece of a stream once this one is sent
    bool writing_ = false;
    bool shutting_down_ = false;  ///< a TLS close_notify is under way
};

void Connection::start() {
    core_->connections.insert(this);
    if (!socket_.is_tls()) return begin_request();
    arm(std::min(core_->options.idle_timeout, handshake_time_max));
    socket_.handshake([self = shared_from_this()](error_code error, std::size_t) {
        if (self->phase_ == Phase::closed) return;
        if (error) return self->close();
        self->peer_.certificate_subject = take_peer_subject(self->socket_.tls());
        self->begin_request();
    });
}

// --- receiving

void Connection::begin_request() {
    if (core_->draining && inbox_.empty()) return close();
    parser_.reset();
    header_taken_ = false;
    keep_alive_ = true;
    phase_ = Phase::idle;
    arm(core_->options.idle_timeout);
    consume();
}

void Connection::consume() {
    if (phase_ == Phase::idle) {
        // RFC 9112 section 2.2: empty lines before a request are not part of it.
        inbox_.erase(0, std::min(inbox_.find_first_not_of("\r\n"), inbox_.size()));
        if (!inbox_.empty()) start_parsing();
    }
    while (!inbox_.empty()) {
        error_code error;
        const auto taken = parser_->put(asio::buffer(inbox_), error);
        inbox_.erase(0, taken);
        if (error == beast::http::error::need_more) break;
        if (error) return refuse_broken(error);
        if (parser_->is_header_done() && !header_taken_ && !take_header()) return;
        if (parser_->is_done()) return dispatch();
        if (taken == 0) break;
    }
    if (peer_ended_) return close();
    // Body bytes never wait; what does is a header or the line before a chunk, and both are short.
    if (inbox_.size() > core_->options.header_bytes_max + inbox_max)
        return refuse(400, "malformed_request", "The request is not HTTP.");
    read_more();
}

void Connection::start_parsing() {
    phase_ = Phase::receiving;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(core_->options.header_bytes_max));
    parser_->body_limit(core_->options.body_bytes_max);
    arm(core_->options.idle_timeout);
}

/// What Beast leaves to the server. False when the request was refused.
bool Connection::take_header() {
    header_taken_ = true;
    const auto& head = parser_->get();
    http11_ = head.version() >= 11;
    head_only_ = head.method_string() == "HEAD";
    parser_->eager(true);
    if (head.version() != 10 && head.version() != 11) {
        refuse(505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
        return false;
    }
    // RFC 9112 section 3.2: one Host, no more and no less.
    if (http11_ && head.count(beast::http::field::host) != 1) {
        refuse(400, "host_missing", "A request needs exactly one Host field.");
        return false;
    }
    // RFC 9112 section 6.1: a length beside a coding is how requests are smuggled past proxies.
    const bool coded = head.count(beast::http::field::transfer_encoding) > 0;
    if (coded && (!parser_->chunked() || head.count(beast::http::field::content_length) > 0)) {
        refuse(400, "framing", "The length of the request body is not clear.");
        return false;
    }
    if (beast::iequals(head[beast::http::field::expect], "100-continue") && !parser_->is_done() &&
        inbox_.empty()) {
        outbox_ += "HTTP/1.1 100 Continue\r\n\r\n";
        write_more();
    }
    return true;
}

void Connection::refuse_broken(error_code error) {
    if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow)
        return refuse(431, "header_too_large", "The header of the request is too large.");
    if (error == beast::http::error::body_limit)
        return refuse(413, "body_too_large", "The body of the request is too large.");
    if (error == beast::http::error::bad_version)
        return refuse(505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    refuse(400, "malformed_request", "The request is not HTTP.");
}

void Connection::refuse(int status, std::string_view code, std::string_view message) {
    keep_alive_ = false;
    phase_ = Phase::handling;
    send_reply(plain_error(status, code, message));
}

void Connection::dispatch() {
    phase_ = Phase::handling;
    disarm();
    auto message = parser_->release();
    keep_alive_ = message.keep_alive() && !is_last();
    auto request = std::make_shared<Request>();
    request->method = std::string(message.method_string());
    request->target = std::string(message.target());
    for (const auto& field : message)
        request->headers.add(
            std::string_view(field.name_string().data(), field.name_string().size()),
            std::string(field.value()));
    request->body = std::move(message.body());
    request->peer = peer_;
    request->secure = socket_.is_tls();
    // RFC 9112 section 3.2.2: the absolute form is for proxies, and understood all the same.
    if (const auto url = parse_url(request->target)) request->target = url->target;
    if (request->target != "*" && !request->target.starts_with('/'))
        return refuse(400, "malformed_target", "The target of the request is not a path.");
    if (core_->jobs.waiting(listener()) >= core_->options.queue_max) {
        auto busy = plain_error(503, "busy", "Too many requests are waiting.");
        busy.headers.set("Retry-After", "1");
        return send_reply(busy);
    }
    parser_.reset();
    if (inbox_.empty()) give_back(inbox_);
    progress_ = std::make_shared<ReplyProgress>();
    progress_->gone = peer_ended_;
    auto exchange = std::make_shared<Exchange>(shared_from_this(), progress_);
    core_->jobs.push(listener(), [handler = handler_, request, to = std::move(exchange)]() mutable {
        (*handler)(*request, Responder(std::move(to)));
    });
    read_more();
}

// --- the socket, inwards

void Connection::read_more() {
    if (reading_ || peer_ended_ || phase_ == Phase::closed) return;
    const bool pipelining = phase_ != Phase::idle && phase_ != Phase::receiving;
    if (pipelining && inbox_.size() >= inbox_max) return;
    reading_ = true;
    socket_.read_some(asio::buffer(core_->scratch),
                      [self = shared_from_this()](error_code error, std::size_t bytes) {
                          self->reading_ = false;
                          self->on_read(error, bytes);
                      });
}

void Connection::on_read(error_code error, std::size_t bytes) {
    if (phase_ == Phase::closed) return;
    // The end comes once: a read after it would wait for nothing.
    const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
                       error == asio::error::connection_reset;
    if (phase_ == Phase::lingering) return ended ? close() : drain();
    if (error) return on_read_failed(error);
    inbox_.append(core_->scratch.data(), bytes);
    if (phase_ == Phase::idle || phase_ == Phase::receiving) return consume();
    read_more();
}

void Connection::on_read_failed(error_code error) {
    // A client may close only its sending half and still read, so an answer that comes is sent.
    const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    const bool answering = phase_ == Phase::handling || phase_ == Phase::replying;
    if (!ended || !answering) return close();
    peer_ended_ = true;
    progress_->gone = true;
}

// --- answers, from any thread

void Connection::post(std::function<void(Connection&)> work) {
    core_->post([self = shared_from_this(), work = std::move(work)] {
        if (self->phase_ != Phase::closed) work(*self);
    });
}

void Connection::reply(Response response) {
    post([response = std::move(response)](Connection& self) { self.send_reply(response); });
}

void Connection::begin(int status, Headers headers) {
    post([status, headers = std::move(headers)](Connection& self) {
        self.start_stream(status, headers);
    });
}

void Connection::append(std::string bytes) {
    post([bytes = std::move(bytes)](Connection& self) { self.send_piece(bytes); });
}

void Connection::when_sent(std::function<void()> more) {
    post([more = std::move(more)](Connection& self) { self.more_ = more, self.write_more(); });
}

void Connection::end() {
    post([](Connection& self) { self.end_stream(); });
}

void Connection::cut() {
    post([](Connection& self) { self.close(); });
}

// --- answers, on the io thread

void Connection::send_reply(const Response& response) {
    phase_ = Phase::replying;
    reply_complete_ = true;
    if (is_last() || beast::iequals(response.headers.get("Connection"), "close"))
        keep_alive_ = false;
    ReplyHead head{.status = response.status,
                   .framing = Framing::length,
                   .body_bytes = response.body.size(),
                   .keep_alive = keep_alive_};
    const bool bodyless = response.status == 204 || response.status == 304;
    if (bodyless) head.framing = Framing::none;
    if (head_only_ && response.body.empty()) {
        // A handler of HEAD says how long the body would be.
        const auto length = response.headers.get("Content-Length");
        std::from_chars(length.data(), length.data() + length.size(), head.body_bytes);
    }
    outbox_ += format_head(head, response.headers);
    if (!head_only_ && !bodyless) outbox_ += response.body;
    write_more();
}

void Connection::start_stream(int status, const Headers& headers) {
    phase_ = Phase::streaming;
    chunked_ = http11_ && !head_only_;
    const bool bodyless = head_only_ || status == 204 || status == 304;
    if (!bodyless && !chunked_) keep_alive_ = false;
    if (is_last()) keep_alive_ = false;
    outbox_ += format_head({.status = status,
                            .framing = bodyless   ? Framing::none
                                       : chunked_ ? Framing::chunked
                                                  : Framing::until_close,
                            .body_bytes = 0,
                            .keep_alive = keep_alive_},
                           headers);
    if (bodyless) {
        progress_->gone = true;  // nobody takes a body: the handler learns it at its next write
        chunked_ = false;
    }
    write_more();
}

void Connection::send_piece(const std::string& bytes) {
    if (phase_ != Phase::streaming) return;
    outbox_ += chunked_ ? format_chunk(bytes) : bytes;
    outbox_stream_bytes_ += bytes.size();
    write_more();
}

void Connection::end_stream() {
    if (phase_ != Phase::streaming) return;
    if (chunked_) outbox_ += "0\r\n\r\n";
    phase_ = Phase::replying;
    reply_complete_ = true;
    write_more();
}

// --- the socket, outwards

void Connection::write_more() {
    if (writing_ || phase_ == Phase::closed) return;
    if (sent_ == sending_.size()) {
        progress_->queued -= std::exchange(sending_stream_bytes_, 0);
        sending_.clear();
        sent_ = 0;
        sending_.swap(outbox_);
        std::swap(sending_stream_bytes_, outbox_stream_bytes_);
    }
    if (sending_.empty()) {
        give_back(sending_);
        give_back(outbox_);
        if (phase_ == Phase::streaming) disarm();
        if (more_) core_->jobs.push(listener(), std::exchange(more_, nullptr));
        if (phase_ != Phase::replying || !reply_complete_) return;
        reply_complete_ = false;
        return keep_alive_ ? begin_request() : linger();
    }
    if (phase_ == Phase::replying || phase_ == Phase::streaming) arm(core_->options.idle_timeout);
    writing_ = true;
    socket_.write_some(asio::buffer(sending_.data() + sent_, sending_.size() - sent_),
                       [self = shared_from_this()](error_code error, std::size_t bytes) {
                           self->writing_ = false;
                           self->on_written(error, bytes);
                       });
}

void Connection::on_written(error_code error, std::size_t bytes) {
    if (phase_ == Phase::closed) return;
    if (error) return close();
    sent_ += bytes;
    write_more();
}

// --- the end

void Connection::wind_down() {
    if (phase_ == Phase::idle || phase_ == Phase::handshake) return close();
    keep_alive_ = false;
}

/// Closing with unread bytes makes the kernel send a reset, which can overtake our last answer.
void Connection::linger() {
    phase_ = Phase::lingering;
    inbox_.clear();
    if (peer_ended_) return close();
    arm(linger_time);
    if (!socket_.is_tls()) return end_sending();
    shutting_down_ = true;
    socket_.shut_down([self = shared_from_this()](error_code, std::size_t) {
        self->shutting_down_ = false;
        if (self->phase_ != Phase::closed) self->end_sending();
    });
}

void Connection::end_sending() {
    error_code ignored;
    socket_.plain().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    drain();
}

void Connection::drain() {
    if (reading_ || shutting_down_) return;
    reading_ = true;
    socket_.plain().async_read_some(asio::buffer(core_->scratch),
                                    [self = shared_from_this()](error_code error, std::size_t) {
                                        self->reading_ = false;
                                        if (self->phase_ == Phase::closed) return;
                                        error ? self->close() : self->drain();
                                    });
}

void Connection::close() {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    more_ = nullptr;
    progress_->gone = true;
    disarm();
    error_code ignored;
    socket_.plain().close(ignored);
    core_->forget(this);
}

// --- time

void Connection::arm(Milliseconds duration) {
    const auto round = ++timer_round_;
    timer_.expires_after(duration);
    timer_.async_wait([self = shared_from_this(), round](error_code error) {
        if (!error && round == self->timer_round_) self->on_time_over();
    });
}

void Connection::on_time_over() {
    if (phase_ != Phase::receiving) return close();
    refuse(408, "request_timeout", "The request did not arrive in time.");
}

}  // namespace

void serve_connection(std::shared_ptr<Core> core, AcceptedSocket socket) {
    std::make_shared<Connection>(std::move(core), std::move(socket))->start();
}

}  // namespace hopyard::http
