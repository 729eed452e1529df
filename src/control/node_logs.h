// The ends of nodes' logs, fetched when somebody asks for one and never stored: the wish goes out
// with the head's next poll for orders, the reply comes as a message of its own. The last reply of
// a node is kept in memory, so that there is something to show when the node does not answer.
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "nodewire/wire.h"

namespace hopyard::control {

struct NodeLog {
    std::string program;      ///< the end of the node program's log
    std::string init_script;  ///< the end of what the init script printed
    Timestamp taken_at;
};

/// `log` is the last one known, `is_live` when it came just now.
struct LogAnswer {
    std::optional<NodeLog> log;
    bool is_live = false;
};

class NodeLogs {
  public:
    using Callback = std::function<void(const LogAnswer&)>;

    /// Calls back once, from the thread that brings the reply or that calls expire().
    void ask(const NodeId& head, const nodewire::LogRequest& request, Timestamp until, Callback);
    /// What that head is to fetch; each wish is given out once.
    std::vector<nodewire::LogRequest> take(const NodeId& head);
    void came(const nodewire::LogReply& reply, Timestamp now);
    /// Answers those whose time is over with what was known before.
    void expire(Timestamp now);

  private:
    struct Waiting {
        Timestamp until;
        Callback callback;
    };
    std::optional<NodeLog> known_locked(const std::string& node) const;

    mutable std::mutex mutex_;
    std::map<NodeId, std::vector<nodewire::LogRequest>> wishes_;  ///< by head, not yet given out
    std::multimap<std::string, Waiting> waiting_;                 ///< by node
    std::map<std::string, NodeLog> known_;                        ///< by node
};

}  // namespace hopyard::control
