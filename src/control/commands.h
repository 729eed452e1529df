// What people ask of clusters. A command checks, writes what is wanted in one transaction together
// with its activity, wakes the reconciler and returns: nothing here waits for a cloud but
// preflight's reads. The phase has changed before the call returns (control-api.md 3.2).
//
// Every error names field or state, rule and remedy. `conflict` when the cluster's state forbids
// the command ("cluster_not_running") or somebody else's change came in between
// ("changed_meanwhile").
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
#include "cloud/clouds.h"
#include "control/account_check.h"
#include "control/facts.h"
#include "decide/preflight/preflight.h"
#include "model/cluster.h"
#include "store/store.h"

namespace hopyard::control {

/// Wakes the loops. The wake-up carries no data: what is to be done is in the store.
class Wake {
  public:
    virtual ~Wake() = default;
    virtual void wake() = 0;
    /// Only that cluster has changed: looking at one costs less than looking at all.
    virtual void wake_for(const ClusterId& /*cluster*/) { wake(); }
};

struct Caller {
    OrganisationId organisation;
    std::string actor;  ///< for the activity: the API key's name
    /// Set: a change is refused with `conflict` ("precondition_failed") unless the cluster's
    /// generation, read in the same transaction, is still this one.
    std::optional<std::int64_t> expected_generation;
    /// Set: runs in the transaction that stores the change, after it and with the cluster as it
    /// will be. When it fails nothing is stored. May be called again when the transaction is.
    std::function<Result<void>(store::Transaction&, const model::Cluster&)> also;
};

struct CreateOutcome {
    ClusterId id;
    decide::Preflight preflight;  ///< the plan, the warnings and, when refused, the findings
};

struct CommandsOptions {
    InstallationId installation;
    /// Retry writes that lost against another writer this often.
    int write_attempts = 5;
    /// Asks the cloud several things at once. Empty: one after the other, on the caller's thread.
    RunAll run_all;
};

struct Edit;

class Commands {
  public:
    Commands(store::Store& store,
             cloud::Clouds& clouds,
             Wake& wake,
             const Clock& clock,
             Random& random,
             CommandsOptions options);

    /// Gathers facts and weighs them; changes nothing.
    Result<decide::Preflight> dry_run(const Caller& caller, const model::ClusterSpec& spec);
    /// Preflight, then one transaction that stores the cluster, its secrets and the activity.
    /// Nothing is made here: the container too is claimed by the loops, so that a request that dies
    /// half-way leaves nothing behind. Refused: one error that names every blocking finding.
    Result<CreateOutcome> create(const Caller& caller, const model::ClusterSpec& spec);

    /// Tries a connection; reads only. `group`: only that one, or all when empty.
    AccountReport check_account(const cloud::Connected& connected,
                                const cloud::Features& features,
                                const std::string& group);

    Result<model::Cluster> stop(const Caller& caller, const ClusterId& id);
    Result<model::Cluster> start(const Caller& caller, const ClusterId& id);
    Result<model::Cluster> restart(const Caller& caller, const ClusterId& id);
    /// One node of a running cluster (product.md D1); a worker once the work on it has ended.
    Result<model::Cluster> restart_node(const Caller& caller,
                                        const ClusterId& id,
                                        const NodeId& node);
    /// A worker takes no new work until it is resumed; repeatable. What runs on it goes on.
    Result<model::Cluster> drain_node(const Caller& caller,
                                      const ClusterId& id,
                                      const NodeId& node);
    /// Ends a drain, and a restart that still waits for work to end; repeatable.
    Result<model::Cluster> resume_node(const Caller& caller,
                                       const ClusterId& id,
                                       const NodeId& node);
    Result<model::Cluster> terminate(const Caller& caller, const ClusterId& id);
    /// After a failure: tries again from where it stands.
    Result<model::Cluster> retry(const Caller& caller, const ClusterId& id);

    /// Raises the counts of these groups; a group that is not there is made.
    Result<model::Cluster> add_workers(const Caller& caller,
                                       const ClusterId& id,
                                       const std::vector<model::WorkerGroupSpec>& increments);
    /// Lowers the counts, never below 0; a group that reaches 0 goes. Unknown groups and zeros are
    /// tolerated (control-api.md 4.2).
    Result<model::Cluster> remove_workers(const Caller& caller,
                                          const ClusterId& id,
                                          const std::vector<model::WorkerGroupSpec>& decrements);
    /// The whole list of groups as it shall be.
    Result<model::Cluster> set_workers(const Caller& caller,
                                       const ClusterId& id,
                                       const std::vector<model::WorkerGroupSpec>& groups);
    /// The whole policy of the autoscaler as it shall be (product.md B1). Workers of its types are
    /// adopted; those of a type that it no longer names stay as static ones. Starts and stops
    /// nothing by itself.
    Result<model::Cluster> set_autoscale(const Caller& caller,
                                         const ClusterId& id,
                                         const model::AutoscaleSpec& spec);
    /// No autoscaler any more; its workers stay as static ones. Repeatable.
    Result<model::Cluster> clear_autoscale(const Caller& caller, const ClusterId& id);
    /// The autoscaler never takes that worker, until it is unprotected; repeatable.
    Result<model::Cluster> protect_node(const Caller& caller,
                                        const ClusterId& id,
                                        const NodeId& node);
    Result<model::Cluster> unprotect_node(const Caller& caller,
                                          const ClusterId& id,
                                          const NodeId& node);
    Result<model::Cluster> set_ports(const Caller& caller,
                                     const ClusterId& id,
                                     const model::Ports& ports,
                                     const std::optional<std::vector<std::string>>& sources);
    /// Of a stopped cluster (product.md B3).
    Result<model::Cluster> set_head_type(const Caller& caller,
                                         const ClusterId& id,
                                         const std::string& instance_type);
    /// Of the database node that the existing wire stores and echoes (product.md D14);
    /// `node_type` in its words: "rondb_aio", "rondb_data".
    Result<model::Cluster> set_database_type(const Caller& caller,
                                             const ClusterId& id,
                                             const std::string& node_type,
                                             const std::string& instance_type);

    /// The first administrator's password; administrators only, checked by the API.
    Result<Secret> first_password(const Caller& caller, const ClusterId& id);
    /// Makes a new one, which the head takes with its next orders; returns it. Not repeatable: each
    /// call makes another.
    struct NewPassword {
        model::Cluster cluster;
        Secret password;
    };
    Result<NewPassword> rotate_password(const Caller& caller, const ClusterId& id);

  private:
    using Change = std::function<Result<void>(Edit&)>;
    /// Reads the cluster, lets `body` change it and stores what changed, in one transaction; again
    /// when somebody else was faster.
    Result<model::Cluster> change(const Caller& caller, const ClusterId& id, const Change& body);
    Result<decide::Preflight> weigh_new(const Caller& caller,
                                        const model::ClusterSpec& spec,
                                        const ClusterId& id,
                                        decide::Facts& facts);
    Result<model::Cluster> find(const Caller& caller, const ClusterId& id);
    /// The connection that the account means, held as long as it is asked.
    Result<std::shared_ptr<const cloud::Connected>> connection(const Caller& caller,
                                                               const std::string& account);
    FactSources sources(const cloud::Connected& connected);
    decide::Facts size_facts(const Caller& caller, const model::Cluster& cluster);

    store::Store& store_;
    cloud::Clouds& clouds_;
    Wake& wake_;
    const Clock& clock_;
    Random& random_;
    CommandsOptions options_;
};

}  // namespace hopyard::control
