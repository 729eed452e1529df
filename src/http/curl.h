// What our uses of libcurl share. Private to this module.
#pragma once

#include <csignal>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "base/result.h"

namespace hopyard::http {

/// Once for the process; cheap afterwards.
void initialise_curl();

/// OpenSSL writes to sockets without MSG_NOSIGNAL. Ignoring SIGPIPE is the program's decision and
/// would be inherited by its children, so it is kept from this thread only, for the time of a call.
class NoPipeSignal {
  public:
    NoPipeSignal();
    ~NoPipeSignal();
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;

  private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

/// A curl_slist with an owner.
class StringList {
  public:
    StringList() = default;
    ~StringList() { curl_slist_free_all(list_); }
    StringList(const StringList&) = delete;
    StringList& operator=(const StringList&) = delete;
    void add(const std::string& text) { list_ = curl_slist_append(list_, text.c_str()); }
    curl_slist* get() const { return list_; }

  private:
    curl_slist* list_ = nullptr;
};

/// For CURLOPT_OPENSOCKETFUNCTION: sockets that child processes do not inherit.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address);

/// The authorities that are trusted instead of the system's. `pem` must outlive the handle's use.
void trust_only(CURL* easy, const std::string& pem);

/// Why no exchange came about, in the words of an operator: `timed_out` or `unavailable`. `server`
/// is a name and a port: URLs may hold signatures.
Failure failed(CURLcode outcome, const std::string& server, const char* detail);

}  // namespace hopyard::http
