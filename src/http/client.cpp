// libcurl behind Transport. A slot is one easy handle inside its own multi handle: the multi handle
// keeps the connections between calls, and can be woken, so that a stop does not wait for the
// network.
#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/encoding.h"
#include "http/curl.h"
#include "http/transport.h"

namespace hopyard::http {
namespace {

constexpr std::size_t idle_slots_max = 32;
/// Below the 75 s after which our own server closes an idle connection.
constexpr long connection_age_max_s = 60;

struct Slot {
    Slot() : multi(curl_multi_init()), easy(curl_easy_init()) { CHECK(multi && easy); }
    ~Slot() {
        curl_easy_cleanup(easy);
        curl_multi_cleanup(multi);
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    CURLM* multi;
    CURL* easy;
    std::string server;  ///< scheme, host and port of its last exchange
};

/// What curl's callbacks of one exchange write to.
struct Exchanged {
    CURL* easy = nullptr;
    Response response;
    std::size_t body_bytes_max = 0;
    const std::function<bool(std::string_view)>* on_chunk = nullptr;
    bool repeatable = false;
    int sent = 0;
    bool too_large = false;
    bool enough = false;
    bool refused_repeat = false;
};

std::size_t on_header(char* data, std::size_t, std::size_t length, void* user) {
    auto& exchanged = *static_cast<Exchanged*>(user);
    std::string_view line(data, length);
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    // A status line opens a header; the one of an interim reply (100) is replaced by the final one.
    if (line.starts_with("HTTP/")) {
        exchanged.response.headers = {};
        return length;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return length;
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
        value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    exchanged.response.headers.add(line.substr(0, colon), std::string(value));
    return length;
}

/// Returning less than the length ends the exchange.
std::size_t on_body(char* data, std::size_t, std::size_t length, void* user) {
    auto& exchanged = *static_cast<Exchanged*>(user);
    if (exchanged.on_chunk) {
        long status = 0;
        curl_easy_getinfo(exchanged.easy, CURLINFO_RESPONSE_CODE, &status);
        if (status == 200) {
            exchanged.enough = !(*exchanged.on_chunk)(std::string_view(data, length));
            return exchanged.enough ? 0 : length;
        }
    }
    auto& body = exchanged.response.body;
    exchanged.too_large = body.size() + length > exchanged.body_bytes_max;
    if (exchanged.too_large) return 0;
    body.append(data, length);
    return length;
}

/// Called each time a request is about to be sent. curl sends again by itself when a kept
/// connection ends without a reply; the server may have acted, so that is not allowed to what
/// changes anything.
int on_sending(void* user, char*, char*, int, int) {
    auto& exchanged = *static_cast<Exchanged*>(user);
    exchanged.refused_repeat = ++exchanged.sent > 1 && !exchanged.repeatable;
    return exchanged.refused_repeat ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

bool is_clean(std::string_view text) {
    return std::none_of(
        text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

/// This machine, and the address of instance metadata: never reached through a proxy.
bool is_local(std::string_view host) {
    return host == "localhost" || host.starts_with("127.") || host == "::1" ||
           host.starts_with("169.254.") || host.ends_with(".localhost");
}

curl_blob blob_of(const std::string& text) {
    // curl's type is not const, but CURL_BLOB_NOCOPY data is only read.
    return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

}  // namespace

struct Client::State {
    explicit State(ClientOptions given) : options(std::move(given)) {
        for (const auto& [from, to] : options.connect_to) connect_to.add(from + ":" + to);
    }

    std::unique_ptr<Slot> take(const std::string& server);
    void give_back(std::unique_ptr<Slot> slot);
    Result<Response> exchange(const OutgoingRequest& request,
                              const std::function<bool(std::string_view)>* on_chunk);
    void set_connection(CURL* easy, const Url& url) const;
    CURLcode perform(Slot& slot) const;

    const ClientOptions options;
    StringList connect_to;
    std::mutex mutex;
    std::vector<std::unique_ptr<Slot>> idle;  ///< guarded by mutex; the last used at the end
};

std::unique_ptr<Slot> Client::State::take(const std::string& server) {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return std::make_unique<Slot>();
    // Most likely to have a connection open: the last one that spoke with that server.
    auto found = std::find_if(
        idle.rbegin(), idle.rend(), [&](const auto& slot) { return slot->server == server; });
    if (found == idle.rend()) {
        if (idle.size() < idle_slots_max) return std::make_unique<Slot>();
        found = idle.rend() - 1;
    }
    auto slot = std::move(*found);
    idle.erase(std::next(found).base());
    return slot;
}

void Client::State::give_back(std::unique_ptr<Slot> slot) {
    const std::lock_guard lock(mutex);
    if (idle.size() < idle_slots_max) idle.push_back(std::move(slot));
}

void Client::State::set_connection(CURL* easy, const Url& url) const {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(
        easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, connection_age_max_s);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to.get());
    const auto key = url.host + ":" + std::to_string(url.port);
    const bool redirected = std::any_of(options.connect_to.begin(),
                                        options.connect_to.end(),
                                        [&](const auto& pair) { return pair.first == key; });
    if (redirected || is_local(url.host)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (!options.ca_pem.empty()) trust_only(easy, options.ca_pem);
    if (!options.certificate_pem.empty()) {
        auto certificate = blob_of(options.certificate_pem);
        auto key_blob = blob_of(options.private_key_pem.reveal());
        curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
        curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
        curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
        curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key_blob);
    }
}

CURLcode Client::State::perform(Slot& slot) const {
    const NoPipeSignal guard;
    if (curl_multi_add_handle(slot.multi, slot.easy) != CURLM_OK) return CURLE_FAILED_INIT;
    const std::stop_callback wake(options.stop, [&slot] { curl_multi_wakeup(slot.multi); });
    CURLcode outcome = CURLE_ABORTED_BY_CALLBACK;
    int running = 1;
    while (running > 0 && !options.stop.stop_requested()) {
        if (curl_multi_perform(slot.multi, &running) != CURLM_OK) {
            outcome = CURLE_FAILED_INIT;
            break;
        }
        if (running > 0) curl_multi_poll(slot.multi, nullptr, 0, 1000, nullptr);
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(slot.multi, &left))
        if (message->msg == CURLMSG_DONE) outcome = message->data.result;
    curl_multi_remove_handle(slot.multi, slot.easy);
    return outcome;
}

namespace {

void set_request(CURL* easy, const OutgoingRequest& request, StringList& headers) {
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    const bool carries_body = request.method == "POST" || request.method == "PUT" ||
                              request.method == "PATCH" || !request.body.empty();
    if (request.method == "HEAD") {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (carries_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
        curl_easy_setopt(
            easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    if (request.method != "HEAD")
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    for (const auto& [name, value] : request.headers.all())
        headers.add(value.empty() ? name + ";" : name + ": " + value);
    // What curl would add by itself: a wrong type, and a round trip before a large body.
    if (!request.headers.find("Content-Type")) headers.add("Content-Type:");
    if (!request.headers.find("Expect")) headers.add("Expect:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
}

Result<Url> checked(const OutgoingRequest& request) {
    auto url = parse_url(request.url);
    if (!url)
        return fail(ErrorKind::invalid_argument,
                    "url_malformed",
                    "A request needs an absolute http or https URL.");
    bool clean = !request.method.empty() &&
                 std::all_of(request.method.begin(), request.method.end(), [](char c) {
                     return (c >= 'A' && c <= 'Z') || c == '-';
                 });
    for (const auto& [name, value] : request.headers.all())
        clean = clean && is_clean(value) && !name.empty() &&
                name.find_first_of(std::string_view(" \t\r\n:;\0", 7)) == std::string::npos;
    if (!clean)
        return fail(ErrorKind::invalid_argument,
                    "header_malformed",
                    "A method or header field of a request is not what HTTP allows.");
    return std::move(*url);
}

}  // namespace

Result<Response> Client::State::exchange(const OutgoingRequest& request,
                                         const std::function<bool(std::string_view)>* on_chunk) {
    ASSIGN_OR_RETURN(const auto url, checked(request));
    const auto server = url.host + ":" + std::to_string(url.port);
    auto slot = take(url.scheme + "://" + server);
    CURL* easy = slot->easy;
    const bool repeatable =
        request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
    Exchanged exchanged{.easy = easy,
                        .body_bytes_max = options.reply_bytes_max,
                        .on_chunk = on_chunk,
                        .repeatable = repeatable};
    StringList headers;
    char detail[CURL_ERROR_SIZE] = "";
    set_connection(easy, url);
    set_request(easy, request, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchanged);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchanged);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &exchanged);
    const CURLcode outcome = perform(*slot);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    exchanged.response.status = static_cast<int>(status);
    // Forgets everything that points into this call; the multi handle keeps the connections.
    curl_easy_reset(easy);
    slot->server = url.scheme + "://" + server;
    give_back(std::move(slot));

    if (outcome == CURLE_OK || exchanged.enough) return std::move(exchanged.response);
    if (exchanged.too_large)
        return fail(ErrorKind::unavailable,
                    "reply_too_large",
                    "The reply of " + server + " is larger than is accepted here.");
    if (exchanged.refused_repeat)
        return failed(CURLE_GOT_NOTHING, server, "the connection ended without a reply");
    if (outcome == CURLE_ABORTED_BY_CALLBACK)
        return fail(ErrorKind::cancelled,
                    "cancelled",
                    "The exchange with " + server + " was given up because the program stops.");
    return failed(outcome, server, detail);
}

Client::Client(ClientOptions options) {
    initialise_curl();
    state_ = std::make_unique<State>(std::move(options));
}

Client::~Client() = default;

Result<Response> Client::send(const OutgoingRequest& request) {
    return state_->exchange(request, nullptr);
}

Result<Response> Client::stream(const OutgoingRequest& request,
                                const std::function<bool(std::string_view chunk)>& on_chunk) {
    return state_->exchange(request, &on_chunk);
}

}  // namespace hopyard::http
