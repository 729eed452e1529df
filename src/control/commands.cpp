#include "control/commands.h"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "control/edit.h"
#include "control/secrets.h"
#include "control/worker_groups.h"
#include "decide/lifecycle/names.h"

namespace hopyard::control {
namespace {

/// The first administrator's name (product.md D10).
constexpr const char* first_administrator = "hopyard";
constexpr std::size_t munge_key_bytes = 128;
/// 20 characters of 31: about 99 bits.
constexpr std::size_t password_length = 20;

Failure unread(const Error& cause, const char* field, const char* what) {
    Error error = cause;
    error.code = "fact_unread";
    error.field = field;
    error.message = fmt::format("{} could not be read: {}", what, cause.message);
    if (error.next_action.empty()) error.next_action = "Try again when the cloud answers.";
    return pass(std::move(error));
}

template <class T>
const T& named(const std::vector<T>& list, const std::string& name) {
    for (const T& entry : list)
        if (to_lower(entry.name) == to_lower(name)) return entry;
    static const T nothing{};
    return nothing;
}

/// What the loops need to know of the names in the specification, so that they never look it up. A
/// fact that is missing here cannot be left unchecked.
Result<void> resolve(model::Cluster& cluster, const decide::Facts& facts) {
    const model::ClusterSpec& spec = cluster.spec;
    if (spec.location.empty())
        return unread(
            facts.groups ? Error() : facts.groups.error(), "/resourceGroup", "the resource groups");
    if (!facts.ssh_keys) return unread(facts.ssh_keys.error(), "/sshKey", "the SSH keys");
    if (!facts.identities) return unread(facts.identities.error(), "/identity", "the identities");
    if (!facts.sizes) return unread(facts.sizes.error(), "/head/instanceType", "the sizes");
    const bool ranges_chosen =
        !spec.network.virtual_network.empty()
            ? !spec.network.subnet.empty() || !spec.network.subnet_cidr.empty()
            : !spec.network.virtual_network_cidr.empty();
    if (!facts.networks && !ranges_chosen)
        return unread(facts.networks.error(), "/network/virtualNetwork", "the virtual networks");
    cluster.ssh_public_key = named(*facts.ssh_keys, spec.ssh_key).public_key;
    cluster.identity_id = named(*facts.identities, spec.identity).id;
    RETURN_IF_ERROR(learn_type(cluster, spec.head.instance_type, facts.sizes));
    for (const auto& group : spec.workers)
        RETURN_IF_ERROR(learn_type(cluster, group.key.instance_type, facts.sizes));
    return {};
}

/// "hopyard-<id>" with the id in its place (model/spec.h).
std::string container_name(std::string name, const ClusterId& id) {
    constexpr std::string_view open = "<id>";
    if (const auto at = name.find(open); at != std::string::npos)
        name.replace(at, open.size(), id.value);
    return name;
}

/// The claim on the container comes later; until then our own rows tell whose it will be.
Result<void> container_is_free(store::Transaction& transaction, const model::Cluster& cluster) {
    ASSIGN_OR_RETURN(const auto others, transaction.clusters());
    for (const model::Cluster& other : others)
        if (other.container == cluster.container &&
            other.spec.storage.account == cluster.spec.storage.account)
            return refuse("/storage/container",
                          "container_claimed",
                          "the container belongs to another cluster",
                          "Choose another name.");
    return {};
}

bool lost_a_race(const Error& error) {
    return error.kind == ErrorKind::conflict && error.code == "changed_meanwhile";
}

Failure changed_meanwhile(const ClusterId& id) {
    return forbidden("changed_meanwhile",
                     "'" + id.value + "' was changed by another request at the same time",
                     "Look at the cluster again, and repeat the request if it is still wanted.");
}

Result<void> as_expected(const Caller& caller, const model::Cluster& cluster) {
    if (!caller.expected_generation || *caller.expected_generation == cluster.generation) return {};
    return forbidden("precondition_failed",
                     fmt::format("'{}' was changed since it was read: its generation is {}, not {}",
                                 cluster.spec.name,
                                 cluster.generation,
                                 *caller.expected_generation),
                     "Look at the cluster again, and repeat the request if it is still wanted.");
}

}  // namespace

Commands::Commands(store::Store& store,
                   cloud::Catalog& catalog,
                   cloud::Storage& storage,
                   Wake& wake,
                   const Clock& clock,
                   Random& random,
                   CommandsOptions options)
    : store_(store),
      catalog_(catalog),
      storage_(storage),
      wake_(wake),
      clock_(clock),
      random_(random),
      options_(std::move(options)) {}

FactSources Commands::sources() {
    return {.catalog = catalog_,
            .storage = storage_,
            .needed = options_.needed,
            .run_all = options_.run_all};
}

Result<model::Cluster> Commands::find(const Caller& caller, const ClusterId& id) {
    model::Cluster found;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(auto cluster, transaction.cluster(id));
        if (!cluster || cluster->organisation != caller.organisation) return no_such_cluster(id);
        found = std::move(*cluster);
        return {};
    };
    RETURN_IF_ERROR(store_.read(body));
    return found;
}

