#include "store/schema.h"

namespace hopyard::store {

const std::vector<Migration>& migrations() {
    static const std::vector<Migration> list = {
        {1,
         {
             "CREATE TABLE clusters (id KEY PRIMARY KEY, organisation KEY NOT NULL, "
             "name KEY NOT NULL, created_at BIGINT NOT NULL, version BIGINT NOT NULL, "
             "document TEXT NOT NULL, UNIQUE (organisation, name))",
             "CREATE TABLE nodes (id KEY PRIMARY KEY, "
             "cluster KEY NOT NULL REFERENCES clusters (id), ordinal BIGINT NOT NULL, "
             "generation BIGINT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX nodes_of_cluster ON nodes (cluster, ordinal, generation)",
             "CREATE TABLE resources (name KEY PRIMARY KEY, "
             "cluster KEY NOT NULL REFERENCES clusters (id), look_at BIGINT, "
             "made BIGINT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX resources_of_cluster ON resources (cluster)",
             "CREATE INDEX resources_due ON resources (look_at)",
             "CREATE TABLE activity (sequence BIGINT PRIMARY KEY, organisation KEY NOT NULL, "
             "cluster KEY NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX activity_of_organisation ON activity (organisation, sequence)",
             "CREATE INDEX activity_of_cluster ON activity (cluster, sequence)",
             "CREATE TABLE api_keys (id KEY PRIMARY KEY, organisation KEY NOT NULL, "
             "key_hash KEY NOT NULL UNIQUE, version BIGINT NOT NULL, document TEXT NOT NULL)",
             "CREATE TABLE secrets (name KEY PRIMARY KEY, sealed TEXT NOT NULL)",
             "CREATE TABLE settings (name KEY PRIMARY KEY, value TEXT NOT NULL)",
             "CREATE TABLE replies (organisation KEY NOT NULL, name KEY NOT NULL, "
             "request_hash TEXT NOT NULL, status BIGINT NOT NULL, body TEXT NOT NULL, "
             "at BIGINT NOT NULL, PRIMARY KEY (organisation, name))",
             "CREATE TABLE leases (name KEY PRIMARY KEY, holder TEXT NOT NULL, "
             "generation BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
         }},
        {2,
         {
             "CREATE TABLE organisations (id KEY PRIMARY KEY, version BIGINT NOT NULL, "
             "document TEXT NOT NULL)",
             "CREATE TABLE persons (id KEY PRIMARY KEY, organisation KEY NOT NULL, "
             "email KEY NOT NULL UNIQUE, joined_at BIGINT NOT NULL, version BIGINT NOT NULL, "
             "document TEXT NOT NULL)",
             "CREATE INDEX persons_of_organisation ON persons (organisation, joined_at)",
             "CREATE TABLE sessions (id KEY PRIMARY KEY, person KEY NOT NULL, "
             "token_hash KEY NOT NULL UNIQUE, created_at BIGINT NOT NULL, "
             "last_seen_at BIGINT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX sessions_of_person ON sessions (person, created_at)",
             "CREATE TABLE invitations (id KEY PRIMARY KEY, organisation KEY NOT NULL, "
             "token_hash KEY NOT NULL UNIQUE, created_at BIGINT NOT NULL, "
             "expires_at BIGINT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX invitations_of_organisation ON invitations (organisation, created_at)",
         }},
        {3,
         {
             "CREATE TABLE runs (cluster KEY NOT NULL, machine KEY NOT NULL, "
             "started_at BIGINT NOT NULL, ended_at BIGINT, organisation KEY NOT NULL, "
             "document TEXT NOT NULL, PRIMARY KEY (cluster, machine, started_at))",
             "CREATE INDEX runs_of_organisation ON runs (organisation, started_at)",
             "CREATE INDEX clusters_in_order ON clusters (organisation, created_at, id)",
         }},
        {4,
         {
             "CREATE TABLE cloud_accounts (organisation KEY NOT NULL, name KEY NOT NULL, "
             "version BIGINT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (organisation, name))",
         }},
        {5,
         {
             "CREATE TABLE outgoing_mail (id KEY PRIMARY KEY, send_at BIGINT NOT NULL, "
             "version BIGINT NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX outgoing_mail_due ON outgoing_mail (send_at)",
         }},
        {6,
         {
             // All that stamps are made of, so that no document is passed on the way.
             "CREATE INDEX stamps_of_clusters ON clusters (organisation, id, version)",
             "CREATE INDEX stamps_of_nodes ON nodes (cluster, version, generation)",
         }},
        {7,
         {
             "CREATE TABLE decisions (cluster KEY NOT NULL, number BIGINT NOT NULL, "
             "document TEXT NOT NULL, PRIMARY KEY (cluster, number))",
         }},
        {8,
         {
             // A stamp is read in one step of one index, whatever the cluster consists of.
             "CREATE TABLE stamps (cluster KEY PRIMARY KEY, organisation KEY NOT NULL, "
             "created_at BIGINT NOT NULL, version BIGINT NOT NULL, stamp BIGINT NOT NULL UNIQUE, "
             "gone BIGINT NOT NULL)",
             "INSERT INTO stamps SELECT id, organisation, created_at, version, "
             "ROW_NUMBER() OVER (ORDER BY created_at, id), 0 FROM clusters",
             "CREATE INDEX stamps_in_order ON stamps (organisation, gone, created_at, cluster)",
             "DROP INDEX stamps_of_clusters",
             "DROP INDEX stamps_of_nodes",
         }},
    };
    return list;
}

std::string in_dialect(Dialect dialect, std::string_view statement) {
    const std::string_view key = dialect == Dialect::sqlite ? "TEXT" : "TEXT COLLATE \"C\"";
    std::string out;
    for (std::size_t at = 0; at < statement.size();) {
        const std::string_view rest = statement.substr(at);
        // "PRIMARY KEY" is SQL's own word; ours always follows a column's name in lower case.
        const bool ours = rest.starts_with("KEY") && at >= 2 && statement[at - 2] >= 'a' &&
                          statement[at - 2] <= 'z';
        out += ours ? key : rest.substr(0, 1);
        at += ours ? 3 : 1;
    }
    return out;
}

}  // namespace hopyard::store
