// The control plane's side of src/nodewire/wire.h. A head's channel is one mutual-TLS client; what
// it says of itself and of its workers is stored when it changes something, and wakes the loops.
// Silence is noticed here and shown; it decides nothing by itself (product.md D17).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "control/commands.h"
#include "control/node_logs.h"
#include "nodewire/wire.h"
#include "store/store.h"

namespace hopyard::control {

/// Signs what nodes ask for, with the installation's own authority.
class NodeAuthority {
  public:
    virtual ~NodeAuthority() = default;
    struct Signed {
        std::string certificate_pem;
        std::string serial;
        Timestamp expires_at;
    };
    virtual Result<Signed> sign(const std::string& signing_request_pem,
                                const NodeId& node,
                                const std::string& private_ip,
                                Timestamp now) = 0;
    virtual std::string ca_pem() const = 0;
    struct Page {
        Secret certificate_pem;
        Secret key_pem;
    };
    /// Key and certificate of a head's page, for these addresses.
    virtual Result<Page> issue_page(const NodeId& head,
                                    const std::vector<std::string>& addresses,
                                    Timestamp now) = 0;
    struct PageFacts {
        std::vector<std::string> addresses;
        Timestamp not_after;
    };
    /// What such a certificate says.
    virtual Result<PageFacts> read_page(const Secret& certificate_pem) const;
};

struct SessionOptions {
    /// Authority of the blob endpoint, for the machines' mounts; empty: public ones.
    std::string blob_ca_pem;
    Milliseconds silence = Seconds(10);      ///< shown after that (D17)
    Milliseconds log_patience = Seconds(5);  ///< a node that sends no log by then is out of reach
    /// Rows of which nothing changes but when their nodes were heard are written again once in this
    /// time, over all clusters: heads that say nothing new cost a large database little.
    Milliseconds between_rewrites{5};
};

class NodeSessions {
  public:
    NodeSessions(store::Store& store,
                 NodeAuthority& authority,
                 Wake& wake,
                 const Clock& clock,
                 Random& random,
                 SessionOptions options);
    ~NodeSessions();

    /// `unauthenticated` for a wrong, expired or used-up token, without saying which.
    Result<nodewire::EnrolReply> enrol(const nodewire::EnrolRequest& request);
    /// A new certificate for a node that still has a valid one. A head may ask for its workers.
    Result<nodewire::EnrolReply> renew(const NodeId& caller, const nodewire::EnrolRequest& request);
    /// Stores what is new in it. `permission_denied` when the caller is no head, or speaks for a
    /// cluster not its own.
    Result<void> report(const NodeId& caller, const nodewire::Report& report);
    /// The newest orders of a head, with its workers' inside. A change that nobody was given yet
    /// gets its revision here, and is stored first.
    Result<nodewire::Orders> orders(const NodeId& caller);
    /// The same where their revision is above `seen`, else nothing: that costs little.
    Result<std::optional<nodewire::Orders>> newer_orders(const NodeId& caller, std::int64_t seen);
    /// For a head, which keeps it for its workers; `not_found` when there is none.
    Result<std::string> init_script(const NodeId& caller);

    /// Fetches the end of a node's log through its head, which is woken for it. Calls back once:
    /// when it came, or when the patience for it is over, with the last one known (expire_logs).
    void ask_log(const NodeId& head,
                 const nodewire::LogRequest& request,
                 NodeLogs::Callback callback);
    /// The logs that this head is to send; each wish is given out once.
    std::vector<nodewire::LogRequest> log_requests(const NodeId& head);
    /// `permission_denied` for a node of another cluster.
    Result<void> log_came(const NodeId& caller, const nodewire::LogReply& reply);
    /// Answers who has waited long enough.
    void expire_logs();

    /// Stores when those were heard who have said nothing new for long, many in one transaction.
    void write_old_rows();
    /// Stores who has fallen silent since the last call, and wakes the loops when somebody has.
    /// Returns when to call again at the latest.
    Timestamp notice_silence();
    /// Something was stored that may change orders: looks for subscriptions that can be answered.
    void orders_may_have_changed();

    /// Calls back once, from any thread, when orders of that head with a revision above `seen` may
    /// be there, or a log is wanted; maybe before this returns, when they are there already.
    /// Returns a token; destroying it cancels, but does not wait for a call that is under way on
    /// another thread.
    class Subscription {
      public:
        virtual ~Subscription() = default;
    };
    std::unique_ptr<Subscription> when_newer(const NodeId& caller,
                                             std::int64_t seen,
                                             std::function<void()> callback);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::control