Result<model::Cluster> Commands::change(const Caller& caller,
                                        const ClusterId& id,
                                        const Change& body) {
    for (int attempt = 1;; ++attempt) {
        model::Cluster after;
        bool changed = false;
        const auto outcome = store_.write([&](store::Transaction& transaction) -> Result<void> {
            ASSIGN_OR_RETURN(Edit edit, begin_edit(transaction, caller, id, clock_.now()));
            RETURN_IF_ERROR(as_expected(caller, edit.cluster));
            RETURN_IF_ERROR(body(edit));
            ASSIGN_OR_RETURN(changed, store_edit(transaction, edit));
            if (caller.also) RETURN_IF_ERROR(caller.also(transaction, edit.cluster));
            after = std::move(edit.cluster);
            return {};
        });
        if (outcome) {
            if (changed) wake_.wake_for(id);
            return after;
        }
        if (!lost_a_race(outcome.error())) return pass(outcome.error());
        if (attempt >= options_.write_attempts) return changed_meanwhile(id);
    }
}

// --- create ------------------------------------------------------------------------------------

Result<decide::Preflight> Commands::weigh_new(const Caller& caller,
                                              const model::ClusterSpec& spec,
                                              const ClusterId& id,
                                              decide::Facts& facts) {
    bool taken = false;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const auto other,
                         transaction.cluster_named(caller.organisation, spec.name));
        taken = other.has_value();
        return {};
    };
    RETURN_IF_ERROR(store_.read(body));
    facts = gather_facts(sources(), spec, options_.installation.value + "/" + id.value);
    facts.name_taken = taken;
    return decide::weigh(spec, facts);
}

Result<decide::Preflight> Commands::dry_run(const Caller& caller, const model::ClusterSpec& spec) {
    decide::Facts facts;
    return weigh_new(caller, spec, ClusterId(), facts);
}

Result<CreateOutcome> Commands::create(const Caller& caller, const model::ClusterSpec& spec) {
    CreateOutcome outcome{.id = ClusterId("c-" + random_word(random_, 8)), .preflight = {}};
    decide::Facts facts;
    ASSIGN_OR_RETURN(outcome.preflight, weigh_new(caller, spec, outcome.id, facts));
    for (const decide::Finding& finding : outcome.preflight.findings)
        if (finding.weight == decide::Weight::blocking) return pass(finding.error);

    const Timestamp now = clock_.now();
    model::Cluster cluster{.id = outcome.id,
                           .organisation = caller.organisation,
                           .spec = outcome.preflight.spec,
                           .access = {.user = first_administrator},
                           .created_at = now,
                           .phase_since = now};
    cluster.container = container_name(cluster.spec.storage.container, cluster.id);
    cluster.spec.storage.container = cluster.container;
    outcome.preflight.spec = cluster.spec;
    cluster.network = decide::network_with_names(cluster);
    RETURN_IF_ERROR(resolve(cluster, facts));

    Edit edit{.caller = caller, .now = now, .cluster = cluster};
    edit.remark(
        "create_accepted",
        fmt::format(
            "{} is to be made: 1 head and {}", cluster.spec.name, in_words(cluster.spec.workers)));
    for (const decide::Finding& finding : outcome.preflight.findings) edit.warn(finding.error);
    const Secret munge_key(random_bytes(random_, munge_key_bytes));
    const Secret password(random_word(random_, password_length));
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        RETURN_IF_ERROR(container_is_free(transaction, cluster));
        model::Cluster row = cluster;
        RETURN_IF_ERROR(transaction.put(row));
        RETURN_IF_ERROR(transaction.put_secret(munge_key_secret(row.id), munge_key));
        RETURN_IF_ERROR(transaction.put_secret(first_administrator_secret(row.id), password));
        for (model::Activity entry : edit.activity) RETURN_IF_ERROR(transaction.append(entry));
        return caller.also ? caller.also(transaction, row) : Result<void>();
    };
    RETURN_IF_ERROR(store_.write(body));
    wake_.wake_for(outcome.id);
    return outcome;
}

// --- life --------------------------------------------------------------------------------------

