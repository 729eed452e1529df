// One SQL transaction as the Transaction of store.h. Private to this module: SOCI's exceptions are
// let through here and caught by the store that runs the body.
#pragma once

#include <exception>
#include <type_traits>

#include <soci/soci.h>

#include "store/fault.h"
#include "store/row_rules.h"
#include "store/sessions.h"
#include "store/store.h"

namespace hopyard::store {

class SqlTransaction final : public Transaction {
  public:
    SqlTransaction(Connection& sql, const Secret& sealing_key, Access access)
        : sql_(sql), sealing_key_(sealing_key), access_(access) {}

    /// What a statement threw, if one did.
    std::exception_ptr failure() const { return failure_; }
    /// True when a row's version was raised in the body's hands: then it must not run again,
    /// because a row that it caught from outside would pass for the one that is stored.
    bool raised() const { return raised_; }

    Result<std::optional<model::Cluster>> cluster(const ClusterId& id) override;
    Result<std::optional<model::Cluster>> cluster_named(const OrganisationId& organisation,
                                                        const std::string& name) override;
    Result<std::vector<model::Cluster>> clusters() override;
    Result<std::vector<model::Cluster>> clusters_of(const OrganisationId& organisation) override;
    Result<std::vector<model::Cluster>> clusters_of(const OrganisationId& organisation,
                                                    const std::optional<ClusterPlace>& after,
                                                    int limit) override;
    Result<std::vector<StampedCluster>> written_since(
        std::int64_t stamp, const std::optional<OrganisationId>& organisation) override;
    Result<std::optional<StampedCluster>> stamped(const ClusterId& id) override;
    Result<std::vector<StampedCluster>> stamped_of(const OrganisationId& organisation,
                                                   const std::optional<ClusterPlace>& after,
                                                   int limit) override;
    Result<void> put(model::Cluster& cluster) override;
    Result<void> erase(const ClusterId& id) override;
    Result<std::vector<model::Node>> nodes(const ClusterId& cluster) override;
    Result<std::optional<model::Node>> node(const NodeId& id) override;
    Result<void> put(model::Node& node) override;
    Result<void> erase(const NodeId& id) override;
    Result<std::vector<model::Resource>> resources(const ClusterId& cluster) override;
    Result<std::optional<model::Resource>> resource(const model::ResourceName& name) override;
    Result<std::vector<model::Resource>> due_operations(Timestamp now, int limit) override;
    Result<std::optional<Timestamp>> next_operation_at() override;
    Result<void> put(model::Resource& resource) override;
    Result<void> erase(const model::ResourceName& name) override;
    Result<std::optional<model::MachineRun>> last_run(const ClusterId& cluster,
                                                      const std::string& machine) override;
    Result<std::vector<model::MachineRun>> runs(const RunQuery& query) override;
    Result<void> put(const model::MachineRun& run) override;
    Result<void> append(model::Activity& activity) override;
    Result<ActivityPage> activity(const ActivityQuery& query) override;
    Result<void> append(model::DecisionRecord& record) override;
    Result<std::vector<model::DecisionRecord>> decisions(const ClusterId& cluster,
                                                         std::optional<std::int64_t> before,
                                                         int limit) override;
    Result<std::optional<model::ApiKey>> api_key_by_hash(const std::string& key_hash) override;
    Result<std::vector<model::ApiKey>> api_keys(const OrganisationId& organisation) override;
    Result<void> put(model::ApiKey& key) override;
    Result<std::optional<model::Organisation>> organisation(const OrganisationId& id) override;
    Result<void> put(model::Organisation& organisation) override;
    Result<std::optional<model::Person>> person(const PersonId& id) override;
    Result<std::optional<model::Person>> person_by_email(const std::string& email) override;
    Result<std::vector<model::Person>> persons(const OrganisationId& organisation) override;
    Result<void> put(model::Person& person) override;
    Result<void> erase(const PersonId& id) override;
    Result<std::optional<model::Session>> session(const SessionId& id) override;
    Result<std::optional<model::Session>> session_by_hash(const std::string& hash) override;
    Result<std::vector<model::Session>> sessions(const PersonId& person) override;
    Result<void> put(model::Session& session) override;
    Result<void> erase(const SessionId& id) override;
    Result<void> forget_sessions(Timestamp seen_before, Timestamp begun_before) override;
    Result<std::optional<model::Invitation>> invitation_by_hash(const std::string& hash) override;
    Result<std::vector<model::Invitation>> invitations(const OrganisationId& organisation) override;
    Result<void> put(model::Invitation& invitation) override;
    Result<void> erase(const InvitationId& id) override;
    Result<void> forget_invitations(Timestamp expired_before) override;
    Result<std::vector<model::OutgoingMail>> due_mail(Timestamp now, int limit) override;
    Result<void> put(model::OutgoingMail& mail) override;
    Result<void> erase(const MailId& id) override;
    Result<std::optional<model::CloudAccount>> cloud_account(const OrganisationId& organisation,
                                                             const std::string& name) override;
    Result<std::vector<model::CloudAccount>> cloud_accounts(
        const OrganisationId& organisation) override;
    Result<std::vector<model::CloudAccount>> cloud_accounts() override;
    Result<void> put(model::CloudAccount& account) override;
    Result<void> erase_cloud_account(const OrganisationId& organisation,
                                     const std::string& name) override;
    Result<std::optional<Secret>> secret(const std::string& name) override;
    Result<void> put_secret(const std::string& name, const Secret& value) override;
    Result<void> erase_secrets(const std::string& prefix) override;
    Result<std::optional<std::string>> setting(const std::string& name) override;
    Result<void> put_setting(const std::string& name, const std::string& value) override;
    Result<std::optional<RememberedReply>> remembered(const OrganisationId& organisation,
                                                      const std::string& key) override;
    Result<void> remember(const OrganisationId& organisation,
                          const std::string& key,
                          const RememberedReply& reply) override;
    Result<void> forget_replies_before(Timestamp time) override;

  private:
    template <class Query>
    std::invoke_result_t<Query> guarded(Query query) {
        if (failure_) return pass(error_);
        try {
            return query();
        } catch (const std::exception& failure) {
            failure_ = std::current_exception();
            error_ = fault_of(failure).error;
            return pass(error_);
        }
    }
    template <class Change>
    Result<void> change(Change make) {
        if (access_ == Access::read) return write_in_read();
        return guarded(make);
    }
    /// A node of that cluster was written.
    void stamp_anew(const ClusterId& cluster);
    std::optional<std::int64_t> stored_version(const char* table,
                                               const char* key_column,
                                               const std::string& key);

    Connection& sql_;
    const Secret& sealing_key_;
    Access access_;
    std::exception_ptr failure_;
    Error error_;
    bool raised_ = false;
};

}  // namespace hopyard::store
