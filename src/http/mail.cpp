#include "http/mail.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/encoding.h"
#include "http/curl.h"

namespace hopyard::http {
namespace {

constexpr std::size_t line_max = 998;     // RFC 5322 section 2.1.1
constexpr std::size_t encoded_line = 76;  // RFC 2045 section 6.8
constexpr std::size_t encoded_word_bytes =
    42;                                   // so that a word stays below 75 (RFC 2047 section 2)
constexpr std::size_t address_max = 254;  // RFC 5321 section 4.5.3.1.3

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 128; });
}

/// What goes into a header field stays on its line.
std::string on_one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
    return text;
}

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::string header_text(const std::string& given) {
    const std::string text = on_one_line(given);
    if (is_ascii(text)) return text;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(at + encoded_word_bytes, text.size());
        while (end < text.size() && end > at + 1 && continues_character(text[end])) --end;
        if (!out.empty()) out += "\r\n ";
        out += "=?utf-8?B?" + to_base64(text.substr(at, end - at)) + "?=";
        at = end;
    }
    return out;
}

std::string with_crlf(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\r') continue;
        if (c == '\n') out += '\r';
        out += c;
    }
    if (!out.ends_with("\r\n")) out += "\r\n";
    return out;
}

bool travels_as_it_is(const std::string& text) {
    std::size_t length = 0;
    for (const char c : text) {
        length = c == '\n' ? 0 : length + 1;
        if (length > line_max) return false;
    }
    return is_ascii(text);
}

std::string in_lines(const std::string& encoded) {
    std::string out;
    for (std::size_t at = 0; at < encoded.size(); at += encoded_line)
        out += encoded.substr(at, encoded_line) + "\r\n";
    return out;
}

std::string date_of(Timestamp date) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000",
                       fmt::gmtime(static_cast<std::time_t>(to_unix_seconds(date))));
}

struct ServerName {
    std::string scheme;
    std::string host;
    std::string port;
    std::string name() const { return port.empty() ? host : host + ":" + port; }
    bool is_loopback() const {
        return host == "localhost" || host.starts_with("127.") || host == "[::1]";
    }
};

Failure malformed_url() {
    return refuse("/server",
                  "mail_server_malformed",
                  "must be smtp://HOST:PORT or smtps://HOST:PORT, without user, path or query",
                  "Write the address of the mail server, such as smtps://mail.example.org:465.");
}

Result<ServerName> server_of(const std::string& url) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
    if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
        return malformed_url();
    const auto part = [&](CURLUPart which) {
        char* text = nullptr;
        if (curl_url_get(parsed.get(), which, &text, 0) != CURLUE_OK) return std::string();
        std::string out = text;
        curl_free(text);
        return out;
    };
    ServerName server{.scheme = part(CURLUPART_SCHEME),
                      .host = part(CURLUPART_HOST),
                      .port = part(CURLUPART_PORT)};
    const std::string path = part(CURLUPART_PATH);
    const bool bare = part(CURLUPART_USER).empty() && part(CURLUPART_QUERY).empty() &&
                      (path.empty() || path == "/");
    if (!bare || server.host.empty() || (server.scheme != "smtp" && server.scheme != "smtps"))
        return malformed_url();
    return server;
}

/// What a delivery's callbacks read and ask.
struct Delivery {
    std::string message;
    std::size_t at = 0;
    std::stop_token stop;
    std::chrono::steady_clock::time_point deadline;
    curl_socket_t socket = CURL_SOCKET_BAD;
    bool is_late = false;
};

std::size_t on_read(char* into, std::size_t size, std::size_t count, void* user) {
    auto& delivery = *static_cast<Delivery*>(user);
    const std::size_t length = std::min(size * count, delivery.message.size() - delivery.at);
    std::memcpy(into, delivery.message.data() + delivery.at, length);
    delivery.at += length;
    return length;
}

curl_socket_t on_open(void* user, curlsocktype type, curl_sockaddr* address) {
    return static_cast<Delivery*>(user)->socket = open_socket(nullptr, type, address);
}

/// Called once a second at least. To a server that is given up, curl would say QUIT, and wait two
/// minutes for the answer: so the connection ends first.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& delivery = *static_cast<Delivery*>(user);
    delivery.is_late = std::chrono::steady_clock::now() >= delivery.deadline;
    if (!delivery.stop.stop_requested() && !delivery.is_late) return 0;
    if (delivery.socket != CURL_SOCKET_BAD) ::shutdown(delivery.socket, SHUT_RDWR);
    return 1;
}

Failure make(ErrorKind kind, std::string code, std::string message, std::string next) {
    return pass(Error{.kind = kind,
                      .code = std::move(code),
                      .message = std::move(message),
                      .owner = Owner::administrator,
                      .next_action = std::move(next)});
}

