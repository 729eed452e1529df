// The words of the command line, bound to commands.h. Only the files of words include CLI11 (style
// B1).
#include "cli/cli.h"

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/up.h"
#include "cli/words.h"

namespace hopyard::cli {
namespace {

void add_places(CLI::App& command, Places& places) {
    command.add_option("--state", places.state, "Directory of the control plane")
        ->capture_default_str();
    command.add_option("--cloud-state", places.cloud_state, "Directory of the local cloud")
        ->capture_default_str();
}

void add_up_and_down(CLI::App& app, Chosen& c) {
    CLI::App* start =
        app.add_subcommand("up", "Start everything on this machine, to a cluster that ran a job");
    add_places(*start, c.up.places);
    start->add_option("--image", c.up.image, "Base image of machines")->capture_default_str();
    start->add_option("--node-program", c.up.node_program, "Default: hopyard-node beside this one");
    start->add_option("--azurite", c.up.azurite, "Directory of the npm package azurite");
    start->add_option("--node", c.up.node, "Node.js")->capture_default_str();
    start->add_option("--user", c.up.user, "Of 'hopyard serve', when started by root");
    start->add_option("--mail", c.up.mail_file, "Of 'hopyard serve': JSON, which mail server");
    start->add_option("--cluster", c.up.cluster, "Name of the cluster")->capture_default_str();
    start->add_option("--workers", c.up.workers)->check(CLI::Range(0, 64))->capture_default_str();
    start->add_option("--type", c.up.instance_type, "Instance type")->capture_default_str();
    start->add_option("--disk", c.up.disk_gb, "GB of each machine")->capture_default_str();
    start->add_flag("--only-services", c.up.only_services, "No cluster and no job");
    start->add_flag("--rehearse-gpus",
                    c.up.rehearse_gpus,
                    "The local cloud gives sizes with GPUs, without a card behind");
    start->add_option(
        "--scarce", c.up.scarce, "SIZE that the local cloud offers and then has none of");
    start->add_option("--scarce-spot",
                      c.up.scarce_spot,
                      "SIZE of which the local cloud has none as a spot machine");
    start->callback([&c] { c.local = [&c] { return up(c.output, c.up); }; });
    CLI::App* stop = app.add_subcommand("down", "Stop everything that 'up' started");
    add_places(*stop, c.down.places);
    stop->add_flag("--purge", c.down.purge, "Delete the data too");
    stop->callback([&c] { c.local = [&c] { return down(c.output, c.down); }; });
}

/// "127.0.0.1:8080" into its parts.
CLI::Option* add_listener(CLI::App& command,
                          const std::string& flag,
                          std::string& address,
                          std::uint16_t& port,
                          const std::string& help) {
    return command
        .add_option_function<std::string>(
            flag,
            [&address, &port](const std::string& text) {
                const std::size_t colon = text.rfind(':');
                const int number =
                    colon == std::string::npos ? -1 : std::atoi(text.c_str() + colon + 1);
                if (number < 0 || number > 65535)
                    throw CLI::ValidationError("must be ADDRESS:PORT, like 127.0.0.1:8080");
                address = text.substr(0, colon);
                port = static_cast<std::uint16_t>(number);
            },
            help)
        ->type_name("ADDRESS:PORT");
}

void add_serve(CLI::App& app, Chosen& c, const std::function<int(const ServeOptions&)>& serve) {
    CLI::App* command = app.add_subcommand("serve", "Run the control plane; never as root");
    ServeOptions& to = c.serve;
    command->add_option("--state", to.state, "Directory of its keys and database")
        ->capture_default_str();
    command->add_option(
        "--database", to.database, "sqlite:PATH or postgresql:…; default: SQLite in the state");
    command->add_option("--cloud", to.cloud_file, "cloud.json: which cloud, how to sign in");
    command->add_option("--user", to.user, "Whom to become when started by root");
    add_listener(*command, "--listen", to.address, to.port, "For people; TLS beyond loopback");
    command->add_option("--tls-certificate", to.tls_certificate_file, "PEM, the chain");
    command->add_option("--tls-key", to.tls_key_file, "PEM");
    add_listener(*command, "--node-listen", to.node_address, to.node_port, "For machines");
    command->add_option("--node-url", to.node_url, "How machines reach that listener");
    command->add_option("--log-level", to.log_level)
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    command->add_option(
        "--make-key", to.make_key, "Make an administrator's key, print it, and end");
    command->add_option("--mail", to.mail_file, "JSON: mail server, sender, and how to sign in");
    command->add_option("--reset-password",
                        to.reset_password,
                        "Make a link that sets a new password of this address, print it, and end");
    command->callback([&c, serve] { c.local = [&c, serve] { return serve(c.serve); }; });
}

void add_cluster_create(CLI::App& parent, Chosen& c) {
    CLI::App* create = parent.add_subcommand("create", "Create a cluster from flags or a file");
    create->add_option("name", c.create.name, "Name of the cluster");
    create->add_option(
        "-f,--file", c.create.file, "YAML or JSON specification; - is standard input");
    create->add_option("--cloud-account", c.create.cloud_account, "Default: default");
    create->add_option("--resource-group", c.create.resource_group);
    create->add_option("--head-type", c.create.head_type, "Instance type of the head");
    create->add_option("--head-disk", c.create.head_disk_gb, "GB");
    create->add_option("--workers", c.create.workers, "Number of workers");
    create->add_option("--worker-type", c.create.worker_type, "Default: the head's");
    create->add_option("--worker-disk", c.create.worker_disk_gb, "GB");
    create->add_option("--account", c.create.account, "Storage account");
    create->add_option("--container", c.create.container, "Default: made for this cluster");
    create->add_option("--ssh-key", c.create.ssh_key);
    create->add_option("--identity", c.create.identity);
    // One word each, as it is: else "[a,b]" would be taken for a list, and a name for another tag.
    create->add_option("--tag", c.create.tags, "name=value; may be repeated")
        ->allow_extra_args(false);
    create->add_option("--init-script", c.create.init_script_file, "Runs once on every machine");
    create->add_flag("--dry-run", c.create.dry_run, "Show what would be made; make nothing");
    create->add_flag("--wait", c.create.wait, "Show progress until it runs");
    create->add_option("--timeout", c.create.timeout_s, "Seconds to wait")->capture_default_str();
    create->add_flag("--example", c.create.example, "Print a commented specification");
    create->callback([&c] {
        if (c.create.example) {
            c.local = print_example;
        } else {
            c.remote = [&c](Session& s) { return cluster_create(s, c.output, c.create); };
        }
    });
}

void add_cluster_act(CLI::App& parent, Chosen& c, const std::string& verb, const char* help) {
    CLI::App* act = parent.add_subcommand(verb, help);
    act->add_option("cluster", c.act.cluster, "Name or id")->required();
    act->add_flag("--wait", c.act.wait, "Show progress until it is done");
    act->add_option("--timeout", c.act.timeout_s, "Seconds to wait")->capture_default_str();
    act->callback([&c, verb] {
        c.act.verb = verb;
        c.remote = [&c](Session& s) { return cluster_act(s, c.output, c.act); };
    });
}

void add_cluster(CLI::App& app, Chosen& c) {
    CLI::App* cluster = app.add_subcommand("cluster", "Create, show, stop, start, delete clusters");
    cluster->require_subcommand(1);
    add_cluster_create(*cluster, c);
    cluster->add_subcommand("list", "List clusters")->callback([&c] {
        c.remote = [&c](Session& s) { return cluster_list(s, c.output); };
    });
    CLI::App* show = cluster->add_subcommand("show", "Show a cluster and its nodes");
    show->add_option("cluster", c.cluster, "Name or id")->required();
    show->add_flag("--resources", c.of_cloud, "What it is made of in the cloud, instead");
    show->callback([&c] {
        c.remote = [&c](Session& s) {
            return c.of_cloud ? cluster_resources(s, c.output, c.cluster)
                              : cluster_show(s, c.output, c.cluster);
        };
    });
    add_cluster_act(*cluster, c, "start", "Start a stopped cluster");
    add_cluster_act(*cluster, c, "stop", "Deallocate the head, delete the workers");
    add_cluster_act(*cluster, c, "restart", "Restart every machine in place, the head first");
    add_cluster_act(*cluster, c, "retry", "Try again after a failure");
    add_cluster_act(*cluster, c, "delete", "Terminate a cluster; its container is kept");
    CLI::App* wait = cluster->add_subcommand("wait", "Wait until a cluster is in a phase");
    wait->add_option("cluster", c.cluster, "Name or id")->required();
    wait->add_option("--for", c.phase, "running, stopped or gone")
        ->check(CLI::IsMember({"running", "stopped", "gone"}))
        ->capture_default_str();
    wait->add_option("--timeout", c.timeout_s, "Seconds")->capture_default_str();
    wait->callback([&c] {
        c.remote = [&c](Session& s) { return cluster_wait(s, c.cluster, c.phase, c.timeout_s); };
    });
    CLI::App* events = cluster->add_subcommand("events", "What happened to a cluster, and why");
    events->add_option("cluster", c.cluster, "Name or id")->required();
    events->add_flag("--follow", c.follow, "Go on as it happens");
    events->callback([&c] {
        c.remote = [&c](Session& s) { return cluster_events(s, c.output, c.cluster, c.follow); };
    });
    CLI::App* ssh = cluster->add_subcommand("ssh", "Log in to the head");
    ssh->add_option("cluster", c.cluster, "Name or id")->required();
    ssh->add_option("command", c.words, "Run this instead of a shell");
    ssh->callback(
        [&c] { c.remote = [&c](Session& s) { return cluster_ssh(s, c.cluster, c.words); }; });
}

void add_nodes(CLI::App& app, Chosen& c) {
    CLI::App* node =
        app.add_subcommand("node", "List, drain, resume, restart, protect nodes; logs");
    node->require_subcommand(1);
    CLI::App* list = node->add_subcommand("list", "List the nodes of a cluster");
    list->add_option("cluster", c.cluster, "Name or id")->required();
    list->callback(
        [&c] { c.remote = [&c](Session& s) { return node_list(s, c.output, c.cluster); }; });
    const auto add = [&](const char* verb, const char* help) {
        CLI::App* command = node->add_subcommand(verb, help);
        command->add_option("cluster", c.node.cluster, "Name or id")->required();
        command->add_option("node", c.node.node, "Id, or head, w1, w2 …")->required();
        return command;
    };
    const std::pair<const char*, const char*> acts[] = {
        {"drain", "Let a worker take no new work; what runs goes on"},
        {"resume", "Let a worker take work again"},
        {"restart", "Restart a node; a worker once nothing runs on it"},
        {"protect", "The autoscaler never takes this worker"},
        {"unprotect", "The autoscaler may take this worker again"}};
    for (const auto& [verb, help] : acts)
        add(verb, help)->callback([&c, verb = verb] {
            c.node.verb = verb;
            c.remote = [&c](Session& s) { return node_act(s, c.node); };
        });
    CLI::App* log = add("log", "Show the end of a node's log");
    log->add_option("--lines", c.node.lines, "Of each part")
        ->check(CLI::Range(1, 2000))
        ->capture_default_str();
    log->callback([&c] { c.remote = [&c](Session& s) { return node_log(s, c.output, c.node); }; });
}

void add_rotate_password(CLI::App& cluster, Chosen& c) {
    CLI::App* rotate = cluster.add_subcommand("rotate-password",
                                              "Make the first user's password anew, and show it");
    rotate->add_option("cluster", c.cluster, "Name or id")->required();
    rotate->callback([&c] {
        c.remote = [&c](Session& s) { return cluster_rotate_password(s, c.output, c.cluster); };
    });
}

void add_ports(CLI::App& cluster, Chosen& c) {
    CLI::App* ports = cluster.add_subcommand("ports", "Open and close ports of the head");
    ports->add_option("cluster", c.ports.cluster, "Name or id")->required();
    const std::pair<const char*, const char*> switches[] = {
        {"--ssh", "ssh"},
        {"--kafka", "kafka"},
        {"--feature-store", "featureStore"},
        {"--online-feature-store", "onlineFeatureStore"}};
    for (const auto& [flag, name] : switches)
        ports
            ->add_option_function<std::string>(
                flag,
                [&c, name = name](const std::string& to) { c.ports.switches[name] = to == "on"; })
            ->check(CLI::IsMember({"on", "off"}));
    ports->add_option("--source", c.ports.sources, "CIDR that may connect; may be repeated");
    ports->callback([&c] { c.remote = [&c](Session& s) { return cluster_ports(s, c.ports); }; });
}

void add_workers(CLI::App& app, Chosen& c) {
    CLI::App* workers = app.add_subcommand("workers", "Add and remove workers");
    workers->require_subcommand(1);
    for (const bool add : {true, false}) {
        CLI::App* change = workers->add_subcommand(
            add ? "add" : "remove",
            add ? "Add workers to a group" : "Drain and remove, idle first");
        change->add_option("cluster", c.workers.cluster, "Name or id")->required();
        change->add_option("count", c.workers.count, "How many")->check(CLI::Range(1, 1000));
        change->add_option("--type", c.workers.instance_type, "Default: that of the first group");
        change->add_option("--disk", c.workers.disk_gb, "GB");
        change->add_flag("--wait", c.workers.wait, "Show progress until it is done");
        change->add_option("--timeout", c.workers.timeout_s, "Seconds")->capture_default_str();
        change->callback([&c, add] {
            c.workers.add = add;
            c.remote = [&c](Session& s) { return workers_change(s, c.output, c.workers); };
        });
    }
}

void add_usage(CLI::App& app, Chosen& c) {
    CLI::App* command = app.add_subcommand("usage", "What machines ran, by day, cluster and size");
    command->add_option("--from", c.usage.from, "First day (UTC); default: 30 days");
    command->add_option("--to", c.usage.to, "Last day; default: today");
    command->add_option("--cluster", c.usage.cluster, "Name or id; default: all");
    command
        ->add_option_function<std::string>(
            "-o,--output",
            [&c](const std::string& word) {
                c.usage.csv = word == "csv";
                if (!c.usage.csv) c.output.format = formats.at(word);
            },
            "table, json, yaml or csv")
        ->check(CLI::IsMember({"table", "json", "yaml", "csv"}));
    command->callback(
        [&c] { c.remote = [&c](Session& s) { return usage(s, c.output, c.usage); }; });
}

void add_api_key(CLI::App& app, Chosen& c) {
    CLI::App* key = app.add_subcommand("api-key", "Create, list and revoke API keys");
    key->require_subcommand(1);
    CLI::App* create = key->add_subcommand("create", "Create a key; it is shown once");
    create->add_option("name", c.name)->required();
    create->add_option("--scope", c.scope)
        ->check(CLI::IsMember({"read", "operate", "administer"}))
        ->capture_default_str();
    create->callback([&c] {
        c.remote = [&c](Session& s) { return api_key_create(s, c.output, c.name, c.scope); };
    });
    key->add_subcommand("list", "List keys")->callback([&c] {
        c.remote = [&c](Session& s) { return api_key_list(s, c.output); };
    });
    CLI::App* revoke = key->add_subcommand("revoke", "Revoke a key");
    revoke->add_option("id", c.key_id)->required();
    revoke->callback(
        [&c] { c.remote = [&c](Session& s) { return api_key_revoke(s, c.output, c.key_id); }; });
}

void add_member(CLI::App& app, Chosen& c) {
    CLI::App* member = app.add_subcommand("member", "List, invite, change and remove members");
    member->require_subcommand(1);
    member->add_subcommand("list", "List members")->callback([&c] {
        c.remote = [&c](Session& s) { return member_list(s, c.output); };
    });
    CLI::App* invite = member->add_subcommand("invite", "Make a link, valid for 7 days");
    invite->add_option("email", c.member, "For this address alone; default: whoever has the link");
    invite->add_option("--role", c.role)
        ->check(CLI::IsMember({"member", "administrator"}))
        ->capture_default_str();
    invite->add_flag("--mail", c.by_mail, "Send the link to the address too");
    invite->callback([&c] {
        c.remote = [&c](Session& s) {
            return member_invite(
                s, c.output, {.email = c.member, .role = c.role, .by_mail = c.by_mail});
        };
    });
    CLI::App* reset = member->add_subcommand("reset-password",
                                             "Make a link that sets a new password, for an hour");
    reset->add_option("member", c.member, "E-mail address or id")->required();
    reset->callback([&c] {
        c.remote = [&c](Session& s) { return member_reset_password(s, c.output, c.member); };
    });
    CLI::App* remove = member->add_subcommand("remove", "Remove a member, at once");
    remove->add_option("member", c.member, "E-mail address or id")->required();
    remove->callback(
        [&c] { c.remote = [&c](Session& s) { return member_remove(s, c.output, c.member); }; });
    CLI::App* role = member->add_subcommand("role", "Change a member's role");
    role->add_option("member", c.member, "E-mail address or id")->required();
    role->add_option("role", c.role, "member, administrator or owner")
        ->check(CLI::IsMember({"member", "administrator", "owner"}))
        ->required();
    role->callback([&c] {
        c.remote = [&c](Session& s) { return member_role(s, c.output, c.member, c.role); };
    });
}

void add_switch(CLI::App& command,
                const std::string& flag,
                const std::string& help,
                const std::function<void(bool)>& set) {
    command
        .add_option_function<std::string>(
            flag, [set](const std::string& to) { set(to == "on"); }, help)
        ->check(CLI::IsMember({"on", "off"}));
}

void add_organisation(CLI::App& app, Chosen& c) {
    CLI::App* organisation =
        app.add_subcommand("organisation", "What holds for everybody: plan, switches");
    organisation->require_subcommand(1);
    organisation->add_subcommand("show", "Show the organisation")->callback([&c] {
        c.remote = [&c](Session& s) { return organisation_show(s, c.output); };
    });
    CLI::App* set = organisation->add_subcommand("set", "Change what is named; the rest stays");
    set->add_option("--name", c.organisation.name);
    set->add_option("--plan", c.organisation.plan)
        ->check(CLI::IsMember({"community", "enterprise"}));
    add_switch(*set, "--require-totp", "One-time codes for everybody", [&c](bool on) {
        c.organisation.require_totp = on;
    });
    const std::pair<const char*, std::pair<const char*, const char*>> switches[] = {
        {"inviteMembers", {"--members-invite", "Members invite members"}},
        {"manageClusters", {"--members-manage-clusters", "Members create and terminate clusters"}},
        {"managePorts", {"--members-manage-ports", "Members open and close ports"}}};
    for (const auto& [name, words] : switches)
        add_switch(*set, words.first, words.second, [&c, name = name](bool on) {
            c.organisation.permissions[name] = on;
        });
    set->callback([&c] {
        c.remote = [&c](Session& s) { return organisation_set(s, c.output, c.organisation); };
    });
}

Result<Target> target(const Chosen& chosen) {
    ASSIGN_OR_RETURN(Target out, read_configuration(configuration_path()));
    const auto from = [](const char* name) -> std::string {
        const char* value = std::getenv(name);
        return value != nullptr ? value : "";
    };
    if (!from("HOPYARD_URL").empty()) out = Target{.url = from("HOPYARD_URL")};
    if (!chosen.server.empty() && chosen.server != out.url) out = Target{.url = chosen.server};
    if (!from("HOPYARD_API_KEY").empty()) out.api_key = Secret(from("HOPYARD_API_KEY"));
    if (!from("HOPYARD_CA_FILE").empty()) out.ca_file = from("HOPYARD_CA_FILE");
    if (out.url.empty())
        return pass(Error{.kind = ErrorKind::unavailable,
                          .code = "no_server",
                          .message = "no server is configured",
                          .owner = Owner::user,
                          .next_action = "Name it with --server or HOPYARD_URL."});
    return out;
}

}  // namespace

int run(int argc, char** argv, const std::function<int(const ServeOptions&)>& serve) {
    Chosen chosen;
    CLI::App app("Hopyard: clusters in your own cloud, or on your own machine.", "hopyard");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--server", chosen.server, "URL of the control plane [HOPYARD_URL]");
    app.add_option("-o,--output", chosen.output.format, "table, json or yaml")
        ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""));
    app.add_flag("--yes", chosen.output.yes, "Answer every question with yes");
    app.add_subcommand("version", "Print the version")->callback([&] {
        chosen.local = print_version;
    });
    app.add_subcommand("doctor", "Check this machine, and say what to mend")->callback([&] {
        chosen.local = doctor;
    });
    add_up_and_down(app, chosen);
    if (serve) add_serve(app, chosen, serve);
    add_cluster(app, chosen);
    add_ports(*app.get_subcommand("cluster"), chosen);
    add_rotate_password(*app.get_subcommand("cluster"), chosen);
    add_nodes(app, chosen);
    add_workers(app, chosen);
    add_autoscale(app, chosen);
    add_cloud(app, chosen);
    add_cloud_account(app, chosen);
    add_prices(app, chosen);
    add_usage(app, chosen);
    add_api_key(app, chosen);
    add_member(app, chosen);
    add_organisation(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& stop) {
        return app.exit(stop) == 0 ? exit_ok : exit_usage;
    }
    if (chosen.local) return chosen.local();
    const auto where = target(chosen);
    if (!where) return report(where.error());
    Session session(*where);
    return chosen.remote(session);
}

}  // namespace hopyard::cli
