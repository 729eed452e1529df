#include "http/exchange.h"

#include "http/server.h"

namespace hopyard::http {

Response plain_error(int status, std::string_view code, std::string_view message) {
    std::string body = R"({"error":{"code":")";
    body.append(code).append(R"(","message":")").append(message).append(R"("}})");
    return json_response(status, std::move(body));
}

Exchange::Exchange(std::shared_ptr<ReplySink> sink, std::shared_ptr<ReplyProgress> progress)
    : sink_(std::move(sink)), progress_(std::move(progress)) {}

Exchange::~Exchange() {
    if (phase_ == Phase::waiting)
        sink_->reply(plain_error(500, "not_answered", "The server could not answer this request."));
    if (phase_ == Phase::streaming) sink_->end();
}

void Exchange::respond(Response response) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting) return;
    phase_ = Phase::done;
    sink_->reply(std::move(response));
}

void Exchange::start(int status, Headers headers) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting) return;
    phase_ = Phase::streaming;
    sink_->begin(status, std::move(headers));
}

bool Exchange::write(std::string bytes) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming || progress_->gone) return false;
    if (bytes.empty()) return true;
    const std::size_t queued = progress_->queued.fetch_add(bytes.size());
    // One piece may be larger than the limit; it is a queue that may not grow.
    if (queued > 0 && queued + bytes.size() > stream_queue_max) {
        cut();
        return false;
    }
    sink_->append(std::move(bytes));
    return true;
}

void Exchange::close() {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming) return;
    phase_ = Phase::done;
    sink_->end();
}

/// The client sees that the end is missing.
void Exchange::cut() {
    phase_ = Phase::done;
    progress_->gone = true;
    sink_->cut();
}

void Exchange::pull(Source source) {
    sink_->when_sent([self = shared_from_this(), source = std::move(source)] {
        auto piece = self->is_open() ? source() : Result<std::optional<std::string>>();
        if (!piece) {
            const std::lock_guard lock(self->mutex_);
            return self->cut();
        }
        if (!*piece) return self->close();
        if (self->write(std::move(**piece))) self->pull(source);
    });
}

bool Exchange::is_open() const {
    const std::lock_guard lock(mutex_);
    return phase_ == Phase::streaming && !progress_->gone;
}

bool Stream::write(std::string bytes) {
    return exchange_->write(std::move(bytes));
}
void Stream::close() {
    exchange_->close();
}
bool Stream::is_open() const {
    return exchange_->is_open();
}

std::size_t Stream::queued() const {
    return exchange_->queued();
}

void Responder::respond(Response response) {
    exchange_->respond(std::move(response));
}

Stream Responder::start(int status, Headers headers) {
    exchange_->start(status, std::move(headers));
    return Stream(exchange_);
}

void Responder::start(int status, Headers headers, Source source) {
    exchange_->start(status, std::move(headers));
    exchange_->pull(std::move(source));
}

bool Responder::is_gone() const {
    return exchange_->is_gone();
}

Handler answering(std::function<Response(const Request&)> function) {
    return [function = std::move(function)](const Request& request, Responder responder) {
        responder.respond(function(request));
    };
}

}  // namespace hopyard::http
