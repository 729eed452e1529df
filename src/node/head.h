// What only a head has: the relay for its workers and the page for people, each a server with
// threads of its own, so that visitors of the page never keep workers waiting.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/server.h"
#include "node/board.h"
#include "node/console/console.h"
#include "node/console/slurm_queue.h"
#include "node/loop.h"
#include "node/relay.h"
#include "node/state.h"
#include "node/storage/storage.h"
#include "node/system/processes.h"

namespace hopyard::node {

/// A server and the threads that run it.
class ServedBy {
  public:
    explicit ServedBy(const StartLoop& start_loop);
    http::Server& server() { return server_; }
    void start(int workers);
    void stop();

  private:
    const StartLoop& start_loop_;
    http::Server server_;
    std::vector<std::unique_ptr<Loop>> loops_;
};

class Head {
  public:
    struct Parts {
        Board& board;
        UpstreamSlot& upstream;
        system::Processes& processes;
        Storage& storage;
        const StateDirectory& state;
        const Clock& clock;
        Random& random;
        const StartLoop& start_loop;
        std::string ca_pem;
    };
    explicit Head(Parts parts);

    /// Opens the relay. Its port is part of the wire, so one in use is an error.
    Result<void> start(const Credentials& credentials);
    /// The relay shows this certificate from now on.
    void renew(const Credentials& credentials);
    /// Has a worker send the end of its log.
    void ask_log(const nodewire::LogRequest& request) { relay_.ask_log(request); }
    void stop();

  private:
    http::TlsOptions tls(const Credentials& credentials) const;
    /// Keeps the page what the newest orders say of it.
    void serve_page();

    Parts parts_;
    Relay relay_;
    ServedBy relay_server_;
    console::SlurmQueue queue_;
    console::Console console_;
    ServedBy page_server_;
    std::unique_ptr<Loop> poll_loop_;
};

}  // namespace hopyard::node
