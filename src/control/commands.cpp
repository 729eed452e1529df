#include "control/commands.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "control/edit.h"
#include "control/passwords.h"
#include "control/secrets.h"
#include "control/worker_groups.h"
#include "decide/lifecycle/names.h"

namespace hopyard::control {
namespace {

/// The first administrator's name (product.md D10).
constexpr const char* first_administrator = "hopyard";
constexpr std::size_t workload_key_bytes = 128;

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
    if (spec.autoscale)
        for (const std::string& type : model::types_of(*spec.autoscale))
            RETURN_IF_ERROR(learn_type(cluster, type, facts.sizes));
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

/// It may have been removed since the cloud was asked.
Result<void> account_is_there(store::Transaction& transaction, const model::Cluster& cluster) {
    const std::string& name = cluster.spec.cloud_account;
    if (name == model::default_cloud_account) return {};
    ASSIGN_OR_RETURN(const auto account, transaction.cloud_account(cluster.organisation, name));
    if (account) return {};
    return cloud::no_such_cloud_account(name);
}

/// The claim on the container comes later; until then our own rows tell whose it will be.
Result<bool> is_taken(store::Transaction& transaction, const model::StorageSpec& storage) {
    ASSIGN_OR_RETURN(const auto clusters, transaction.clusters());
    return std::any_of(clusters.begin(), clusters.end(), [&](const model::Cluster& other) {
        return other.container == storage.container &&
               other.spec.storage.account == storage.account;
    });
}

Result<void> container_is_free(store::Transaction& transaction, const model::Cluster& cluster) {
    ASSIGN_OR_RETURN(const bool taken, is_taken(transaction, cluster.spec.storage));
    if (!taken) return {};
    return refuse("/storage/container",
                  "container_claimed",
                  "the container belongs to another cluster",
                  "Choose another name.");
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
                   cloud::Clouds& clouds,
                   Wake& wake,
                   const Clock& clock,
                   Random& random,
                   CommandsOptions options)
    : store_(store),
      clouds_(clouds),
      wake_(wake),
      clock_(clock),
      random_(random),
      options_(std::move(options)) {}

Result<std::shared_ptr<const cloud::Connected>> Commands::connection(const Caller& caller,
                                                                     const std::string& account) {
    auto connected = clouds_.of(caller.organisation, account);
    if (connected || connected.error().kind != ErrorKind::not_found) return connected;
    Error error = connected.error();
    error.kind = ErrorKind::invalid_argument;
    return pass(std::move(error));
}

FactSources Commands::sources(const cloud::Connected& connected) {
    return {.catalog = connected.catalog,
            .storage = connected.storage,
            .needed = connected.needed,
            .run_all = options_.run_all};
}

decide::Facts Commands::size_facts(const Caller& caller, const model::Cluster& cluster) {
    decide::Facts facts;
    const auto connected = connection(caller, cluster.spec.cloud_account);
    if (connected) return gather_size_facts(sources(**connected), cluster.spec.location);
    facts.sizes = pass(connected.error());
    facts.usages = pass(connected.error());
    return facts;
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
    bool name_taken = false, container_taken = false;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const auto other,
                         transaction.cluster_named(caller.organisation, spec.name));
        name_taken = other.has_value();
        ASSIGN_OR_RETURN(container_taken, is_taken(transaction, spec.storage));
        return {};
    };
    RETURN_IF_ERROR(store_.read(body));
    ASSIGN_OR_RETURN(const auto connected, connection(caller, spec.cloud_account));
    facts = gather_facts(sources(*connected), spec, options_.installation.value + "/" + id.value);
    facts.name_taken = name_taken;
    facts.container_taken = container_taken;
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
    if (outcome.preflight.refused()) return pass(outcome.preflight.refusal());

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
    const Secret workload_key(random_bytes(random_, workload_key_bytes));
    const Secret password = make_password(random_);
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        RETURN_IF_ERROR(account_is_there(transaction, cluster));
        RETURN_IF_ERROR(container_is_free(transaction, cluster));
        model::Cluster row = cluster;
        RETURN_IF_ERROR(transaction.put(row));
        RETURN_IF_ERROR(transaction.put_secret(workload_key_secret(row.id), workload_key));
        RETURN_IF_ERROR(transaction.put_secret(first_administrator_secret(row.id), password));
        for (model::Activity entry : edit.activity) RETURN_IF_ERROR(transaction.append(entry));
        return caller.also ? caller.also(transaction, row) : Result<void>();
    };
    RETURN_IF_ERROR(store_.write(body));
    wake_.wake_for(outcome.id);
    return outcome;
}

AccountReport Commands::check_account(const cloud::Connected& connected,
                                      const cloud::Features& features,
                                      const std::string& group) {
    return control::check_account(connected, features, group, options_.run_all);
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
    const decide::Facts facts = size_facts(caller, cluster);
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
    if (!growth(cluster.spec.workers, wanted).empty()) facts = size_facts(caller, cluster);
    return change(caller, id, [&](Edit& edit) { return grow_to(edit, wanted, groups, facts); });
}

Result<model::Cluster> Commands::set_autoscale(const Caller& caller,
                                               const ClusterId& id,
                                               const model::AutoscaleSpec& spec) {
    ASSIGN_OR_RETURN(const model::Cluster cluster, find(caller, id));
    const decide::Facts facts = size_facts(caller, cluster);
    return change(
        caller, id, [&](Edit& edit) { return control::set_autoscale(edit, spec, facts); });
}

Result<model::Cluster> Commands::clear_autoscale(const Caller& caller, const ClusterId& id) {
    return change(caller, id, control::clear_autoscale);
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
    const decide::Facts facts = size_facts(caller, cluster);
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
