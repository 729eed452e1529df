// A fresh control plane for each request, behind one server on loopback: the same chance, so the
// same ids, so that what is stored can be compared byte by byte.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/server.h"

namespace hopyard::specifications {

/// What became of a request: the stored specification, or that nothing was stored.
struct Outcome {
    std::string stored;   ///< the row's specification as JSON text; empty when refused
    std::string refusal;  ///< code and field of the problem, for whoever reads a failure
};

class Plane {
  public:
    Plane();
    ~Plane();
    /// Through the handler, without a socket.
    Outcome post(const std::string& content_type, const std::string& body);
    /// Through the command line program's own parser and client, against the server.
    Outcome command(const std::vector<std::string>& words, const std::string& input);
    /// The same against what the last request left.
    Outcome another_command(const std::vector<std::string>& words);

  private:
    struct Installation;
    Outcome outcome();
    Outcome run(const std::vector<std::string>& words, const std::string& input);

    std::mutex mutex_;
    std::unique_ptr<Installation> now_;  // guarded by mutex_
    http::Server server_{http::ServerOptions{}};
    std::string url_;
    std::vector<std::jthread> threads_;
};

}  // namespace hopyard::specifications