Result<model::Cluster> Commands::stop(const Caller& caller, const ClusterId& id) {
    return change(caller, id, control::stop);
}

Result<model::Cluster> Commands::start(const Caller& caller, const ClusterId& id) {
    return change(caller, id, control::start);
}

Result<model::Cluster> Commands::restart(const Caller& caller, const ClusterId& id) {
    return change(caller, id, control::restart);
}

Result<model::Cluster> Commands::restart_node(const Caller& caller,
                                              const ClusterId& id,
                                              const NodeId& node) {
    return change(caller, id, [&](Edit& edit) { return control::restart_node(edit, node); });
}

Result<model::Cluster> Commands::terminate(const Caller& caller, const ClusterId& id) {
    return change(caller, id, control::terminate);
}

Result<model::Cluster> Commands::retry(const Caller& caller, const ClusterId& id) {
    return change(caller, id, control::retry);
}

// --- workers, ports, head ----------------------------------------------------------------------

namespace {

Result<void> grow_to(Edit& edit,
                     const WorkerGroups& wanted,
                     const WorkerGroups& asked,
                     const decide::Facts& facts) {
    RETURN_IF_ERROR(must_be_wanted_running(edit.cluster, "changing workers"));
    const WorkerGroups grown = growth(edit.cluster.spec.workers, wanted);
    RETURN_IF_ERROR(weigh_growth(edit.cluster, grown, asked, facts));
    for (const auto& group : grown)
        RETURN_IF_ERROR(learn_type(edit.cluster, group.key.instance_type, facts.sizes));
    return set_groups(edit, wanted);
}

}  // namespace

Result<model::Cluster> Commands::add_workers(const Caller& caller,
                                             const ClusterId& id,
                                             const WorkerGroups& increments) {
    ASSIGN_OR_RETURN(const model::Cluster cluster, find(caller, id));
    RETURN_IF_ERROR(must_be_wanted_running(cluster, "adding workers"));
    ASSIGN_OR_RETURN(const WorkerGroups more, added_up(increments));
    const decide::Facts facts = gather_size_facts(sources(), cluster.spec.location);
    return change(caller, id, [&](Edit& edit) {
        return grow_to(edit, plus(edit.cluster.spec.workers, more), increments, facts);
    });
}

Result<model::Cluster> Commands::remove_workers(const Caller& caller,
                                                const ClusterId& id,
                                                const WorkerGroups& decrements) {
    ASSIGN_OR_RETURN(const WorkerGroups fewer, added_up(decrements));
    return change(caller, id, [&](Edit& edit) {
        return set_groups(edit, minus(edit.cluster.spec.workers, fewer));
    });
}

Result<model::Cluster> Commands::set_workers(const Caller& caller,
                                             const ClusterId& id,
                                             const WorkerGroups& groups) {
    ASSIGN_OR_RETURN(const model::Cluster cluster, find(caller, id));
    RETURN_IF_ERROR(must_be_wanted_running(cluster, "changing workers"));
    ASSIGN_OR_RETURN(const WorkerGroups all, added_up(groups));
    const WorkerGroups wanted = plus({}, all);
    decide::Facts facts;
    if (!growth(cluster.spec.workers, wanted).empty())
        facts = gather_size_facts(sources(), cluster.spec.location);
    return change(caller, id, [&](Edit& edit) { return grow_to(edit, wanted, groups, facts); });
}

Result<model::Cluster> Commands::set_ports(const Caller& caller,
                                           const ClusterId& id,
                                           const model::Ports& ports,
                                           const std::optional<std::vector<std::string>>& sources) {
    return change(caller, id, [&](Edit& edit) { return control::set_ports(edit, ports, sources); });
}

Result<model::Cluster> Commands::set_head_type(const Caller& caller,
                                               const ClusterId& id,
                                               const std::string& instance_type) {
    ASSIGN_OR_RETURN(const model::Cluster cluster, find(caller, id));
    const decide::Facts facts = gather_size_facts(sources(), cluster.spec.location);
    return change(
        caller, id, [&](Edit& edit) { return control::set_head_type(edit, instance_type, facts); });
}

Result<Secret> Commands::first_password(const Caller& caller, const ClusterId& id) {
    ASSIGN_OR_RETURN(const model::Cluster cluster, find(caller, id));
    std::optional<Secret> password;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(password, transaction.secret(first_administrator_secret(cluster.id)));
        return {};
    };
    RETURN_IF_ERROR(store_.read(body));
    if (!password) return no_such_cluster(id);  // terminated in between
    return std::move(*password);
}

}  // namespace hopyard::control
