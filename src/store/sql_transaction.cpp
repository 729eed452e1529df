#include "store/sql_transaction.h"

#include "model/entity_json.h"
#include "store/metering.h"
#include "store/sql_rows.h"

namespace hopyard::store {
namespace {

using model::Cluster;
using model::Node;
using model::Resource;
using model::ResourceName;
using soci::into;
using soci::use;

std::string key_of(const ResourceName& name) {
    return std::to_string(static_cast<int>(name.kind)) + "/" + name.resource_group + "/" +
           name.parent + "/" + name.name;
}

/// The number of the next write. Two never get the same, as there is one writer at a time and the
/// stamps of clusters that are gone stay.
constexpr const char* next_stamp = "(SELECT COALESCE(MAX(stamp), 0) + 1 FROM stamps)";

/// What a page of an organisation's clusters is chosen by. Outlives the statement it is bound to.
class PageOfClusters {
  public:
    PageOfClusters(const OrganisationId& organisation,
                   const std::optional<ClusterPlace>& after,
                   int limit)
        : organisation_(organisation),
          after_(after),
          created_at_(after ? ms(after->created_at) : 0),
          limit_(limit) {}
    /// Of a table whose rows are clusters, with that column for their ids.
    std::string text(const std::string& id) const {
        return std::string("organisation = :o ") +
               (after_ ? "AND (created_at, " + id + ") > (:c, :i) " : "") +
               "ORDER BY created_at, " + id + " LIMIT :l";
    }
    void bind(soci::statement& statement) const {
        statement.exchange(use(organisation_.value));
        if (after_) statement.exchange(use(created_at_));
        if (after_) statement.exchange(use(after_->id.value));
        statement.exchange(use(limit_));
    }

