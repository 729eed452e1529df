// Orders as they are given out: composed from rows and secrets, numbered, and stored before anybody
// sees them.
#include <algorithm>

#include "control/node_sessions_state.h"
#include "control/passwords.h"
#include "control/secrets.h"
#include "http/certificates.h"

namespace hopyard::control {
namespace {

/// A page's certificate is made anew when less than this is left.
constexpr Seconds page_renewal{10 * 24 * 3600};

struct Ground {
    Company company;
    OrderSecrets secrets;
    Secret first_password;
    GivenRevisions given;
};

/// What had to be made for the orders, and may not be stored yet.
struct Made {
    std::optional<std::string> password_hash;
    std::optional<NodeAuthority::Page> page;
};

Result<Secret> secret_or_empty(store::Transaction& transaction, const std::string& name) {
    ASSIGN_OR_RETURN(auto secret, transaction.secret(name));
    return secret ? std::move(*secret) : Secret();
}

Result<Ground> read_ground(store::Transaction& transaction, const NodeId& head) {
    Ground ground;
    ASSIGN_OR_RETURN(ground.company, company_of_head(transaction, head));
    const ClusterId& id = ground.company.cluster.id;
    OrderSecrets& secrets = ground.secrets;
    ASSIGN_OR_RETURN(secrets.munge_key, secret_or_empty(transaction, munge_key_secret(id)));
    ASSIGN_OR_RETURN(ground.first_password,
                     secret_or_empty(transaction, first_administrator_secret(id)));
    ASSIGN_OR_RETURN(const Secret hash,
                     secret_or_empty(transaction, first_administrator_hash_secret(id)));
    secrets.password_hash = hash.reveal();
    ASSIGN_OR_RETURN(secrets.storage_grant, transaction.secret(storage_grant_secret(id)));
    ASSIGN_OR_RETURN(secrets.page_certificate_pem,
                     secret_or_empty(transaction, page_certificate_secret(id)));
    ASSIGN_OR_RETURN(secrets.page_key_pem, secret_or_empty(transaction, page_key_secret(id)));
    ASSIGN_OR_RETURN(const Secret given, secret_or_empty(transaction, order_revisions_secret(id)));
    if (!given.empty()) {
        ASSIGN_OR_RETURN(ground.given, given_revisions_from_json(given.reveal()));
    }
    return ground;
}

std::vector<std::string> page_addresses(const Company& company) {
    std::vector<std::string> addresses;
    for (const std::string& address :
         {company.cluster.access.head_public_ip, company.cluster.access.head_private_ip})
        if (!address.empty()) addresses.push_back(address);
    if (addresses.empty() && !company.self.private_ip.empty())
        addresses.push_back(company.self.private_ip);
    return addresses;
}

bool page_fits(const Secret& certificate, std::vector<std::string> addresses, Timestamp now) {
    const auto facts = http::read_certificate(certificate.reveal());
    if (!facts || facts->not_after - page_renewal <= now) return false;
    std::vector<std::string> present = facts->ip_addresses;
    std::sort(present.begin(), present.end());
    std::sort(addresses.begin(), addresses.end());
    return present == addresses;
}

/// Makes what is missing in `ground`, or takes what was made a moment ago. Slow on purpose (a hash)
/// or by nature (a key), so not in a transaction that others wait for. True when something was
/// missing.
Result<bool> add_missing(
    Ground& ground, Made& made, NodeAuthority& authority, Random& random, Timestamp now) {
    OrderSecrets& secrets = ground.secrets;
    bool missing = false;
    if (secrets.password_hash.empty() && !ground.first_password.empty()) {
        if (!made.password_hash) made.password_hash = password_hash(ground.first_password, random);
        secrets.password_hash = *made.password_hash;
        missing = true;
    }
    const auto addresses = page_addresses(ground.company);
    if (!addresses.empty() && !page_fits(secrets.page_certificate_pem, addresses, now)) {
        if (!made.page || !page_fits(made.page->certificate_pem, addresses, now)) {
            ASSIGN_OR_RETURN(made.page,
                             authority.issue_page(ground.company.self.id, addresses, now));
        }
        secrets.page_certificate_pem = made.page->certificate_pem;
        secrets.page_key_pem = made.page->key_pem;
        missing = true;
    }
    return missing;
}

Result<void> store_secrets(store::Transaction& transaction,
                           Ground& ground,
                           const std::string& ca_pem) {
    model::Cluster& cluster = ground.company.cluster;
    const OrderSecrets& secrets = ground.secrets;
    RETURN_IF_ERROR(transaction.put_secret(first_administrator_hash_secret(cluster.id),
                                           Secret(secrets.password_hash)));
    RETURN_IF_ERROR(
        transaction.put_secret(page_certificate_secret(cluster.id), secrets.page_certificate_pem));
    RETURN_IF_ERROR(transaction.put_secret(page_key_secret(cluster.id), secrets.page_key_pem));
    if (cluster.access.certificate_authority_pem == ca_pem) return {};
    cluster.access.certificate_authority_pem = ca_pem;
    return transaction.put(cluster);
}

nodewire::Orders numbered(Ground& ground, const SessionOptions& options) {
    const Company& company = ground.company;
    nodewire::Orders orders =
        compose_orders(company.cluster, company.nodes, company.self, ground.secrets, options);
    number_orders(orders, company.nodes, ground.given);
    return orders;
}

}  // namespace

// Most calls find nothing new, and only read.
Result<nodewire::Orders> NodeSessions::State::orders(const NodeId& head) {
    const Timestamp now = clock.now();
    Ground ground;
    const auto look = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(ground, read_ground(transaction, head));
        return {};
    };
    RETURN_IF_ERROR(store.read(look));
    const GivenRevisions before = ground.given;
    Made made;
    ASSIGN_OR_RETURN(const bool missing, add_missing(ground, made, authority, random, now));
    nodewire::Orders orders = numbered(ground, options);
    if (!missing && ground.given == before) return orders;
    const auto give = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(ground, read_ground(transaction, head));
        ASSIGN_OR_RETURN(const bool still_missing,
                         add_missing(ground, made, authority, random, now));
        orders = numbered(ground, options);
        if (still_missing) RETURN_IF_ERROR(store_secrets(transaction, ground, authority.ca_pem()));
        return transaction.put_secret(order_revisions_secret(ground.company.cluster.id),
                                      Secret(to_json(ground.given)));
    };
    RETURN_IF_ERROR(write(give));
    return orders;
}

}  // namespace hopyard::control
