#include "model/validate.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/words.h"
#include "model/label.h"
#include "model/wire_fields.h"
#include "model/worker_rules.h"

namespace hopyard::model {
namespace {

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// One word of a JSON pointer (RFC 6901).
std::string pointer_word(const std::string& name) {
    std::string out;
    for (const char c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += c;
        }
    }
    return out;
}

class Check {
  public:
    explicit Check(const ClusterSpec& spec) : spec_(spec) {}

    std::vector<Error> run() {
        general();
        workers();
        access();
        network();
        tags();
        script();
        ports();
        drain();
        for (Error& error : check_wire(spec_)) found_.push_back(std::move(error));
        return std::move(found_);
    }

  private:
    void refuse_field(std::string field, std::string code, std::string rule, std::string remedy) {
        found_.push_back(
            refuse(std::move(field), std::move(code), std::move(rule), std::move(remedy)).value());
    }

    void required(const char* field, const std::string& value, const char* remedy) {
        if (value.empty()) refuse_field(field, "missing", "is required", remedy);
    }

    void disk(const std::string& field, std::int64_t size_gb) { keep(check_disk(field, size_gb)); }

    void keep(std::optional<Error> error) {
        if (error) found_.push_back(std::move(*error));
    }

    // Azure's rule for the machines' names leaves 40 characters to the cluster.
    void general() {
        if (!is_label(spec_.name, 40))
            refuse_field(
                "/name",
                "name_malformed",
                "must be 1 to 40 lower-case letters, digits and hyphens, a letter first and "
                "no hyphen last",
                "Choose a name such as 'demo' or 'ml-team-2'.");
        if (!is_cloud_account_name(spec_.cloud_account))
            refuse_field("/cloudAccount",
                         "no_such_cloud_account",
                         "there is no cloud account '" + spec_.cloud_account + "'",
                         "'hopyard cloud-account list' lists those there are.");
        required("/resourceGroup", spec_.resource_group, "'hopyard cloud groups' lists them.");
        required(
            "/head/instanceType", spec_.head.instance_type, "'hopyard cloud sizes' lists them.");
        disk("/head/diskGb", spec_.head.disk_gb);
        required("/storage/account", spec_.storage.account, "'hopyard cloud accounts' lists them.");
        container();
    }

