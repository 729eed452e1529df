// What the words of the command line fill in. Private to the files of words.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/serve_options.h"
#include "cli/up.h"

namespace CLI {
class App;
}

namespace hopyard::cli {

inline const std::map<std::string, Format> formats = {
    {"table", Format::table}, {"json", Format::json}, {"yaml", Format::yaml}};

/// Everything the words fill in, and the command they chose.
struct Chosen {
    std::string server;
    Output output;
    std::function<int(Session&)> remote;  ///< needs a server
    std::function<int()> local;           ///< does not

    CreateOptions create;
    ActOptions act;
    WorkersOptions workers;
    NodeOptions node;
    AutoscaleOptions autoscale;
    SimulateOptions simulate;
    PortsOptions ports;
    LookUp look_up;
    PrepareOptions prepare;
    AccountOptions account;
    RightsOptions rights;
    OrganisationOptions organisation;
    UsageOptions usage;
    std::string member, role = "member";
    bool by_mail = false;
    bool of_cloud = false;
    std::string cluster, phase = "running", name, scope = "administer", key_id, file;
    std::vector<std::string> words;
    bool follow = false, remove = false;
    int timeout_s = 1800;

    UpOptions up;
    DownOptions down;
    ServeOptions serve;
};

// --- autoscale_words.cpp ---
void add_autoscale(CLI::App& app, Chosen& c);

// --- cloud_words.cpp ---
void add_cloud(CLI::App& app, Chosen& c);
void add_cloud_account(CLI::App& app, Chosen& c);
void add_prices(CLI::App& app, Chosen& c);

}  // namespace hopyard::cli