Failure not_sent(CURLcode outcome, long reply, const std::string& server, const char* detail) {
    switch (outcome) {
        case CURLE_ABORTED_BY_CALLBACK:
            return fail(ErrorKind::cancelled, "cancelled", "the program stops");
        case CURLE_LOGIN_DENIED:
            return make(ErrorKind::unauthenticated,
                        "mail_login_refused",
                        server + " refuses user and password",
                        "Correct 'user' and the password file of the mail settings.");
        case CURLE_USE_SSL_FAILED:
            return make(ErrorKind::unavailable,
                        "mail_without_tls",
                        server + " offers no STARTTLS",
                        "Name a server that does, or its smtps:// port.");
        default:
            break;
    }
    // RFC 5321 section 4.2.1: 5yz is for good, 4yz for now.
    if (reply >= 500 && reply < 600)
        return make(ErrorKind::invalid_argument,
                    "mail_refused",
                    fmt::format("{} refuses the message: {}", server, detail),
                    "Check the addresses of sender and recipient.");
    if (reply >= 400 && reply < 500)
        return make(ErrorKind::unavailable,
                    "mail_not_now",
                    fmt::format("{} does not take the message now: {}", server, detail),
                    "Nothing: it is tried again.");
    return failed(outcome, server, detail);
}

void set_server(CURL* easy, const MailServer& server, const ServerName& name) {
    const bool may_be_plain = name.is_loopback() && server.ca_pem.empty();
    curl_easy_setopt(easy, CURLOPT_URL, server.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USE_SSL, may_be_plain ? CURLUSESSL_NONE : CURLUSESSL_ALL);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (!server.ca_pem.empty()) trust_only(easy, server.ca_pem);
    if (server.user.empty()) return;
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, server.password.reveal().c_str());
}

}  // namespace

bool is_mail_address(const std::string& text) {
    const std::size_t at = text.find('@');
    return at != std::string::npos && at > 0 && at + 1 < text.size() && text.rfind('@') == at &&
           text.size() <= address_max && std::all_of(text.begin(), text.end(), [](char c) {
               return c > 32 && c < 127 && std::strchr("<>()[],;:\\\"", c) == nullptr;
           });
}

Result<void> check(const MailServer& server) {
    ASSIGN_OR_RETURN(const ServerName unused, server_of(server.url));
    (void)unused;
    if (!is_mail_address(server.from))
        return refuse("/from",
                      "mail_sender_malformed",
                      "must be an address such as hopyard@example.org",
                      "Write the address that messages come from.");
    if (server.user.empty() != server.password.empty())
        return refuse("/user",
                      "mail_login_halved",
                      "user and password file belong together",
                      "Name both, or neither for a server that asks for none.");
    return {};
}

std::string message_of(const Mail& mail, const std::string& from) {
    const bool plain = travels_as_it_is(mail.text);
    const std::string text = with_crlf(mail.text);
    return fmt::format(
        "Date: {}\r\nFrom: Hopyard <{}>\r\nTo: <{}>\r\nMessage-ID: <{}@{}>\r\n"
        "Subject: {}\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: {}\r\n\r\n{}",
        date_of(mail.date),
        from,
        mail.to,
        mail.id,
        from.substr(from.find('@') + 1),
        header_text(mail.subject),
        plain ? "7bit" : "base64",
        plain ? text : in_lines(to_base64(text)));
}

SmtpClient::SmtpClient(MailServer server) : server_(std::move(server)) {
    initialise_curl();
}

Result<void> SmtpClient::send(const Mail& mail, std::stop_token stop) {
    ASSIGN_OR_RETURN(const ServerName name, server_of(server_.url));
    if (!is_mail_address(mail.to))
        return make(ErrorKind::invalid_argument,
                    "mail_refused",
                    "'" + on_one_line(mail.to) + "' is no address that mail can be sent to",
                    "Correct the address.");
    Delivery delivery{.message = message_of(mail, server_.from),
                      .stop = std::move(stop),
                      .deadline = std::chrono::steady_clock::now() + server_.timeout};
    StringList recipients;
    recipients.add("<" + mail.to + ">");
    const std::string from = "<" + server_.from + ">";
    char detail[CURL_ERROR_SIZE] = "";
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(),
                                                                   curl_easy_cleanup);
    set_server(easy.get(), server_, name);
    curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, recipients.get());
    curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy.get(), CURLOPT_READDATA, &delivery);
    curl_easy_setopt(easy.get(), CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy.get(), CURLOPT_OPENSOCKETDATA, &delivery);
    curl_easy_setopt(easy.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy.get(), CURLOPT_XFERINFODATA, &delivery);
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, detail);
    const NoPipeSignal guard;
    const CURLcode outcome = curl_easy_perform(easy.get());
    if (outcome == CURLE_OK) return {};
    if (delivery.is_late) return failed(CURLE_OPERATION_TIMEDOUT, name.name(), "");
    long reply = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &reply);
    return not_sent(outcome, reply, name.name(), detail);
}

}  // namespace hopyard::http
