// What exists: resources as JSON documents, and long-running operations. Everything is in memory
// and in a SQLite file; a change is written to the file (WAL, synchronous) before it can be seen or
// acknowledged, so that nothing that was answered is ever lost.
//
// The guard is the one lock of the resource providers: whoever reads in order to write holds it.
// Nobody holds it while the machine host works or a client waits.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "localcloud/arm/json.h"

namespace hopyard::localcloud {

struct Resource {
    std::string id;    ///< in the case it was first written in
    std::string type;  ///< "Microsoft.Compute/virtualMachines"
    Document body;     ///< as a GET shows it, less what is computed when it is shown
    Document hidden;   ///< what a reply never shows: keys, user data, names on this machine
    std::string etag;
    Timestamp created;
    Timestamp changed;

    const Json& shown() const { return *body; }
    const Json& secret() const { return *hidden; }
};

struct Operation {
    enum class Status { running, succeeded, failed };
    /// Which provider's words its status is told in.
    enum class Style { compute, disk, network, storage, group };

    std::string id;      ///< UUID
    std::string kind;    ///< "machine.create"
    std::string target;  ///< id of the resource
    std::string location;
    Style style = Style::compute;
    Document arguments;
    Status status = Status::running;
    std::string error_code;
    std::string error_message;
    Timestamp started;
    Timestamp ended;
};

/// Changes that become true together.
struct Batch {
    std::vector<Resource> put;
    std::vector<std::string> erase;  ///< ids
    std::vector<Operation> operations;
};

class Ledger {
  public:
    /// Opens or makes the file (0600). `conflict` when it is of a newer version or damaged.
    static Result<std::unique_ptr<Ledger>> open(const std::string& path);
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    using Guard = std::unique_lock<std::recursive_mutex>;
    Guard guard() const { return Guard(mutex_); }

    std::optional<Resource> find(const std::string& id) const;
    bool exists(const std::string& id) const { return find(id).has_value(); }
    /// All of that type ("" = any) at or below that id ("" = anywhere), in the order of their ids.
    std::vector<Resource> list(const std::string& type, const std::string& below = "") const;
    std::optional<Operation> operation(const std::string& id) const;
    std::vector<Operation> running() const;

    /// Writes, then shows. `unavailable` when the disk refuses; nothing has changed then.
    Result<void> commit(const Batch& batch);

    /// Small values that the program keeps: counters, keys, ids.
    std::optional<std::string> note(const std::string& name) const;
    Result<void> set_note(const std::string& name, const std::string& value);
    /// The next of a series of numbers, never given twice.
    Result<std::int64_t> next_number(const std::string& series);
    /// Drops finished operations that ended before then.
    void forget_operations(Timestamp before);

  private:
    struct Database;
    explicit Ledger(std::unique_ptr<Database> database);
    Result<void> load();

    std::unique_ptr<Database> database_;
    mutable std::recursive_mutex mutex_;
    std::map<std::string, Resource> resources_;  ///< by key_of(id)
    std::map<std::string, Operation> operations_;
    std::map<std::string, std::string> notes_;
};

}  // namespace hopyard::localcloud
