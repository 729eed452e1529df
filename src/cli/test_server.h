// A server on loopback that answers the command line from a script.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands.h"
#include "http/server.h"

namespace hopyard::cli {

/// Answers "METHOD path" from a table and remembers what it was asked.
class ScriptedServer {
  public:
    ScriptedServer() {
        const auto port = server_.listen(
            {.name = "test"}, http::answering([this](const http::Request& request) {
                const std::lock_guard lock(mutex_);
                asked_.push_back(request);
                const std::string key = request.method + " " + std::string(request.path());
                const auto found = replies_.find(key);
                return found == replies_.end() ? http::json_response(404, R"({"code":"no_route"})")
                                               : found->second;
            }));
        url_ = "http://127.0.0.1:" + std::to_string(*port);
        threads_.emplace_back([this] { server_.run_io(); });
        threads_.emplace_back([this] { server_.run_worker(); });
    }
    ~ScriptedServer() {
        server_.stop(Milliseconds(0));
        threads_.clear();
    }

    void reply(const std::string& key, int status, const std::string& body) {
        const std::lock_guard lock(mutex_);
        replies_[key] = http::json_response(status, body);
    }
    http::Request last() {
        const std::lock_guard lock(mutex_);
        return asked_.back();
    }
    Session session() const { return Session(Target{.url = url_, .api_key = Secret("k")}); }
    const std::string& url() const { return url_; }

  private:
    http::Server server_{http::ServerOptions{}};
    std::string url_;
    std::mutex mutex_;
    std::map<std::string, http::Response> replies_;  // guarded by mutex_
    std::vector<http::Request> asked_;               // guarded by mutex_
    std::vector<std::jthread> threads_;
};

}  // namespace hopyard::cli
