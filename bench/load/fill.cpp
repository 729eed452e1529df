#include "load/fill.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/keys.h"
#include "control/secrets.h"
#include "decide/lifecycle/test_snapshot.h"

namespace hopyard::bench {
namespace {

constexpr int batch = 200;

decide::Snapshot running(int number, int workers, Timestamp now) {
    model::Cluster cluster = decide::accepted_cluster(workers);
    cluster.id = cluster_id(number);
    cluster.organisation = api::default_organisation();
    cluster.spec.name = fmt::format("cluster-{:05}", number);
    cluster.spec.location = "local";
    cluster.spec.storage.account = "teamstore";
    cluster.container = "hopyard-" + cluster.id.value;
    cluster.access.user = "admin";
    cluster.created_at = cluster.phase_since = now - Seconds(3600) + Milliseconds(number);
    decide::Snapshot snapshot = decide::snapshot_of(std::move(cluster));
    snapshot.now = now;
    snapshot.listening_since = now - Seconds(1800);
    snapshot = decide::settle(std::move(snapshot));
    for (model::Node& node : snapshot.nodes) {
        node.machine_id = machine_id(node.id);
        node.seen.last_report_at = now;
        node.seen.mount_ready = true;
    }
    return snapshot;
}

/// What the orders of a head are made from; the hash costs a tenth of a second where it is made.
Result<void> put_secrets(store::Transaction& t, const ClusterId& id) {
    RETURN_IF_ERROR(t.put_secret(control::workload_key_secret(id), Secret(std::string(128, 'm'))));
    RETURN_IF_ERROR(t.put_secret(control::first_administrator_secret(id), Secret("password")));
    RETURN_IF_ERROR(t.put_secret(control::first_administrator_hash_secret(id),
                                 Secret("$y$j9T$" + std::string(60, 'x'))));
    return t.put_secret(control::storage_grant_secret(id),
                        Secret("https://teamstore.blob.local/" + id.value + "?sig=none"));
}

Result<void> put(store::Transaction& t, decide::Snapshot snapshot) {
    snapshot.cluster.version = 0;
    RETURN_IF_ERROR(t.put(snapshot.cluster));
    for (model::Node& node : snapshot.nodes) {
        node.version = 0;
        RETURN_IF_ERROR(t.put(node));
    }
    for (model::Resource& row : snapshot.resources) {
        row.version = 0;
        RETURN_IF_ERROR(t.put(row));
    }
    return put_secrets(t, snapshot.cluster.id);
}

}  // namespace

ClusterId cluster_id(int number) {
    return ClusterId(fmt::format("c-{:08}", number));
}

std::string machine_id(const NodeId& node) {
    return "/machines/" + node.value;
}

Result<Secret> fill(store::Store& store, Random& random, Timestamp now, int count, int workers) {
    for (int first = 0; first < count; first += batch) {
        const auto body = [&](store::Transaction& t) -> Result<void> {
            for (int number = first; number < std::min(count, first + batch); ++number)
                RETURN_IF_ERROR(put(t, running(number, workers, now)));
            return {};
        };
        RETURN_IF_ERROR(store.write(body));
    }
    ASSIGN_OR_RETURN(auto made,
                     api::make_key(store,
                                   random,
                                   {.organisation = api::default_organisation(),
                                    .name = "load",
                                    .scope = model::Scope::administer},
                                   now));
    return std::move(made.key);
}

Result<std::vector<model::Node>> heads_of(store::Store& store, int count) {
    std::vector<model::Node> heads;
    const auto body = [&](store::Transaction& t) -> Result<void> {
        heads.clear();
        for (int number = 0; number < count; ++number) {
            ASSIGN_OR_RETURN(const auto nodes, t.nodes(cluster_id(number)));
            for (const model::Node& node : nodes)
                if (node.is_head) heads.push_back(node);
        }
        return {};
    };
    RETURN_IF_ERROR(store.read(body));
    return heads;
}

}  // namespace hopyard::bench
