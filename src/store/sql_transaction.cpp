#include "store/sql_transaction.h"

#include "model/entity_json.h"
#include "store/sealing.h"

namespace hopyard::store {
namespace {

using model::Activity;
using model::ApiKey;
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

long long ms(Timestamp time) {
    return time.time_since_epoch().count();
}

template <class Row>
using Reader = Result<Row> (*)(std::string_view);

/// Runs a query whose one column is a document; the binder adds the parameters.
template <class Row, class Bind>
Result<std::vector<Row>> documents(soci::session& sql,
                                   const std::string& query,
                                   Reader<Row> reader,
                                   Bind bind) {
    std::string document;
    soci::statement statement(sql);
    statement.exchange(into(document));
    bind(statement);
    statement.alloc();
    statement.prepare(query);
    statement.define_and_bind();
    statement.execute(false);
    std::vector<Row> rows;
    while (statement.fetch()) {
        auto row = reader(document);
        if (!row) return pass(std::move(row).error());
        rows.push_back(std::move(*row));
    }
    return rows;
}

template <class Row, class Bind>
Result<std::optional<Row>> document(soci::session& sql,
                                    const std::string& query,
                                    Reader<Row> reader,
                                    Bind bind) {
    ASSIGN_OR_RETURN(auto rows, documents<Row>(sql, query, reader, bind));
    if (rows.empty()) return std::optional<Row>();
    return std::optional<Row>(std::move(rows.front()));
}

/// The version rule of store.h: `exists` tells whether the key is there, and with which version.
Result<void> check_version(std::int64_t wanted, std::optional<long long> stored, const char* what) {
    if (wanted == 0 && stored)
        return fail(ErrorKind::already_exists, "row_exists", std::string(what) + " exists already");
    if (wanted != 0 && (!stored || *stored != wanted))
        return fail(ErrorKind::conflict,
                    "changed_meanwhile",
                    std::string(what) + " was changed by somebody else");
    return {};
}

std::optional<long long> stored_version(soci::session& sql,
                                        const std::string& table,
                                        const std::string& key_column,
                                        const std::string& key) {
    long long version = 0;
    sql << "SELECT version FROM " + table + " WHERE " + key_column + " = :k", use(key),
        into(version);
    if (!sql.got_data()) return std::nullopt;
    return version;
}

}  // namespace

// --- clusters ----------------------------------------------------------------------------------

Result<std::optional<Cluster>> SqlTransaction::cluster(const ClusterId& id) {
    return document<Cluster>(sql_,
                             "SELECT document FROM clusters WHERE id = :id",
                             model::cluster_from_json,
                             [&](soci::statement& s) { s.exchange(use(id.value)); });
}

Result<std::optional<Cluster>> SqlTransaction::cluster_named(const OrganisationId& organisation,
                                                             const std::string& name) {
    return document<Cluster>(sql_,
                             "SELECT document FROM clusters WHERE organisation = :o AND name = :n",
                             model::cluster_from_json,
                             [&](soci::statement& s) {
                                 s.exchange(use(organisation.value));
                                 s.exchange(use(name));
                             });
}

Result<std::vector<Cluster>> SqlTransaction::clusters() {
    return documents<Cluster>(sql_,
                              "SELECT document FROM clusters ORDER BY created_at, id",
                              model::cluster_from_json,
                              [](soci::statement&) {});
}

Result<std::vector<Cluster>> SqlTransaction::clusters_of(const OrganisationId& organisation) {
    return documents<Cluster>(
        sql_,
        "SELECT document FROM clusters WHERE organisation = :o ORDER BY created_at, id",
        model::cluster_from_json,
        [&](soci::statement& s) { s.exchange(use(organisation.value)); });
}

Result<void> SqlTransaction::put(Cluster& cluster) {
    ASSIGN_OR_RETURN(const auto same_name, cluster_named(cluster.organisation, cluster.spec.name));
    if (same_name && same_name->id != cluster.id)
        return fail(ErrorKind::already_exists,
                    "name_taken",
                    "another cluster is named '" + cluster.spec.name + "'");
    RETURN_IF_ERROR(check_version(
        cluster.version, stored_version(sql_, "clusters", "id", cluster.id.value), "the cluster"));
    ++cluster.version;
    const std::string text = model::to_json(cluster);
    const long long created_at = ms(cluster.created_at), version = cluster.version;
    sql_ << "INSERT INTO clusters (id, organisation, name, created_at, version, document) "
            "VALUES (:i, :o, :n, :c, :v, :d) ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
            "version = excluded.version, document = excluded.document",
        use(cluster.id.value), use(cluster.organisation.value), use(cluster.spec.name),
        use(created_at), use(version), use(text);
    return {};
}

Result<void> SqlTransaction::erase(const ClusterId& id) {
    std::string left;
    sql_ << "SELECT name FROM resources WHERE cluster = :c AND made = 1 LIMIT 1", use(id.value),
        into(left);
    if (sql_.got_data())
        return fail(ErrorKind::conflict, "resources_left", "the cluster still has '" + left + "'");
    sql_ << "DELETE FROM resources WHERE cluster = :c", use(id.value);
    sql_ << "DELETE FROM nodes WHERE cluster = :c", use(id.value);
    sql_ << "DELETE FROM clusters WHERE id = :c", use(id.value);
    return {};
}

// --- nodes -------------------------------------------------------------------------------------

Result<std::vector<Node>> SqlTransaction::nodes(const ClusterId& cluster) {
    return documents<Node>(
        sql_,
        "SELECT document FROM nodes WHERE cluster = :c ORDER BY ordinal, generation",
        model::node_from_json,
        [&](soci::statement& s) { s.exchange(use(cluster.value)); });
}

Result<std::optional<Node>> SqlTransaction::node(const NodeId& id) {
    return document<Node>(sql_,
                          "SELECT document FROM nodes WHERE id = :i",
                          model::node_from_json,
                          [&](soci::statement& s) { s.exchange(use(id.value)); });
}

Result<void> SqlTransaction::put(Node& node) {
    RETURN_IF_ERROR(check_version(
        node.version, stored_version(sql_, "nodes", "id", node.id.value), "the node"));
    ++node.version;
    const std::string text = model::to_json(node);
    const long long ordinal = node.ordinal, generation = node.generation, version = node.version;
    sql_ << "INSERT INTO nodes (id, cluster, ordinal, generation, version, document) "
            "VALUES (:i, :c, :o, :g, :v, :d) ON CONFLICT (id) DO UPDATE SET "
            "version = excluded.version, document = excluded.document",
        use(node.id.value), use(node.cluster.value), use(ordinal), use(generation), use(version),
        use(text);
    return {};
}

Result<void> SqlTransaction::erase(const NodeId& id) {
    sql_ << "DELETE FROM nodes WHERE id = :i", use(id.value);
    return {};
}

// --- resources ---------------------------------------------------------------------------------

Result<std::vector<Resource>> SqlTransaction::resources(const ClusterId& cluster) {
    return documents<Resource>(sql_,
                               "SELECT document FROM resources WHERE cluster = :c ORDER BY name",
                               model::resource_from_json,
                               [&](soci::statement& s) { s.exchange(use(cluster.value)); });
}

Result<std::optional<Resource>> SqlTransaction::resource(const ResourceName& name) {
    const std::string key = key_of(name);
    return document<Resource>(sql_,
                              "SELECT document FROM resources WHERE name = :n",
                              model::resource_from_json,
                              [&](soci::statement& s) { s.exchange(use(key)); });
}

Result<std::vector<Resource>> SqlTransaction::due_operations(Timestamp now, int limit) {
    const long long at = ms(now), most = limit;
    return documents<Resource>(
        sql_,
        "SELECT document FROM resources WHERE look_at <= :t ORDER BY look_at, name LIMIT :l",
        model::resource_from_json,
        [&](soci::statement& s) {
            s.exchange(use(at));
            s.exchange(use(most));
        });
}

Result<std::optional<Timestamp>> SqlTransaction::next_operation_at() {
    long long at = 0;
    soci::indicator present = soci::i_null;
    sql_ << "SELECT MIN(look_at) FROM resources", into(at, present);
    if (present != soci::i_ok) return std::optional<Timestamp>();
    return std::optional<Timestamp>(Timestamp(Milliseconds(at)));
}

Result<void> SqlTransaction::put(Resource& resource) {
    const std::string key = key_of(resource.name);
    RETURN_IF_ERROR(check_version(
        resource.version, stored_version(sql_, "resources", "name", key), "the resource"));
    ++resource.version;
    const std::string text = model::to_json(resource);
    const long long look_at = resource.operation ? ms(resource.operation->look_at) : 0;
    soci::indicator pending = resource.operation ? soci::i_ok : soci::i_null;
    const long long made = resource.made ? 1 : 0, version = resource.version;
    sql_ << "INSERT INTO resources (name, cluster, look_at, made, version, document) "
            "VALUES (:n, :c, :l, :m, :v, :d) ON CONFLICT (name) DO UPDATE SET "
            "look_at = excluded.look_at, made = excluded.made, version = excluded.version, "
            "document = excluded.document",
        use(key), use(resource.cluster.value), use(look_at, pending), use(made), use(version),
        use(text);
    return {};
}

Result<void> SqlTransaction::erase(const ResourceName& name) {
    const std::string key = key_of(name);
    sql_ << "DELETE FROM resources WHERE name = :n", use(key);
    return {};
}

// --- activity ----------------------------------------------------------------------------------

Result<void> SqlTransaction::append(Activity& activity) {
    long long last = 0;
    sql_ << "SELECT COALESCE(MAX(sequence), 0) FROM activity", into(last);
    activity.sequence = last + 1;
    const long long sequence = activity.sequence;
    const std::string text = model::to_json(activity);
    sql_ << "INSERT INTO activity (sequence, organisation, cluster, document) VALUES (:s, :o, :c, "
            ":d)",
        use(sequence), use(activity.organisation.value), use(activity.cluster.value), use(text);
    return {};
}

Result<ActivityPage> SqlTransaction::activity(const ActivityQuery& query) {
    std::string text = "SELECT document FROM activity WHERE organisation = :o";
    if (query.cluster) text += " AND cluster = :c";
    if (query.before) text += " AND sequence < :b";
    if (query.after) text += " AND sequence > :a";
    text += query.after ? " ORDER BY sequence LIMIT :l" : " ORDER BY sequence DESC LIMIT :l";
    const long long before = query.before.value_or(0), after = query.after.value_or(0);
    const long long most = query.limit + 1LL;
    ASSIGN_OR_RETURN(
        auto rows,
        documents<Activity>(sql_, text, model::activity_from_json, [&](soci::statement& s) {
            s.exchange(use(query.organisation.value));
            if (query.cluster) s.exchange(use(query.cluster->value));
            if (query.before) s.exchange(use(before));
            if (query.after) s.exchange(use(after));
            s.exchange(use(most));
        }));
    ActivityPage page{.entries = std::move(rows)};
    if (page.entries.size() > static_cast<std::size_t>(query.limit)) {
        page.entries.resize(static_cast<std::size_t>(query.limit));
        if (!query.after) page.next_before = page.entries.back().sequence;
    }
    return page;
}

// --- keys, secrets, settings, replies ----------------------------------------------------------

Result<std::optional<ApiKey>> SqlTransaction::api_key_by_hash(const std::string& key_hash) {
    return document<ApiKey>(sql_,
                            "SELECT document FROM api_keys WHERE key_hash = :h",
                            model::api_key_from_json,
                            [&](soci::statement& s) { s.exchange(use(key_hash)); });
}

Result<std::vector<ApiKey>> SqlTransaction::api_keys(const OrganisationId& organisation) {
    return documents<ApiKey>(sql_,
                             "SELECT document FROM api_keys WHERE organisation = :o ORDER BY id",
                             model::api_key_from_json,
                             [&](soci::statement& s) { s.exchange(use(organisation.value)); });
}

Result<void> SqlTransaction::put(ApiKey& key) {
    RETURN_IF_ERROR(check_version(
        key.version, stored_version(sql_, "api_keys", "id", key.id.value), "the API key"));
    ++key.version;
    const std::string text = model::to_json(key);
    const long long version = key.version;
    sql_ << "INSERT INTO api_keys (id, organisation, key_hash, version, document) "
            "VALUES (:i, :o, :h, :v, :d) ON CONFLICT (id) DO UPDATE SET "
            "version = excluded.version, document = excluded.document",
        use(key.id.value), use(key.organisation.value), use(key.key_hash), use(version), use(text);
    return {};
}

Result<std::optional<Secret>> SqlTransaction::secret(const std::string& name) {
    std::string sealed;
    sql_ << "SELECT sealed FROM secrets WHERE name = :n", use(name), into(sealed);
    if (!sql_.got_data()) return std::optional<Secret>();
    ASSIGN_OR_RETURN(auto value, unseal(sealing_key_, name, sealed));
    return std::optional<Secret>(std::move(value));
}

Result<void> SqlTransaction::put_secret(const std::string& name, const Secret& value) {
    const std::string sealed = seal(sealing_key_, name, value);
    sql_ << "INSERT INTO secrets (name, sealed) VALUES (:n, :s) "
            "ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
        use(name), use(sealed);
    return {};
}

Result<void> SqlTransaction::erase_secrets(const std::string& prefix) {
    const long long length = static_cast<long long>(prefix.size());
    sql_ << "DELETE FROM secrets WHERE substr(name, 1, CAST(:l AS INTEGER)) = :p", use(length),
        use(prefix);
    return {};
}

Result<std::optional<std::string>> SqlTransaction::setting(const std::string& name) {
    std::string value;
    sql_ << "SELECT value FROM settings WHERE name = :n", use(name), into(value);
    if (!sql_.got_data()) return std::optional<std::string>();
    return std::optional<std::string>(value);
}

Result<void> SqlTransaction::put_setting(const std::string& name, const std::string& value) {
    sql_ << "INSERT INTO settings (name, value) VALUES (:n, :v) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        use(name), use(value);
    return {};
}

Result<std::optional<RememberedReply>> SqlTransaction::remembered(
    const OrganisationId& organisation, const std::string& key) {
    RememberedReply reply;
    long long status = 0, at = 0;
    sql_ << "SELECT request_hash, status, body, at FROM replies WHERE organisation = :o AND name = "
            ":n",
        use(organisation.value), use(key), into(reply.request_hash), into(status), into(reply.body),
        into(at);
    if (!sql_.got_data()) return std::optional<RememberedReply>();
    reply.status = static_cast<int>(status);
    reply.at = Timestamp(Milliseconds(at));
    return std::optional<RememberedReply>(std::move(reply));
}

Result<void> SqlTransaction::remember(const OrganisationId& organisation,
                                      const std::string& key,
                                      const RememberedReply& reply) {
    const long long status = reply.status, at = ms(reply.at);
    sql_ << "INSERT INTO replies (organisation, name, request_hash, status, body, at) "
            "VALUES (:o, :n, :h, :s, :b, :a) ON CONFLICT (organisation, name) DO UPDATE SET "
            "request_hash = excluded.request_hash, status = excluded.status, "
            "body = excluded.body, at = excluded.at",
        use(organisation.value), use(key), use(reply.request_hash), use(status), use(reply.body),
        use(at);
    return {};
}

Result<void> SqlTransaction::forget_replies_before(Timestamp time) {
    const long long at = ms(time);
    sql_ << "DELETE FROM replies WHERE at < :t", use(at);
    return {};
}

}  // namespace hopyard::store
