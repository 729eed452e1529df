#include "apps/connections.h"

#include "azure/needed_rights.h"

namespace hopyard::apps {
namespace {

/// As an added account reaches the cloud: like the installation's own connection, but for the
/// subscription and the way to sign in.
azure::Config config_of(const azure::Config& own,
                        const model::CloudAccount& account,
                        const Secret& client_secret) {
    azure::Config config = own;
    azure::Options& options = config.options;
    options.subscription = account.subscription;
    options.tenant = account.tenant;
    options.credentials = {
        .client_id = account.client_id,
        .client_secret = client_secret,
        .federated_token_file = {},
        .managed_identity = account.sign_in == model::CloudSignIn::managed_identity};
    return config;
}

template <class T>
std::shared_ptr<const cloud::Connected> connected(const std::shared_ptr<T>& link) {
    return {link, &link->connected};
}

}  // namespace

CloudLink::CloudLink(const azure::Config& config,
                     store::Store& store,
                     const Clock& clock,
                     Random& random,
                     control::PricedCatalog::RunLater later)
    : manager(config.manager_client),
      blob(config.blob_client),
      connection(config.options, manager, blob, clock, random),
      catalog(connection.catalog(),
              connection.prices(),
              store,
              clock,
              [this, later = std::move(later)](std::function<void()> call) {
                  later([self = shared_from_this(), call = std::move(call)] { call(); });
              }),
      connected{.catalog = catalog,
                .storage = connection.storage(),
                .preparation = connection.preparation(),
                .roles = connection.roles(),
                .needed = azure::needed_rights(),
                .local = config.kind == azure::Config::Kind::local,
                .subscription = config.options.subscription} {}

Connections::Connections(azure::Config own,
                         store::Store& store,
                         const Clock& clock,
                         Random& random,
                         control::PricedCatalog::RunLater later)
    : own_config_(std::move(own)),
      store_(store),
      clock_(clock),
      random_(random),
      later_(std::move(later)),
      own_(std::make_shared<CloudLink>(own_config_, store, clock, random, later_)) {}

Result<std::shared_ptr<CloudLink>> Connections::open(const model::CloudAccount& account,
                                                     const Secret& client_secret) {
    azure::Config config = config_of(own_config_, account, client_secret);
    if (account.sign_in == model::CloudSignIn::workload_identity) {
        // Never a path that somebody sends: it would be read, and its content sent away.
        ASSIGN_OR_RETURN(config.options.credentials.federated_token_file,
                         azure::federated_token_file());
    }
    auto link = std::make_shared<CloudLink>(config, store_, clock_, random_, later_);
    link->version = account.version;
    return link;
}

Result<std::shared_ptr<CloudLink>> Connections::link(const model::CloudAccountKey& key) {
    if (key == model::CloudAccountKey()) return own_;
    std::optional<model::CloudAccount> account;
    std::optional<Secret> client_secret;
    const auto read = store_.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(account, t.cloud_account(key.organisation, key.name));
        ASSIGN_OR_RETURN(client_secret,
                         t.secret(model::cloud_account_secret(key.organisation, key.name)));
        return {};
    });
    RETURN_IF_ERROR(read);
    const std::lock_guard lock(mutex_);
    if (!account) {
        links_.erase(key);
        return cloud::no_such_cloud_account(key.name);
    }
    std::shared_ptr<CloudLink>& link = links_[key];
    if (!link || link->version != account->version) {
        ASSIGN_OR_RETURN(link, open(*account, client_secret.value_or(Secret())));
    }
    return link;
}

Result<std::shared_ptr<const cloud::Connected>> Connections::of(const OrganisationId& organisation,
                                                                const std::string& account) {
    ASSIGN_OR_RETURN(const auto found, link(model::cloud_account_key(organisation, account)));
    return connected(found);
}

Result<std::shared_ptr<const cloud::Connected>> Connections::connect(
    const model::CloudAccount& account, const Secret& client_secret) {
    ASSIGN_OR_RETURN(const auto opened, open(account, client_secret));
    return connected(opened);
}

void Connections::changed() {
    if (told_) told_();
}

}  // namespace hopyard::apps
