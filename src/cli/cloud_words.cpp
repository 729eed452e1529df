// The words about clouds and accounts.
#include <CLI/CLI.hpp>

#include "cli/words.h"

namespace hopyard::cli {
namespace {

/// Which rights are weighed: those in one group, for what is to be made.
void add_rights(CLI::App& command, Chosen& c) {
    command.add_option("--group", c.rights.group, "Resource group; default: every one we see");
    command.add_flag("--no-networks", c.rights.no_networks, "Networks are brought, not made");
    command.add_flag("--no-security-groups",
                     c.rights.no_security_groups,
                     "Security groups are brought, and ports opened by hand");
    command.add_flag(
        "--no-public-addresses", c.rights.no_public_addresses, "Heads get no public address");
}

}  // namespace

void add_cloud(CLI::App& app, Chosen& c) {
    CLI::App* cloud = app.add_subcommand("cloud", "What the cloud has, and what it still needs");
    cloud->require_subcommand(1);
    for (const char* what : {"locations",
                             "sizes",
                             "groups",
                             "keys",
                             "identities",
                             "accounts",
                             "networks",
                             "security-groups"}) {
        CLI::App* list = cloud->add_subcommand(what, std::string("List ") + what);
        list->add_option("--location", c.look_up.location);
        list->add_option("--group", c.look_up.group, "Resource group");
        list->add_option("--cloud-account", c.look_up.cloud_account, "Default: default");
        list->callback([&c, what] {
            c.look_up.what = what;
            c.remote = [&c](Session& s) { return cloud_list(s, c.output, c.look_up); };
        });
    }
    CLI::App* prepare = cloud->add_subcommand("prepare", "Make what a first cluster needs");
    prepare->add_option("--group", c.prepare.group, "Resource group")->required();
    prepare->add_option("--location", c.prepare.location)->required();
    prepare->add_option("--account", c.prepare.account, "Storage account");
    prepare->add_option("--identity", c.prepare.identity, "Gets its role on the account");
    prepare->add_option("--ssh-key", c.prepare.ssh_key, "Name of the key");
    prepare->add_option("--ssh-key-file", c.prepare.ssh_key_file, "Public key file");
    prepare->add_option("--cloud-account", c.prepare.cloud_account, "Default: default");
    prepare->callback(
        [&c] { c.remote = [&c](Session& s) { return cloud_prepare(s, c.output, c.prepare); }; });
    CLI::App* orphans = cloud->add_subcommand("orphans", "What is left behind, from tags alone");
    orphans->add_flag("--delete", c.remove, "Delete it");
    orphans->callback(
        [&c] { c.remote = [&c](Session& s) { return cloud_orphans(s, c.output, c.remove); }; });
    CLI::App* check =
        cloud->add_subcommand("check", "Sign in, and weigh our rights in each resource group");
    add_rights(*check, c);
    check->add_option("--cloud-account", c.rights.account)->capture_default_str();
    check->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_check(s, c.output, c.rights); };
    });
}

/// How an account signs in.
void add_sign_in(CLI::App& command, Chosen& c) {
    command.add_option("--sign-in", c.account.sign_in)
        ->check(CLI::IsMember({"client_secret", "workload_identity", "managed_identity"}))
        ->capture_default_str();
    command.add_option("--tenant", c.account.tenant, "Id of the tenant");
    command.add_option("--client-id", c.account.client_id, "Id of the application");
    command.add_option("--client-secret-file",
                       c.account.client_secret_file,
                       "File with the application's secret; - is standard input");
}

void add_cloud_account(CLI::App& app, Chosen& c) {
    CLI::App* account = app.add_subcommand(
        "cloud-account", "Connect subscriptions; what the control plane may do there");
    account->require_subcommand(1);
    account->add_subcommand("list", "List cloud accounts")->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_list(s, c.output); };
    });
    CLI::App* add = account->add_subcommand("add", "Add an account; it is tried at once");
    add->add_option("name", c.account.name)->required();
    add->add_option("--subscription", c.account.subscription, "Its id")->required();
    add_sign_in(*add, c);
    add->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_add(s, c.output, c.account); };
    });
    CLI::App* sign_in = account->add_subcommand("sign-in", "Let an account sign in another way");
    sign_in->add_option("name", c.account.name)->required();
    add_sign_in(*sign_in, c);
    sign_in->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_sign_in(s, c.output, c.account); };
    });
    CLI::App* remove = account->add_subcommand("remove", "Remove an account no cluster runs on");
    remove->add_option("name", c.account.name)->required();
    remove->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_remove(s, c.output, c.account.name); };
    });
    CLI::App* check =
        account->add_subcommand("check", "Sign in, and weigh our rights in each resource group");
    check->add_option("name", c.rights.account)->capture_default_str();
    add_rights(*check, c);
    check->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_check(s, c.output, c.rights); };
    });
    CLI::App* role = account->add_subcommand(
        "role", "The role the control plane needs, and the commands that give it");
    role->add_option("name", c.rights.account)->capture_default_str();
    add_rights(*role, c);
    role->add_option("--role-name", c.rights.role_name)->capture_default_str();
    role->callback([&c] {
        c.remote = [&c](Session& s) { return cloud_account_role(s, c.output, c.rights); };
    });
}

void add_prices(CLI::App& app, Chosen& c) {
    CLI::App* prices = app.add_subcommand("prices", "What machines cost");
    prices->require_subcommand(1);
    CLI::App* import = prices->add_subcommand(
        "import", "Take a saved price list, where there is no way out to the public one");
    import->add_option("file", c.file, "Pages of the Retail Prices API, of one location")
        ->required();
    import->callback(
        [&c] { c.remote = [&c](Session& s) { return prices_import(s, c.output, c.file); }; });
}

}  // namespace hopyard::cli
