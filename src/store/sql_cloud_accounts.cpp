// The rest of SqlTransaction: cloud accounts.
#include "model/entity_json.h"
#include "store/sql_rows.h"
#include "store/sql_transaction.h"

namespace hopyard::store {

using model::CloudAccount;
using soci::into;
using soci::use;

Result<std::optional<CloudAccount>> SqlTransaction::cloud_account(
    const OrganisationId& organisation, const std::string& name) {
    return guarded([&] {
        return document<CloudAccount>(
            sql_,
            "SELECT document FROM cloud_accounts WHERE organisation = :o AND name = :n",
            model::cloud_account_from_json,
            [&](soci::statement& s) {
                s.exchange(use(organisation.value));
                s.exchange(use(name));
            });
    });
}

Result<std::vector<CloudAccount>> SqlTransaction::cloud_accounts(
    const OrganisationId& organisation) {
    return guarded([&] {
        return documents<CloudAccount>(
            sql_,
            "SELECT document FROM cloud_accounts WHERE organisation = :o ORDER BY name",
            model::cloud_account_from_json,
            [&](soci::statement& s) { s.exchange(use(organisation.value)); });
    });
}

Result<std::vector<CloudAccount>> SqlTransaction::cloud_accounts() {
    return guarded([&] {
        return documents<CloudAccount>(
            sql_,
            "SELECT document FROM cloud_accounts ORDER BY organisation, name",
            model::cloud_account_from_json,
            [](soci::statement&) {});
    });
}

Result<void> SqlTransaction::put(CloudAccount& account) {
    return change([&]() -> Result<void> {
        long long stored = 0;
        sql_ << "SELECT version FROM cloud_accounts WHERE organisation = :o AND name = :n",
            use(account.organisation.value), use(account.name), into(stored);
        RETURN_IF_ERROR(
            check_version(account.version,
                          sql_.got_data() ? std::optional<std::int64_t>(stored) : std::nullopt,
                          "the cloud account"));
        Raise raise(account.version);
        const std::string text = model::to_json(account);
        const long long version = account.version;
        sql_ << "INSERT INTO cloud_accounts (organisation, name, version, document) "
                "VALUES (:o, :n, :v, :d) ON CONFLICT (organisation, name) DO UPDATE SET "
                "version = excluded.version, document = excluded.document",
            use(account.organisation.value), use(account.name), use(version), use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase_cloud_account(const OrganisationId& organisation,
                                                 const std::string& name) {
    return change([&]() -> Result<void> {
        sql_ << "DELETE FROM cloud_accounts WHERE organisation = :o AND name = :n",
            use(organisation.value), use(name);
        return {};
    });
}

}  // namespace hopyard::store
