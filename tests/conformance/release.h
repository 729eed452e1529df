// What a user of the public Terraform provider writes, and how each of its releases puts that on
// the wire and reads it back (control-api.md 2, 5.1 and 8). Nothing here knows our code.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace hopyard::conformance {

/// 1.12.0 is 11200, so that "since" is a comparison.
struct Release {
    const char* name;
    int number;
    const char* default_version;
    bool since(int first) const { return number >= first; }
};

inline constexpr Release releases[] = {{"0.1.0", 100, "2.2.0"},
                                       {"0.11.0", 1100, "2.5.0"},
                                       {"1.8.0", 10800, "3.3.0"},
                                       {"1.12.0", 11200, "3.8.0"}};

struct Spot {
    int max_price = 100;
    bool fall_back = true;
    auto operator<=>(const Spot&) const = default;
};

struct Group {
    std::string type;
    int disk = 512;
    int count = 1;
    std::optional<Spot> spot;

    std::string identity() const;
    nlohmann::json to_wire(int how_many, bool with_spot) const;
};

struct Ports {
    bool feature_store = false, online_feature_store = false, kafka = false, ssh = false;
    nlohmann::json to_wire() const;
};

struct Config {
    std::string name = "featlab01";
    std::string version;
    std::string head_type = "Standard_D8_v3";
    int head_disk = 512;
    std::vector<Group> workers;
    std::map<std::string, std::string> tags = {{"team", "ml"}, {"cost-centre", "7"}};
    int backup_retention = 14;
    std::string init_script = "#!/usr/bin/env bash\necho \"<&>\" 'a' 100% \\ \t\u00e9\n";
    bool run_first = true;
    std::string os = "ubuntu";
    bool deactivate_log = true;
    std::string container = "hopsworksai-1700000000000";
    std::string registry = "labacr";
    std::string domain_prefix;
    std::optional<std::string> single_node;  ///< its instance type
    std::optional<Ports> open_ports;
};

nlohmann::json create_body(const Release& release, const Config& config);

/// The `cluster` of a reply as Go's decoder takes it (control-api.md 1.6): unknown members are
/// ignored, names compare without case, what is missing or null is zero, and one wrong type fails
/// it all. Optional objects that are missing are null. Faults go into `faults`.
nlohmann::json decode_cluster(const Release& release,
                              const nlohmann::json& cluster,
                              std::vector<std::string>& faults);

/// What the next plan would want to change (control-api.md 4.1); empty when nothing.
std::vector<std::string> drift(const Release& release,
                               const Config& config,
                               const nlohmann::json& state);

}  // namespace hopyard::conformance
