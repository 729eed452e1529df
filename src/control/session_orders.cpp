// Orders as they are given out: composed from rows and secrets, numbered, and stored before anybody
// sees them.
#include <algorithm>

#include <sodium.h>

#include "base/encoding.h"
#include "control/node_sessions_state.h"
#include "control/passwords.h"
#include "control/secrets.h"
#include "http/certificates.h"

namespace hopyard::control {
namespace {

/// A page's certificate is made anew when less than this is left.
constexpr Seconds page_renewal{10 * 24 * 3600};
/// Orders that nothing has changed are composed again all the same: a page's certificate runs out.
constexpr Seconds given_for{3600};

struct Ground {
    Company company;
    OrderSecrets secrets;
    Secret first_password;
    Secret revisions;  ///< as they are stored
};

/// What had to be made for the orders, and may not be stored yet.
struct Made {
    std::optional<std::string> password_hash;
    std::optional<NodeAuthority::Page> page;
    KnownPage known_page;
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
    ASSIGN_OR_RETURN(ground.revisions, secret_or_empty(transaction, order_revisions_secret(id)));
    return ground;
}

/// Without what changes all the time and orders do not depend on.
model::Node as_ordered(const model::Node& node) {
    model::Node bare = node;
    bare.seen = {.applied_revision = node.seen.applied_revision, .boot_id = node.seen.boot_id};
    if (node.seen.last_report_at) bare.seen.last_report_at = Timestamp();
    bare.phase_since = Timestamp();
    bare.problem.reset();
    bare.failed_attempts = 0;
    bare.try_again_at.reset();
    bare.ready_at.reset();
    bare.enrolment = {};
    bare.version = 0;
    return bare;
}

model::Cluster as_ordered(const model::Cluster& cluster) {
    model::Cluster bare = cluster;
    bare.phase = model::Phase::pending;
    bare.phase_since = Timestamp();
    bare.stage.clear();
    bare.problem.reset();
    bare.started_at.reset();
    bare.version = 0;
    return bare;
}

GivenOrders basis_of(const Ground& ground, Timestamp now) {
    GivenOrders basis{.cluster = as_ordered(ground.company.cluster), .at = now};
    for (const model::Node& node : ground.company.nodes) basis.nodes.push_back(as_ordered(node));
    const OrderSecrets& secrets = ground.secrets;
    const Secret grant = secrets.storage_grant.value_or(Secret());
    std::string all;
    for (const Secret* one : {&secrets.munge_key,
                              &grant,
                              &secrets.page_certificate_pem,
                              &secrets.page_key_pem,
                              &ground.first_password,
                              &ground.revisions})
        all += std::to_string(one->reveal().size()) + ":" + one->reveal();
    basis.secrets = sha256(all + secrets.password_hash);
    sodium_memzero(all.data(), all.size());
    return basis;
}

bool still_good(const GivenOrders& given, const GivenOrders& basis) {
    return given.secrets == basis.secrets && given.nodes == basis.nodes &&
           given.cluster == basis.cluster && basis.at - given.at < given_for;
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

bool page_fits(KnownPage& known,
               const Secret& certificate,
               std::vector<std::string> addresses,
               Timestamp now) {
    if (known.certificate_pem.empty() || known.certificate_pem != certificate.reveal()) {
        const auto facts = http::read_certificate(certificate.reveal());
        if (!facts) return false;
        known = {certificate.reveal(), facts->ip_addresses, facts->not_after};
        std::sort(known.addresses.begin(), known.addresses.end());
    }
    std::sort(addresses.begin(), addresses.end());
    return known.addresses == addresses && known.not_after - page_renewal > now;
}

/// Makes what is missing in `ground`, or takes what was made a moment ago. Slow on purpose (a hash)
/// or by nature (a key), so not in a transaction that others wait for. True when something was
/// missing.
Result<bool> add_missing(
    Ground& ground, Made& made, NodeAuthority& authority, Random& random, Timestamp now) {
    KnownPage& known = made.known_page;
    OrderSecrets& secrets = ground.secrets;
    bool missing = false;
    if (secrets.password_hash.empty() && !ground.first_password.empty()) {
        if (!made.password_hash) made.password_hash = password_hash(ground.first_password, random);
        secrets.password_hash = *made.password_hash;
        missing = true;
    }
    const auto addresses = page_addresses(ground.company);
    if (!addresses.empty() && !page_fits(known, secrets.page_certificate_pem, addresses, now)) {
        if (!made.page || !page_fits(known, made.page->certificate_pem, addresses, now)) {
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

struct Numbered {
    nodewire::Orders orders;
    GivenRevisions revisions;
    bool news = false;  ///< some part has a number that nobody was given yet
};

Result<Numbered> numbered(const Ground& ground, const SessionOptions& options) {
    Numbered out;
    if (!ground.revisions.empty()) {
        ASSIGN_OR_RETURN(out.revisions, given_revisions_from_json(ground.revisions.reveal()));
    }
    const GivenRevisions before = out.revisions;
    const Company& company = ground.company;
    out.orders =
        compose_orders(company.cluster, company.nodes, company.self, ground.secrets, options);
    number_orders(out.orders, company.nodes, out.revisions);
    out.news = out.revisions != before;
    return out;
}

}  // namespace

// Most calls find nothing new, and only read.
Result<std::shared_ptr<const GivenOrders>> NodeSessions::State::orders(const NodeId& head) {
    const Timestamp now = clock.now();
    Ground ground;
    const auto look = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(ground, read_ground(transaction, head));
        return {};
    };
    RETURN_IF_ERROR(store.read(look));
    GivenOrders basis = basis_of(ground, now);
    Made made;
    {
        const std::lock_guard lock(given_mutex);
        if (const auto last = given.find(head); last != given.end()) {
            if (still_good(*last->second, basis)) return last->second;
            made.known_page = last->second->page;
        }
    }
    ASSIGN_OR_RETURN(const bool missing, add_missing(ground, made, authority, random, now));
    ASSIGN_OR_RETURN(Numbered next, numbered(ground, options));
    if (missing || next.news) {
        const auto give = [&](store::Transaction& transaction) -> Result<void> {
            ASSIGN_OR_RETURN(ground, read_ground(transaction, head));
            ASSIGN_OR_RETURN(const bool still_missing,
                             add_missing(ground, made, authority, random, now));
            ASSIGN_OR_RETURN(next, numbered(ground, options));
            if (still_missing)
                RETURN_IF_ERROR(store_secrets(transaction, ground, authority.ca_pem()));
            ground.revisions = Secret(to_json(next.revisions));
            return transaction.put_secret(order_revisions_secret(ground.company.cluster.id),
                                          ground.revisions);
        };
        RETURN_IF_ERROR(write(give));
        basis = basis_of(ground, now);
    }
    basis.orders = std::move(next.orders);
    basis.page = std::move(made.known_page);
    auto kept = std::make_shared<const GivenOrders>(std::move(basis));
    const std::lock_guard lock(given_mutex);
    // Heads come and go over the years: those that nobody asks for any more make room.
    if (given.size() > 256) given.clear();
    given[head] = kept;
    return kept;
}

}  // namespace hopyard::control