  private:
    const OrganisationId& organisation_;
    const std::optional<ClusterPlace>& after_;
    const long long created_at_, limit_;
};

template <class Bind>
std::vector<StampedCluster> stamped_clusters(Connection& sql,
                                             const std::string& chosen,
                                             Bind bind) {
    StampedCluster row;
    long long created_at = 0, version = 0, stamp = 0, gone = 0;
    Prepared statement(
        sql,
        "SELECT cluster, organisation, created_at, version, stamp, gone FROM stamps WHERE " +
            chosen);
    statement->exchange(into(row.place.id.value));
    statement->exchange(into(row.organisation.value));
    for (long long* column : {&created_at, &version, &stamp, &gone})
        statement->exchange(into(*column));
    bind(*statement);
    statement->define_and_bind();
    statement->execute(false);
    std::vector<StampedCluster> found;
    while (statement->fetch()) {
        row.place.created_at = Timestamp(Milliseconds(created_at));
        row.version = version;
        row.stamp = stamp;
        row.is_gone = gone != 0;
        found.push_back(row);
    }
    statement.done();
    return found;
}

}  // namespace

std::optional<std::int64_t> SqlTransaction::stored_version(const char* table,
                                                           const char* key_column,
                                                           const std::string& key) {
    long long version = 0;
    const bool is_there =
        run_prepared(sql_,
                     std::string("SELECT version FROM ") + table + " WHERE " + key_column + " = :k",
                     into(version),
                     use(key));
    return is_there ? std::optional<std::int64_t>(version) : std::nullopt;
}

// --- clusters ------------------------------------------------------------------------------------

Result<std::optional<Cluster>> SqlTransaction::cluster(const ClusterId& id) {
    return guarded([&] {
        return document<Cluster>(sql_,
                                 "SELECT document FROM clusters WHERE id = :id",
                                 model::cluster_from_json,
                                 [&](soci::statement& s) { s.exchange(use(id.value)); });
    });
}

Result<std::optional<Cluster>> SqlTransaction::cluster_named(const OrganisationId& organisation,
                                                             const std::string& name) {
    return guarded([&] {
        return document<Cluster>(
            sql_,
            "SELECT document FROM clusters WHERE organisation = :o AND name = :n",
            model::cluster_from_json,
            [&](soci::statement& s) {
                s.exchange(use(organisation.value));
                s.exchange(use(name));
            });
    });
}

Result<std::vector<Cluster>> SqlTransaction::clusters() {
    return guarded([&] {
        return documents<Cluster>(sql_,
                                  "SELECT document FROM clusters ORDER BY created_at, id",
                                  model::cluster_from_json,
                                  [](soci::statement&) {});
    });
}

Result<std::vector<Cluster>> SqlTransaction::clusters_of(const OrganisationId& organisation) {
    return guarded([&] {
        return documents<Cluster>(
            sql_,
            "SELECT document FROM clusters WHERE organisation = :o ORDER BY created_at, id",
            model::cluster_from_json,
            [&](soci::statement& s) { s.exchange(use(organisation.value)); });
    });
}

Result<std::vector<Cluster>> SqlTransaction::clusters_of(const OrganisationId& organisation,
                                                         const std::optional<ClusterPlace>& after,
                                                         int limit) {
    return guarded([&] {
        const PageOfClusters page(organisation, after, limit);
        return documents<Cluster>(sql_,
                                  "SELECT document FROM clusters WHERE " + page.text("id"),
                                  model::cluster_from_json,
                                  [&](soci::statement& s) { page.bind(s); });
    });
}

Result<std::vector<StampedCluster>> SqlTransaction::written_since(
    std::int64_t stamp, const std::optional<OrganisationId>& organisation) {
    return guarded([&]() -> Result<std::vector<StampedCluster>> {
        const long long since = stamp;
        const std::string whose = organisation ? "AND organisation = :o " : "";
        const std::string present = since == 0 ? "AND gone = 0 " : "";
        return stamped_clusters(
            sql_, "stamp > :s " + whose + present + "ORDER BY stamp", [&](soci::statement& s) {
                s.exchange(use(since));
                if (organisation) s.exchange(use(organisation->value));
            });
    });
}

Result<std::optional<StampedCluster>> SqlTransaction::stamped(const ClusterId& id) {
    return guarded([&]() -> Result<std::optional<StampedCluster>> {
        const auto found = stamped_clusters(sql_,
                                            "cluster = :i AND gone = 0",
                                            [&](soci::statement& s) { s.exchange(use(id.value)); });
        return found.empty() ? std::nullopt : std::optional(found.front());
    });
}

Result<std::vector<StampedCluster>> SqlTransaction::stamped_of(
    const OrganisationId& organisation, const std::optional<ClusterPlace>& after, int limit) {
    return guarded([&]() -> Result<std::vector<StampedCluster>> {
        const PageOfClusters page(organisation, after, limit);
        return stamped_clusters(sql_, "gone = 0 AND " + page.text("cluster"), [&](auto& statement) {
            page.bind(statement);
        });
    });
}

Result<void> SqlTransaction::put(Cluster& cluster) {
    return change([&]() -> Result<void> {
        std::string holder;
        sql_ << "SELECT id FROM clusters WHERE organisation = :o AND name = :n",
            use(cluster.organisation.value), use(cluster.spec.name), into(holder);
        if (sql_.got_data() && holder != cluster.id.value) return name_taken(cluster.spec.name);
        RETURN_IF_ERROR(check_version(
            cluster.version, stored_version("clusters", "id", cluster.id.value), "the cluster"));
        Raise raise(cluster.version);
        const std::string text = model::to_json(cluster);
        const long long created_at = ms(cluster.created_at), version = cluster.version;
        sql_ << "INSERT INTO clusters (id, organisation, name, created_at, version, document) "
                "VALUES (:i, :o, :n, :c, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                "organisation = excluded.organisation, name = excluded.name, "
                "created_at = excluded.created_at, version = excluded.version, "
                "document = excluded.document",
            use(cluster.id.value), use(cluster.organisation.value), use(cluster.spec.name),
            use(created_at), use(version), use(text);
        sql_ << std::string(
                    "INSERT INTO stamps "
                    "(cluster, organisation, created_at, version, stamp, gone) "
                    "VALUES (:i, :o, :c, :v, ") +
                    next_stamp +
                    ", 0) ON CONFLICT (cluster) DO UPDATE SET version = excluded.version, "
                    "stamp = excluded.stamp, gone = 0",
            use(cluster.id.value), use(cluster.organisation.value), use(created_at), use(version);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase(const ClusterId& id) {
    return change([&]() -> Result<void> {
        std::string left;
        sql_ << "SELECT name FROM resources WHERE cluster = :c AND made = 1 LIMIT 1", use(id.value),
            into(left);
        if (sql_.got_data()) return resources_left(left.substr(left.rfind('/') + 1));
        ASSIGN_OR_RETURN(const auto rows, resources(id));
        for (const Resource& row : rows) RETURN_IF_ERROR(meter_erasure(*this, row));
        sql_ << "DELETE FROM resources WHERE cluster = :c", use(id.value);
        sql_ << "DELETE FROM nodes WHERE cluster = :c", use(id.value);
        sql_ << "DELETE FROM decisions WHERE cluster = :c", use(id.value);
        sql_ << "DELETE FROM clusters WHERE id = :c", use(id.value);
        sql_ << std::string("UPDATE stamps SET gone = 1, stamp = ") + next_stamp +
                    " WHERE cluster = :c AND gone = 0",
            use(id.value);
        return {};
    });
}

void SqlTransaction::stamp_anew(const ClusterId& cluster) {
    run_prepared(sql_,
                 std::string("UPDATE stamps SET stamp = ") + next_stamp + " WHERE cluster = :c",
                 use(cluster.value));
}

// --- nodes ---------------------------------------------------------------------------------------

Result<std::vector<Node>> SqlTransaction::nodes(const ClusterId& cluster) {
    return guarded([&] {
        return documents<Node>(
            sql_,
            "SELECT document FROM nodes WHERE cluster = :c ORDER BY ordinal, generation, id",
            model::node_from_json,
            [&](soci::statement& s) { s.exchange(use(cluster.value)); });
    });
}

Result<std::optional<Node>> SqlTransaction::node(const NodeId& id) {
    return guarded([&] {
        return document<Node>(sql_,
                              "SELECT document FROM nodes WHERE id = :i",
                              model::node_from_json,
                              [&](soci::statement& s) { s.exchange(use(id.value)); });
    });
}

Result<void> SqlTransaction::put(Node& node) {
    return change([&]() -> Result<void> {
        RETURN_IF_ERROR(
            check_version(node.version, stored_version("nodes", "id", node.id.value), "the node"));
        Raise raise(node.version);
        const std::string text = model::to_json(node);
        const long long ordinal = node.ordinal, generation = node.generation;
        const long long version = node.version;
        run_prepared(sql_,
                     "INSERT INTO nodes (id, cluster, ordinal, generation, version, document) "
                     "VALUES (:i, :c, :o, :g, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                     "cluster = excluded.cluster, ordinal = excluded.ordinal, "
                     "generation = excluded.generation, version = excluded.version, "
                     "document = excluded.document",
                     use(node.id.value),
                     use(node.cluster.value),
                     use(ordinal),
                     use(generation),
                     use(version),
                     use(text));
        stamp_anew(node.cluster);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase(const NodeId& id) {
    return change([&]() -> Result<void> {
        std::string cluster;
        sql_ << "SELECT cluster FROM nodes WHERE id = :i", use(id.value), into(cluster);
        if (!sql_.got_data()) return {};
        stamp_anew(ClusterId(cluster));
        sql_ << "DELETE FROM nodes WHERE id = :i", use(id.value);
        return {};
    });
}

// --- resources -----------------------------------------------------------------------------------

Result<std::vector<Resource>> SqlTransaction::resources(const ClusterId& cluster) {
    return guarded([&] {
        return documents<Resource>(
            sql_,
            "SELECT document FROM resources WHERE cluster = :c ORDER BY name",
            model::resource_from_json,
            [&](soci::statement& s) { s.exchange(use(cluster.value)); });
    });
}

Result<std::optional<Resource>> SqlTransaction::resource(const ResourceName& name) {
    return guarded([&] {
        const std::string key = key_of(name);
        return document<Resource>(sql_,
                                  "SELECT document FROM resources WHERE name = :n",
                                  model::resource_from_json,
                                  [&](soci::statement& s) { s.exchange(use(key)); });
    });
}

Result<std::vector<Resource>> SqlTransaction::due_operations(Timestamp now, int limit) {
    return guarded([&] {
        const long long at = ms(now), most = limit;
        return documents<Resource>(
            sql_,
            "SELECT document FROM resources WHERE look_at <= :t ORDER BY look_at, name LIMIT :l",
            model::resource_from_json,
            [&](soci::statement& s) {
                s.exchange(use(at));
                s.exchange(use(most));
            });
    });
}

Result<std::optional<Timestamp>> SqlTransaction::next_operation_at() {
    return guarded([&]() -> Result<std::optional<Timestamp>> {
        long long at = 0;
        soci::indicator present = soci::i_null;
        sql_ << "SELECT MIN(look_at) FROM resources", into(at, present);
        if (present != soci::i_ok) return std::optional<Timestamp>();
        return std::optional<Timestamp>(Timestamp(Milliseconds(at)));
    });
}

Result<void> SqlTransaction::put(Resource& resource) {
    return change([&]() -> Result<void> {
        const std::string key = key_of(resource.name);
        RETURN_IF_ERROR(check_version(
            resource.version, stored_version("resources", "name", key), "the resource"));
        Raise raise(resource.version);
        const std::string text = model::to_json(resource);
        const long long look_at = resource.operation ? ms(resource.operation->look_at) : 0;
        soci::indicator pending = resource.operation ? soci::i_ok : soci::i_null;
        const long long made = resource.made ? 1 : 0, version = resource.version;
        sql_ << "INSERT INTO resources (name, cluster, look_at, made, version, document) "
                "VALUES (:n, :c, :l, :m, :v, :d) ON CONFLICT (name) DO UPDATE SET "
                "cluster = excluded.cluster, look_at = excluded.look_at, made = excluded.made, "
                "version = excluded.version, document = excluded.document",
            use(key), use(resource.cluster.value), use(look_at, pending), use(made), use(version),
            use(text);
        raise.keep();
        raised_ = true;
        return meter(*this, resource);
    });
}

Result<void> SqlTransaction::erase(const ResourceName& name) {
    return change([&]() -> Result<void> {
        const std::string key = key_of(name);
        if (name.kind == model::ResourceKind::machine) {
            ASSIGN_OR_RETURN(const auto row, resource(name));
            if (row) RETURN_IF_ERROR(meter_erasure(*this, *row));
        }
        sql_ << "DELETE FROM resources WHERE name = :n", use(key);
        return {};
    });
}

}  // namespace hopyard::store
