// The rest of SqlTransaction: the record of what happened, keys, secrets, settings, replies.
#include "model/entity_json.h"
#include "store/sealing.h"
#include "store/sql_rows.h"
#include "store/sql_transaction.h"

namespace hopyard::store {

using model::Activity;
using model::ApiKey;
using soci::into;
using soci::use;

Result<void> SqlTransaction::append(Activity& activity) {
    return change([&]() -> Result<void> {
        long long last = 0;
        sql_ << "SELECT COALESCE(MAX(sequence), 0) FROM activity", into(last);
        activity.sequence = last + 1;
        const long long sequence = activity.sequence;
        const std::string text = model::to_json(activity);
        sql_ << "INSERT INTO activity (sequence, organisation, cluster, document) "
                "VALUES (:s, :o, :c, :d)",
            use(sequence), use(activity.organisation.value), use(activity.cluster.value), use(text);
        return {};
    });
}

Result<ActivityPage> SqlTransaction::activity(const ActivityQuery& query) {
    return guarded([&]() -> Result<ActivityPage> {
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
    });
}

Result<std::optional<ApiKey>> SqlTransaction::api_key_by_hash(const std::string& key_hash) {
    return guarded([&] {
        return document<ApiKey>(sql_,
                                "SELECT document FROM api_keys WHERE key_hash = :h",
                                model::api_key_from_json,
                                [&](soci::statement& s) { s.exchange(use(key_hash)); });
    });
}

Result<std::vector<ApiKey>> SqlTransaction::api_keys(const OrganisationId& organisation) {
    return guarded([&] {
        return documents<ApiKey>(
            sql_,
            "SELECT document FROM api_keys WHERE organisation = :o ORDER BY id",
            model::api_key_from_json,
            [&](soci::statement& s) { s.exchange(use(organisation.value)); });
    });
}

Result<void> SqlTransaction::put(ApiKey& key) {
    return change([&]() -> Result<void> {
        std::string holder;
        sql_ << "SELECT id FROM api_keys WHERE key_hash = :h", use(key.key_hash), into(holder);
        if (sql_.got_data() && holder != key.id.value) return key_taken();
        RETURN_IF_ERROR(check_version(
            key.version, stored_version("api_keys", "id", key.id.value), "the API key"));
        Raise raise(key.version);
        const std::string text = model::to_json(key);
        const long long version = key.version;
        sql_ << "INSERT INTO api_keys (id, organisation, key_hash, version, document) "
                "VALUES (:i, :o, :h, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                "organisation = excluded.organisation, key_hash = excluded.key_hash, "
                "version = excluded.version, document = excluded.document",
            use(key.id.value), use(key.organisation.value), use(key.key_hash), use(version),
            use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<std::optional<Secret>> SqlTransaction::secret(const std::string& name) {
    return guarded([&]() -> Result<std::optional<Secret>> {
        std::string sealed;
        sql_ << "SELECT sealed FROM secrets WHERE name = :n", use(name), into(sealed);
        if (!sql_.got_data()) return std::optional<Secret>();
        ASSIGN_OR_RETURN(auto value, unseal(sealing_key_, name, sealed));
        return std::optional<Secret>(std::move(value));
    });
}

Result<void> SqlTransaction::put_secret(const std::string& name, const Secret& value) {
    return change([&]() -> Result<void> {
        const std::string sealed = seal(sealing_key_, name, value);
        sql_ << "INSERT INTO secrets (name, sealed) VALUES (:n, :s) "
                "ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
            use(name), use(sealed);
        return {};
    });
}

Result<void> SqlTransaction::erase_secrets(const std::string& prefix) {
    return change([&]() -> Result<void> {
        const std::string pattern_end = prefix + "\x7f";  // names are paths in ASCII
        sql_ << "DELETE FROM secrets WHERE name >= :p AND name < :q", use(prefix), use(pattern_end);
        return {};
    });
}

Result<std::optional<std::string>> SqlTransaction::setting(const std::string& name) {
    return guarded([&]() -> Result<std::optional<std::string>> {
        std::string value;
        sql_ << "SELECT value FROM settings WHERE name = :n", use(name), into(value);
        if (!sql_.got_data()) return std::optional<std::string>();
        return std::optional<std::string>(value);
    });
}

Result<void> SqlTransaction::put_setting(const std::string& name, const std::string& value) {
    return change([&]() -> Result<void> {
        sql_ << "INSERT INTO settings (name, value) VALUES (:n, :v) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            use(name), use(value);
        return {};
    });
}

Result<std::optional<RememberedReply>> SqlTransaction::remembered(
    const OrganisationId& organisation, const std::string& key) {
    return guarded([&]() -> Result<std::optional<RememberedReply>> {
        RememberedReply reply;
        long long status = 0, at = 0;
        sql_ << "SELECT request_hash, status, body, at FROM replies "
                "WHERE organisation = :o AND name = :n",
            use(organisation.value), use(key), into(reply.request_hash), into(status),
            into(reply.body), into(at);
        if (!sql_.got_data()) return std::optional<RememberedReply>();
        reply.status = static_cast<int>(status);
        reply.at = Timestamp(Milliseconds(at));
        return std::optional<RememberedReply>(std::move(reply));
    });
}

Result<void> SqlTransaction::remember(const OrganisationId& organisation,
                                      const std::string& key,
                                      const RememberedReply& reply) {
    return change([&]() -> Result<void> {
        const long long status = reply.status, at = ms(reply.at);
        sql_ << "INSERT INTO replies (organisation, name, request_hash, status, body, at) "
                "VALUES (:o, :n, :h, :s, :b, :a) ON CONFLICT (organisation, name) DO UPDATE SET "
                "request_hash = excluded.request_hash, status = excluded.status, "
                "body = excluded.body, at = excluded.at",
            use(organisation.value), use(key), use(reply.request_hash), use(status),
            use(reply.body), use(at);
        return {};
    });
}

Result<void> SqlTransaction::forget_replies_before(Timestamp time) {
    return change([&]() -> Result<void> {
        const long long at = ms(time);
        sql_ << "DELETE FROM replies WHERE at < :t", use(at);
        return {};
    });
}

}  // namespace hopyard::store
