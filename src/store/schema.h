// The tables, as numbered migrations. SQLite and PostgreSQL take the same text. Private to this
// module.
#pragma once

#include <string_view>
#include <vector>

namespace hopyard::store {

struct Migration {
    int version;
    std::vector<std::string_view> statements;
};

/// In order; the last version is the one this program speaks.
inline const std::vector<Migration>& migrations() {
    static const std::vector<Migration> list = {
        {1,
         {
             "CREATE TABLE clusters (id VARCHAR(64) PRIMARY KEY, organisation VARCHAR(64) NOT "
             "NULL, "
             "name VARCHAR(128) NOT NULL, created_at BIGINT NOT NULL, version BIGINT NOT NULL, "
             "document TEXT NOT NULL, UNIQUE (organisation, name))",
             "CREATE TABLE nodes (id VARCHAR(128) PRIMARY KEY, cluster VARCHAR(64) NOT NULL, "
             "ordinal BIGINT NOT NULL, generation BIGINT NOT NULL, version BIGINT NOT NULL, "
             "document TEXT NOT NULL)",
             "CREATE INDEX nodes_of_cluster ON nodes (cluster, ordinal, generation)",
             "CREATE TABLE resources (name VARCHAR(512) PRIMARY KEY, cluster VARCHAR(64) NOT NULL, "
             "look_at BIGINT, made BIGINT NOT NULL, version BIGINT NOT NULL, document TEXT NOT "
             "NULL)",
             "CREATE INDEX resources_of_cluster ON resources (cluster)",
             "CREATE INDEX resources_due ON resources (look_at)",
             "CREATE TABLE activity (sequence BIGINT PRIMARY KEY, organisation VARCHAR(64) NOT "
             "NULL, "
             "cluster VARCHAR(64) NOT NULL, document TEXT NOT NULL)",
             "CREATE INDEX activity_of_cluster ON activity (cluster, sequence)",
             "CREATE TABLE api_keys (id VARCHAR(64) PRIMARY KEY, organisation VARCHAR(64) NOT "
             "NULL, "
             "key_hash VARCHAR(64) NOT NULL UNIQUE, version BIGINT NOT NULL, document TEXT NOT "
             "NULL)",
             "CREATE TABLE secrets (name VARCHAR(256) PRIMARY KEY, sealed TEXT NOT NULL)",
             "CREATE TABLE settings (name VARCHAR(256) PRIMARY KEY, value TEXT NOT NULL)",
             "CREATE TABLE replies (organisation VARCHAR(64) NOT NULL, name VARCHAR(256) NOT NULL, "
             "request_hash VARCHAR(64) NOT NULL, status BIGINT NOT NULL, body TEXT NOT NULL, "
             "at BIGINT NOT NULL, PRIMARY KEY (organisation, name))",
             "CREATE TABLE leases (name VARCHAR(64) PRIMARY KEY, holder VARCHAR(256) NOT NULL, "
             "generation BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
         }},
    };
    return list;
}

}  // namespace hopyard::store