    // https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers
    void container() {
        const std::string& name = spec_.storage.container;
        if (name.empty()) return;
        const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
            return is_lower(c) || is_digit(c) || c == '-';
        });
        if (name.size() < 3 || name.size() > 63 || !characters || name.front() == '-' ||
            name.back() == '-' || name.find("--") != std::string::npos)
            refuse_field("/storage/container",
                         "container_name",
                         "must be 3 to 63 lower-case letters, digits and single hyphens",
                         "Leave it empty to have a name made.");
    }

    void workers() {
        std::set<GroupKey> keys;
        std::int64_t total = 0;
        for (std::size_t i = 0; i < spec_.workers.size(); ++i) {
            const WorkerGroupSpec& group = spec_.workers[i];
            const std::string at = fmt::format("/workers/{}", i);
            required((at + "/instanceType").c_str(),
                     group.key.instance_type,
                     "'hopyard cloud sizes' lists them.");
            disk(at + "/diskGb", group.key.disk_gb);
            keep(check_worker_count(at + "/count", group.count));
            keep(check_spot(at + "/spot", group.key.spot));
            if (!keys.insert(group.key).second)
                refuse_field(at,
                             "duplicate_group",
                             "another group has the same instance type, disk and spot setting",
                             "Add the counts up in one group.");
            total += std::max(0, group.count);
        }
        if (total > workers_max)
            refuse_field("/workers",
                         "worker_count",
                         fmt::format("{} workers; at most {}", total, workers_max),
                         "Ask for fewer.");
        if (spec_.autoscale) autoscale(*spec_.autoscale, total);
    }

    void autoscale(const AutoscaleSpec& policy, std::int64_t others) {
        for (Error& error : check(policy)) {
            error.field = "/autoscale" + error.field;
            found_.push_back(std::move(error));
        }
        const std::int64_t most = std::int64_t{policy.general.max_workers} +
                                  (policy.gpu ? policy.gpu->max_workers : 0) + others;
        if (others <= workers_max && most > workers_max)
            refuse_field(
                "/autoscale/general/maxWorkers",
                "worker_count",
                fmt::format("up to {} workers with the others; at most {}", most, workers_max),
                "Lower maxWorkers.");
    }

    void access() {
        required("/sshKey", spec_.ssh_key, "'hopyard cloud keys --group …' lists them.");
        required("/identity", spec_.identity, "'hopyard cloud identities --group …' lists them.");
        // https://learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview: 365 at most.
        const int days = spec_.backup_retention_days;
        if (days != 0 && (days < 7 || days > 365))
            refuse_field(
                "/backupRetentionDays",
                "retention",
                fmt::format("{}; must be 0 (no backups) or from 7 to 365", counted(days, "day")),
                "Choose 0, or 7 or more.");
        if (spec_.user_management == UserManagement::ldap)
            refuse_field("/userManagement",
                         "feature_unavailable",
                         "LDAP users are not available in this version",
                         "Choose 'disabled'.");
    }

    std::optional<Cidr> range(const char* field, const std::string& text) {
        if (text.empty()) return std::nullopt;
        const auto cidr = parse_cidr(text);
        if (!cidr || cidr->length < 8 || cidr->length > 29) {
            refuse_field(field,
                         "cidr_malformed",
                         "'" + text + "' is not an IPv4 range from /8 to /29 with zero host bits",
                         "Write a range such as 10.0.0.0/16.");
            return std::nullopt;
        }
        static const std::vector<Cidr> usable = {
            *parse_cidr("10.0.0.0/8"), *parse_cidr("172.16.0.0/12"), *parse_cidr("192.168.0.0/16")};
        if (std::none_of(usable.begin(), usable.end(), [&](const Cidr& outer) {
                return outer.contains(*cidr);
            })) {
            refuse_field(field,
                         "cidr_not_private",
                         text + " is not a private range (RFC 1918)",
                         "Choose from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.");
            return std::nullopt;
        }
        return cidr;
    }

    void network() {
        const NetworkSpec& network = spec_.network;
        const auto outer = range("/network/virtualNetworkCidr", network.virtual_network_cidr);
        const auto inner = range("/network/subnetCidr", network.subnet_cidr);
        if (outer && inner && !outer->contains(*inner))
            refuse_field("/network/subnetCidr",
                         "subnet_outside_network",
                         inner->to_string() + " does not lie inside " + outer->to_string(),
                         "Choose a range inside the network's.");
        if (network.virtual_network.empty() && !network.subnet.empty())
            refuse_field("/network/subnet",
                         "subnet_without_network",
                         "an existing subnet needs its existing virtual network",
                         "Name the network too, or leave the subnet empty.");
    }

    // https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources: 50 tags,
    // of which some are ours; storage resources limit the name to 128 characters.
    // https://learn.microsoft.com/rest/api/resources/tags: the prefixes that Azure keeps to itself.
    void tags() {
        static constexpr std::pair<const char*, const char*> reserved[] = {{"hopyard-", "ours"},
                                                                           {"azure", "Azure's"},
                                                                           {"microsoft", "Azure's"},
                                                                           {"windows", "Azure's"}};
        if (spec_.tags.size() > 40)
            refuse_field("/tags",
                         "too_many_tags",
                         fmt::format("{} tags; at most 40", spec_.tags.size()),
                         "Remove some.");
        std::set<std::string> names;
        for (const Tag& tag : spec_.tags) {
            const std::string at = "/tags/" + pointer_word(tag.name);
            if (tag.name.empty() || tag.name.size() > 128 || tag.value.size() > 256 ||
                tag.name.find_first_of("<>%&\\?/") != std::string::npos)
                refuse_field(at,
                             "tag_malformed",
                             "a name has 1 to 128 characters without <>%&\\?/, a value at most 256",
                             "Shorten or rename it.");
            for (const auto& [prefix, whose] : reserved)
                if (to_lower(tag.name).starts_with(prefix))
                    refuse_field(at,
                                 "tag_reserved",
                                 fmt::format("names that begin with '{}' are {}", prefix, whose),
                                 "Choose another name.");
            if (!names.insert(to_lower(tag.name)).second)
                refuse_field(
                    at, "duplicate_tag", "stands twice; case does not count", "Keep one of them.");
        }
    }

    void script() {
        const std::string& text = spec_.init_script.text;
        if (text.empty()) return;
        const std::string first = text.substr(0, text.find('\n'));
        const auto program = first.find_first_not_of(' ', 2);
        if (!text.starts_with("#!")) {
            refuse_field("/initScript/text",
                         "shebang_missing",
                         "must begin with '#!'",
                         "Begin it with '#!/usr/bin/env bash'.");
        } else if (program == std::string::npos || first[program] != '/') {
            refuse_field("/initScript/text",
                         "shebang_malformed",
                         "'#!' must be followed by the full path of a program",
                         "Begin it with '#!/usr/bin/env bash'.");
        } else if (first.ends_with('\r')) {
            refuse_field("/initScript/text",
                         "line_endings",
                         "its lines end as in Windows, so that no program of that name is found",
                         "Save it with Unix line endings (LF).");
        }
        if (text.find('\0') != std::string::npos)
            refuse_field("/initScript/text",
                         "script_not_text",
                         "holds a zero byte",
                         "Send the text of the script, not a program.");
        if (text.size() > 256 * 1024)
            refuse_field("/initScript/text",
                         "script_too_large",
                         fmt::format("{} bytes; at most 262144", text.size()),
                         "Fetch the rest from the container inside the script.");
    }

    void ports() {
        std::vector<Cidr> seen;
        for (std::size_t i = 0; i < spec_.port_sources.size(); ++i) {
            const std::string at = fmt::format("/portSources/{}", i);
            const auto range = parse_cidr(spec_.port_sources[i]);
            if (!range) {
                refuse_field(at,
                             "cidr_malformed",
                             "'" + spec_.port_sources[i] + "' is not an IPv4 range",
                             "Write a range such as 203.0.113.0/24, or one address as /32.");
                continue;
            }
            // Azure refuses a rule whose ranges overlap.
            for (const Cidr& other : seen)
                if (other.overlaps(*range))
                    refuse_field(at,
                                 "range_overlaps",
                                 range->to_string() + " overlaps " + other.to_string(),
                                 "Keep the wider one.");
            seen.push_back(*range);
        }
    }

    void drain() {
        constexpr std::int64_t most = 30 * 24 * 3600;
        if (spec_.drain_timeout.seconds > most)
            refuse_field(
                "/drainTimeoutSeconds",
                "drain_timeout",
                fmt::format(
                    "{} seconds; at most {}, which is 30 days", spec_.drain_timeout.seconds, most),
                "Choose less, or \"never\" to wait for ever.");
    }

    const ClusterSpec& spec_;
    std::vector<Error> found_;
};

}  // namespace

std::vector<Error> check(const ClusterSpec& spec) {
    return Check(spec).run();
}

}  // namespace hopyard::model
