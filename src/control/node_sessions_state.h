// Inside this module: what NodeSessions holds, and how its parts share it.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "control/hearsay.h"
#include "control/node_sessions.h"
#include "control/orders.h"
#include "control/reports.h"

namespace hopyard::control {

/// A node with its cluster and everybody in it, read in one transaction.
struct Company {
    model::Cluster cluster;
    std::vector<model::Node> nodes;
    model::Node self;
};
/// `permission_denied` for a node that is not (or no longer) one of ours.
Result<Company> company_of(store::Transaction& transaction, const NodeId& node);
/// The same, for a head; a worker is refused: it speaks through its head.
Result<Company> company_of_head(store::Transaction& transaction, const NodeId& node);

/// Somebody who waits for newer orders.
struct Waiting {
    NodeId head;
    std::int64_t seen = 0;
    std::function<void()> callback;
};

/// Who waits. Outlives the sessions when a subscription does.
class WaitingRoom {
  public:
    std::int64_t enter(Waiting waiting);
    void leave(std::int64_t ticket);
    struct Seat {
        std::int64_t ticket = 0;
        std::int64_t seen = 0;
    };
    /// Those who wait for that head's orders, and what they have seen.
    std::vector<Seat> look(const NodeId& head) const;
    /// Calls back and lets go; nothing when it has left.
    void call(std::int64_t ticket);

  private:
    std::function<void()> take(std::int64_t ticket);  ///< nothing when it has left

    mutable std::mutex mutex_;
    std::int64_t next_ = 1;                             // guarded by mutex_
    std::map<std::int64_t, Waiting> waiting_;           // guarded by mutex_
    std::map<NodeId, std::set<std::int64_t>> of_head_;  // guarded by mutex_
};

/// A page's certificate that has been read.
struct KnownPage {
    std::string digest;                  ///< of the certificate
    std::vector<std::string> addresses;  ///< sorted
    Timestamp not_after;
};

/// Orders as they were given last, with all that they were made from. Composing and numbering them
/// takes a hundred times longer than finding out that nothing has changed.
struct GivenOrders {
    std::int64_t cluster_version = 0;
    model::Cluster cluster;                 ///< as far as orders depend on it
    std::vector<nodewire::Member> members;  ///< all that orders know of the nodes
    std::vector<Secret> secrets;
    KnownPage page;
    Timestamp at;
    nodewire::Orders orders;
};

/// When the orders of a head were composed last. They are the same while the stamp is, but for what
/// time alone changes.
struct LookedAt {
    ClusterId cluster;
    std::int64_t stamp = 0;
    std::int64_t revision = 0;
    KnownPage page;
    Timestamp at;
};

/// The same of all heads. Not thread-safe.
class LookedOrders {
  public:
    void put(const NodeId& head, LookedAt at);
    /// Null when they never were. Its cluster is not to be changed.
    LookedAt* find(const NodeId& head);
    /// Heads of that cluster, of those that were composed at another stamp.
    std::vector<NodeId> outdated(const ClusterId& cluster, std::int64_t stamp) const;
    void forget_before(Timestamp time);

  private:
    std::map<NodeId, LookedAt> of_head_;
    std::map<ClusterId, std::set<NodeId>> heads_;
};

/// A report as it came.
struct Received {
    NodeId head;
    nodewire::Report report;
    std::size_t digest = 0;
    Timestamp at;
};

/// What a report changes, with its cluster before and after that was stored.
struct Taken {
    Heard heard;
    store::StampedCluster before, after;
};

struct NodeSessions::State {
    store::Store& store;
    NodeAuthority& authority;
    Wake& wake;
    const Clock& clock;
    Random& random;
    const SessionOptions options;
    /// Nobody is called silent before we listened for one whole period (product.md D17).
    const Timestamp listening_since;
    std::shared_ptr<WaitingRoom> room = std::make_shared<WaitingRoom>();
    NodeLogs logs;
    Hearsay hearsay{options.silence, options.between_rewrites, listening_since};
    std::mutex given_mutex;
    /// Of those that were given orders last: what is kept of a head is large.
    std::map<NodeId, std::shared_ptr<const GivenOrders>> given;  // guarded by given_mutex

    Result<nodewire::EnrolReply> enrol(const nodewire::EnrolRequest& request);
    Result<nodewire::EnrolReply> renew(const NodeId& caller, const nodewire::EnrolRequest& request);
    Result<std::shared_ptr<const GivenOrders>> orders(const NodeId& head);
    /// The rows say all of it but its time.
    Result<bool> rows_say(store::Transaction& transaction, const Received& received);
    /// True of a report of which that is so; then it is kept in memory that it came.
    Result<bool> says_nothing_new(const Received& received);
    void keep_time(const Received& received);
    /// Only reads.
    Result<Taken> hear(store::Transaction& transaction, const Received& received);
    /// The same, and stores it.
    Result<Taken> take(store::Transaction& transaction, const Received& received);
    /// To be called once what was taken is stored.
    void note(const Received& received, const Taken& taken);
    void write_old_rows();
    Timestamp notice_silence();
    /// Writes, and again when somebody else was faster.
    Result<void> write(const store::Store::Body& body);
    /// Answers who waits for something that is there now; of one cluster, or of all.
    void answer(const std::optional<NodeId>& head);
    /// The newest revision of a head's orders. Composes them only when rows of its cluster were
    /// written since the last time, or that is long ago: certificates grow old by themselves.
    Result<std::int64_t> revision(const NodeId& head);
    /// Those of whom that is so since the last call.
    std::set<NodeId> heads_to_look_at();
    /// Rows of a head's cluster were written, and nothing that its orders are made from.
    void orders_stay(const NodeId& head, std::int64_t stamp_before, std::int64_t stamp_after);
    void keep(const NodeId& head, std::shared_ptr<const GivenOrders> orders);

    /// When somebody of a cluster can fall silent.
    struct Watched {
        NodeId head;
        std::optional<Timestamp> last_report_at;  ///< nothing: nobody can
    };
    struct Overdue {
        std::vector<ClusterId> clusters;  ///< of which somebody is silent
        Timestamp next;                   ///< when to look again
    };
    Result<Overdue> overdue(store::Transaction& transaction, Timestamp now);
    /// False when it turns out that nobody is.
    Result<bool> store_silence(store::Transaction& transaction, const ClusterId& id, Timestamp now);

    std::mutex watched_mutex;
    std::map<ClusterId, Watched> watched;  // guarded by watched_mutex
    std::int64_t watched_up_to = 0;        ///< the stamp; guarded by watched_mutex

    std::mutex looked_mutex;
    LookedOrders looked;            // guarded by looked_mutex
    std::int64_t looked_up_to = 0;  ///< the stamp; guarded by looked_mutex
    std::set<NodeId> look_again;    ///< those that could not be looked at; guarded by looked_mutex
    Timestamp forget_looks_at;      // guarded by looked_mutex

    std::mutex old_mutex;
    /// What heads say whose rows have grown old and are to be written. Guarded by old_mutex.
    std::map<NodeId, Received> old_news;
};

}  // namespace hopyard::control
