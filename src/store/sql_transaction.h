// One SQL transaction as the Transaction of store.h. Private to this module: SOCI's exceptions are
// let through here and caught by the store that runs the body.
#pragma once

#include <soci/soci.h>

#include "store/store.h"

namespace hopyard::store {

class SqlTransaction final : public Transaction {
  public:
    SqlTransaction(soci::session& sql, const Secret& sealing_key)
        : sql_(sql), sealing_key_(sealing_key) {}

    Result<std::optional<model::Cluster>> cluster(const ClusterId& id) override;
    Result<std::optional<model::Cluster>> cluster_named(const OrganisationId& organisation,
                                                        const std::string& name) override;
    Result<std::vector<model::Cluster>> clusters() override;
    Result<std::vector<model::Cluster>> clusters_of(const OrganisationId& organisation) override;
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
    Result<void> append(model::Activity& activity) override;
    Result<ActivityPage> activity(const ActivityQuery& query) override;
    Result<std::optional<model::ApiKey>> api_key_by_hash(const std::string& key_hash) override;
    Result<std::vector<model::ApiKey>> api_keys(const OrganisationId& organisation) override;
    Result<void> put(model::ApiKey& key) override;
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
    soci::session& sql_;
    const Secret& sealing_key_;
};

}  // namespace hopyard::store
