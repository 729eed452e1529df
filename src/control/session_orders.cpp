// Orders as they are given out: composed from rows and secrets, numbered, and stored before anybody
// sees them.
#include <algorithm>

#include "base/encoding.h"
#include "control/node_sessions_state.h"
#include "control/passwords.h"
#include "control/secrets.h"

namespace hopyard::control {
namespace {

/// A page's certificate is made anew when less than this is left.
constexpr Seconds page_renewal{10 * 24 * 3600};
/// Orders that nothing has changed are composed again all the same: a page's certificate runs out.
constexpr Seconds given_for{3600};
/// Of so many heads orders are kept with all that they were made from.
constexpr std::size_t given_max = 256;

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
    ASSIGN_OR_RETURN(secrets.workload_key, secret_or_empty(transaction, workload_key_secret(id)));
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
model::Cluster as_ordered(const model::Cluster& cluster) {
    model::Cluster bare = cluster;
    bare.wanted = model::Wanted::running;
    bare.phase = model::Phase::pending;
    bare.phase_since = Timestamp();
    bare.stage.clear();
    bare.problem.reset();
    bare.started_at.reset();
    bare.storage_grant_expires_at.reset();
    bare.storage_problem.reset();
    bare.storage_attempts = 0;
    bare.storage_try_again_at.reset();
    bare.container_claimed = bare.storage_policy_set = false;
    bare.password_rotated_at.reset();
    bare.password_revision = 0;
    bare.version = 0;
    return bare;
}

std::vector<Secret> secrets_of(const Ground& ground) {
    const OrderSecrets& secrets = ground.secrets;
    return {secrets.workload_key,
            secrets.storage_grant.value_or(Secret()),
            secrets.page_certificate_pem,
            secrets.page_key_pem,
            Secret(secrets.password_hash),
            ground.first_password,
            ground.revisions};
}

/// What orders that are made of these rows are made of; without the orders themselves.
GivenOrders basis_of(const Ground& ground, Timestamp now) {
    GivenOrders basis{.cluster_version = ground.company.cluster.version,
                      .cluster = as_ordered(ground.company.cluster),
                      .secrets = secrets_of(ground),
                      .at = now};
    for (const model::Node& node : ground.company.nodes) basis.members.push_back(member_of(node));
    return basis;
}

/// A node has carried out orders with a higher number than it was given: another database's.
bool is_ahead(const model::Node& node, const nodewire::Orders& orders) {
    const auto part = orders.workers.find(node.id.value);
    const nodewire::Orders& its = part == orders.workers.end() ? orders : part->second;
    return node.seen.applied_revision > its.revision;
}

bool same(const std::vector<Secret>& a, const std::vector<Secret>& b) {
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(), [](const Secret& one, const Secret& other) {
            return one.reveal() == other.reveal();
        });
}

/// A row that has the same version is the same.
bool same_rows(const Company& a, const Company& b) {
    return a.cluster.version == b.cluster.version &&
           std::equal(a.nodes.begin(),
                      a.nodes.end(),
                      b.nodes.begin(),
                      b.nodes.end(),
                      [](const model::Node& one, const model::Node& other) {
                          return one.id == other.id && one.version == other.version;
                      });
}

/// The cluster and its secrets are as they were then, as far as orders depend on them.
bool same_cluster(const GivenOrders& given, const Ground& ground) {
    return same(secrets_of(ground), given.secrets) &&
           (given.cluster_version == ground.company.cluster.version ||
            given.cluster == as_ordered(ground.company.cluster));
}

/// Those whose part of the orders cannot be another one than it was then: it says only what the
/// cluster, the head and the worker itself are.
std::set<std::string> unchanged_workers(const GivenOrders* given, const Ground& ground) {
    std::set<std::string> unchanged;
    if (given == nullptr || !same_cluster(*given, ground)) return unchanged;
    bool same_head = false;
    for (const model::Node& node : ground.company.nodes) {
        const bool is_same = std::any_of(
            given->members.begin(), given->members.end(), [&](const nodewire::Member& member) {
                return member.name == node.id.value && member == member_of(node);
            });
        if (node.id == ground.company.self.id) same_head = is_same;
        if (is_same && !node.is_head) unchanged.insert(node.id.value);
    }
    return same_head ? unchanged : std::set<std::string>();
}

bool still_good(const GivenOrders& given, const Ground& ground, Timestamp now) {
    const auto& nodes = ground.company.nodes;
    const bool same_nodes =
        std::equal(nodes.begin(),
                   nodes.end(),
                   given.members.begin(),
                   given.members.end(),
                   [&](const model::Node& node, const nodewire::Member& m) {
                       return member_of(node) == m && !is_ahead(node, given.orders);
                   });
    return same_nodes && now - given.at < given_for && same_cluster(given, ground);
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
               const NodeAuthority& authority,
               const Secret& certificate,
               std::vector<std::string> addresses,
               Timestamp now) {
    const std::string digest = sha256(certificate.reveal());
    if (known.digest != digest) {
        auto facts = authority.read_page(certificate);
        if (!facts) return false;
        known = {digest, std::move(facts->addresses), facts->not_after};
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
    if (!addresses.empty() &&
        !page_fits(known, authority, secrets.page_certificate_pem, addresses, now)) {
        if (!made.page ||
            !page_fits(known, authority, made.page->certificate_pem, addresses, now)) {
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

/// Which orders the head has to carry out for the newest password to hold.
Result<void> store_password_revision(store::Transaction& transaction,
                                     model::Cluster& cluster,
                                     std::int64_t revision) {
    if (!cluster.password_rotated_at || cluster.password_revision != 0) return {};
    cluster.password_revision = revision;
    return transaction.put(cluster);
}

struct Numbered {
    nodewire::Orders orders;
    GivenRevisions revisions;
    bool news = false;  ///< some part has a number that nobody was given yet
};

Result<Numbered> numbered(const Ground& ground,
                          const GivenOrders* last,
                          const SessionOptions& options) {
    Numbered out;
    if (!ground.revisions.empty()) {
        ASSIGN_OR_RETURN(out.revisions, given_revisions_from_json(ground.revisions.reveal()));
    }
    const GivenRevisions before = out.revisions;
    const Company& company = ground.company;
    out.orders =
        compose_orders(company.cluster, company.nodes, company.self, ground.secrets, options);
    number_orders(out.orders, company.nodes, out.revisions, unchanged_workers(last, ground));
    out.news = out.revisions != before;
    return out;
}

}  // namespace

// Most calls find nothing new, and only read.
Result<std::shared_ptr<const GivenOrders>> NodeSessions::State::orders(const NodeId& head) {
    const Timestamp now = clock.now();
    Ground ground;
    std::optional<store::StampedCluster> cluster;
    const auto look = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(ground, read_ground(transaction, head));
        ASSIGN_OR_RETURN(cluster, transaction.stamped(ground.company.cluster.id));
        return {};
    };
    RETURN_IF_ERROR(store.read(look));
    const auto looked_now = [&](std::int64_t revision, const KnownPage& page) {
        const std::lock_guard lock(looked_mutex);
        looked.put(head,
                   {.cluster = cluster->place.id,
                    .stamp = cluster->stamp,
                    .revision = revision,
                    .page = page,
                    .at = now});
    };
    Made made;
    std::shared_ptr<const GivenOrders> last;
    {
        const std::lock_guard lock(given_mutex);
        if (const auto found = given.find(head); found != given.end()) last = found->second;
    }
    if (last && still_good(*last, ground, now)) {
        looked_now(last->orders.revision, last->page);
        return last;
    }
    {
        const std::lock_guard lock(looked_mutex);
        if (const LookedAt* found = looked.find(head)) made.known_page = found->page;
    }
    std::vector<Secret> secrets = secrets_of(ground);
    ASSIGN_OR_RETURN(bool missing, add_missing(ground, made, authority, random, now));
    ASSIGN_OR_RETURN(Numbered next, numbered(ground, last.get(), options));
    if (missing || next.news) {
        const auto give = [&](store::Transaction& transaction) -> Result<void> {
            ASSIGN_OR_RETURN(Ground again, read_ground(transaction, head));
            std::vector<Secret> secrets_again = secrets_of(again);
            // Mostly nobody came in between, and what was made of the rows is what they give.
            if (!same_rows(again.company, ground.company) || !same(secrets_again, secrets)) {
                ground = std::move(again);
                secrets = std::move(secrets_again);
                ASSIGN_OR_RETURN(missing, add_missing(ground, made, authority, random, now));
                ASSIGN_OR_RETURN(next, numbered(ground, last.get(), options));
            }
            if (missing) RETURN_IF_ERROR(store_secrets(transaction, ground, authority.ca_pem()));
            RETURN_IF_ERROR(
                store_password_revision(transaction, ground.company.cluster, next.orders.revision));
            ground.revisions = Secret(to_json(next.revisions));
            return transaction.put_secret(order_revisions_secret(ground.company.cluster.id),
                                          ground.revisions);
        };
        RETURN_IF_ERROR(write(give));
    }
    GivenOrders basis = basis_of(ground, now);
    basis.orders = std::move(next.orders);
    basis.page = std::move(made.known_page);
    auto kept = std::make_shared<const GivenOrders>(std::move(basis));
    keep(head, kept);
    // Of rows that this wrote itself the stamp is another by now: then the next look composes anew.
    looked_now(kept->orders.revision, kept->page);
    return kept;
}

void NodeSessions::State::keep(const NodeId& head, std::shared_ptr<const GivenOrders> orders) {
    const std::lock_guard lock(given_mutex);
    given[head] = std::move(orders);
    if (given.size() <= given_max) return;
    given.erase(std::min_element(given.begin(), given.end(), [](const auto& a, const auto& b) {
        return a.second->at < b.second->at;
    }));
}

}  // namespace hopyard::control
