#include "http/core.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <boost/asio/post.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "base/time.h"

namespace hopyard::http {

void Jobs::push(const std::string& listener, std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        Queue& queue = queues_[listener];
        if (queue.empty()) turns_.push_back(&queue);
        queue.push_back(std::move(job));
    }
    changed_.notify_one();
}

std::size_t Jobs::waiting(const std::string& listener) const {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(listener);
    return found == queues_.end() ? 0 : found->second.size();
}

std::function<void()> Jobs::take() {
    Queue& queue = *turns_.front();
    turns_.pop_front();
    auto job = std::move(queue.front());
    queue.pop_front();
    if (!queue.empty()) turns_.push_back(&queue);
    return job;
}

void Jobs::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return ended_ || !turns_.empty(); });
        if (ended_) return;
        auto job = take();
        lock.unlock();
        try {
            job();
        } catch (const std::exception& error) {
            log::error("a request handler failed", {{"cause", error.what()}});
        }
        job = nullptr;  // the responder it may hold answers before the next wait
        lock.lock();
    }
}

void Jobs::end() {
    std::map<std::string, Queue> dropped;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        turns_.clear();
        dropped.swap(queues_);
    }
    changed_.notify_all();
}

void Core::post(std::function<void()> work_item) {
    const std::lock_guard lock(mutex);
    if (!ended) boost::asio::post(io, std::move(work_item));
}

void Core::forget(LiveConnection* connection) {
    connections.erase(connection);
    if (draining && connections.empty() && on_drained) on_drained();
}

void Core::finish() {
    {
        const std::lock_guard lock(mutex);
        if (ended) return;
        ended = true;
    }
    on_drained = nullptr;
    const auto closing = connections;
    for (auto* connection : closing) connection->close();
    jobs.end();
    work.reset();
}

namespace {

std::string_view reason_of(int status) {
    static constexpr auto reasons = std::to_array<std::pair<int, std::string_view>>({
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    });
    for (const auto& [code, reason] : reasons)
        if (code == status) return reason;
    return "Status";
}

/// The fields that frame a message are the connection's business, whatever a handler copied.
bool is_framing(std::string_view name) {
    const auto lower = to_lower(name);
    return lower == "content-length" || lower == "transfer-encoding" || lower == "connection" ||
           lower == "keep-alive";
}

/// A line break in a value would start a header, or a reply, of somebody else's choice.
bool is_clean(std::string_view text) {
    return std::none_of(
        text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

/// RFC 9110 section 5.6.7: "Tue, 24 Nov 2026 00:09:00 GMT".
std::string http_date() {
    const std::time_t seconds = to_unix_seconds(SystemClock().now());
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    const auto length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %T GMT", &parts);
    return {text.data(), length};
}

}  // namespace

void give_back(std::string& empty) {
    constexpr std::size_t kept_max = 512;
    if (empty.capacity() > kept_max) std::string().swap(empty);
}

std::string format_head(const ReplyHead& head, const Headers& headers) {
    std::string text = "HTTP/1.1 " + std::to_string(head.status) + ' ';
    text.append(reason_of(head.status)).append("\r\n");
    for (const auto& [name, value] : headers.all()) {
        if (is_framing(name) || name.empty() || !is_clean(name) || !is_clean(value)) continue;
        text.append(name).append(": ").append(value).append("\r\n");
    }
    if (!headers.find("Date")) text += "Date: " + http_date() + "\r\n";
    if (head.framing == Framing::length)
        text += "Content-Length: " + std::to_string(head.body_bytes) + "\r\n";
    if (head.framing == Framing::chunked) text += "Transfer-Encoding: chunked\r\n";
    text += head.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return text;
}

std::string format_chunk(const std::string& bytes) {
    std::array<char, 20> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16);
    return std::string(size.data(), end.ptr).append("\r\n").append(bytes).append("\r\n");
}

}  // namespace hopyard::http
