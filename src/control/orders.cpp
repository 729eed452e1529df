#include "control/orders.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json_fields.h"
#include "control/placeholders.h"

namespace hopyard::control {
namespace {

using model::NodePhase;
using model::NodeWanted;
using nodewire::Member;

/// The same on every machine of the cluster, and out of the way of what images make.
constexpr int first_uid = 2000;

void tell_state(const model::Node& node, Member& member) {
    const auto is = [&](Member::State state, const char* reason) {
        member.state = state;
        member.reason = reason;
    };
    const auto drains = [&](const char* reason) {
        is(Member::State::draining, reason);
        member.drain = node.drain_number;
    };
    if (node.is_head) return is(Member::State::member, "");
    if (node.wanted == NodeWanted::removed && node.phase == NodePhase::draining)
        return drains("it is to leave when its work is done");
    if (node.wanted == NodeWanted::removed) return is(Member::State::absent, "it is removed");
    if (node.wanted == NodeWanted::stopped) return is(Member::State::absent, "it is stopped");
    if (speaks(node) && node.drain_wanted) return drains("somebody drains it");
    if (speaks(node) && node.restart_wanted)
        return drains("it is to be restarted when its work is done");
    if (speaks(node)) return is(Member::State::member, "");
    if (!node.left_boot_id.empty()) return is(Member::State::absent, "it is restarted");
    is(Member::State::expected, "it is being made");
}

nodewire::Orders common_part(const model::Cluster& cluster,
                             const model::Node& head,
                             const OrderSecrets& secrets,
                             const SessionOptions& options) {
    nodewire::Orders orders;
    orders.cluster = cluster.id.value;
    orders.cluster_name = cluster.spec.name;
    orders.workload_key = secrets.workload_key;
    nodewire::User administrator{.name = cluster.access.user,
                                 .uid = first_uid,
                                 .administrator = true,
                                 .password_hash = secrets.password_hash,
                                 .ssh_keys = {}};
    if (!cluster.ssh_public_key.empty()) administrator.ssh_keys = {cluster.ssh_public_key};
    orders.users = {std::move(administrator)};
    if (secrets.storage_grant) {
        auto& grant = orders.storage.emplace();
        grant.sas_url = *secrets.storage_grant;
        grant.ca_pem = options.blob_ca_pem;
    }
    orders.init_script = !cluster.spec.init_script.text.empty();
    orders.init_script_first = orders.init_script && cluster.spec.init_script.run_first;
    orders.head_address =
        head.private_ip.empty() ? cluster.access.head_private_ip : head.private_ip;
    return orders;
}

void address_to(nodewire::Orders& orders, const model::Node& node) {
    orders.node = node.id.value;
    orders.is_head = node.is_head;
    orders.vcpus = node.vcpus;
    orders.memory_mb = node.memory_mb;
    orders.gpus = node.gpus;
}

Member unchanging_member(const model::Node& node) {
    Member member = member_of(node);
    member.state = Member::State::member;
    member.reason.clear();
    member.drain = 0;
    return member;
}

void number(nodewire::Orders& orders,
            std::string digest,
            std::int64_t applied,
            GivenRevision& given) {
    if (given.digest != digest || given.number < applied) {
        given.number = std::max(given.number, applied) + 1;
        given.digest = std::move(digest);
    }
    orders.revision = given.number;
}

/// Values one after the other, each so that no two lists of values look alike.
class Told {
  public:
    Told() { text_.reserve(4096); }
    Told& operator<<(std::string_view text) {
        *this << static_cast<std::int64_t>(text.size());
        text_.append(text);
        return *this;
    }
    Told& operator<<(std::int64_t number) {
        text_.append(std::to_string(number)).push_back(' ');
        return *this;
    }
    Told& operator<<(const Secret& secret) { return *this << std::string_view(secret.reveal()); }
    template <class Item>
    Told& operator<<(const std::vector<Item>& items) {
        *this << static_cast<std::int64_t>(items.size());
        for (const Item& item : items) *this << item;
        return *this;
    }
    // Whoever adds a field to one of these has to tell it, or it does not compile.
    Told& operator<<(const nodewire::User& user) {
        const auto& [name, uid, administrator, password_hash, ssh_keys] = user;
        return *this << name << uid << administrator << password_hash << ssh_keys;
    }
    Told& operator<<(const Member& member) {
        const auto& [name, is_head, address, vcpus, memory_mb, gpus, state, reason, drain] = member;
        return *this << name << is_head << address << vcpus << memory_mb << gpus
                     << static_cast<std::int64_t>(state) << reason << drain;
    }
    Told& operator<<(const nodewire::StorageGrant& grant) {
        const auto& [sas_url, ca_pem] = grant;
        return *this << sas_url << ca_pem;
    }
    std::string digest() const { return to_hex(sha256(text_)); }

  private:
    std::string text_;
};

/// Of all but the number and the workers' parts, which are numbered on their own.
std::string digest_of(const nodewire::Orders& orders) {
    const auto& [revision,
                 cluster,
                 cluster_name,
                 node,
                 is_head,
                 workload_key,
                 users,
                 storage,
                 init_script,
                 init_script_first,
                 members,
                 head_address,
                 vcpus,
                 memory_mb,
                 gpus,
                 placeholders,
                 page_certificate_pem,
                 page_key_pem,
                 workers] = orders;
    Told told;
    told << cluster << cluster_name << node << is_head << workload_key << users
         << storage.has_value();
    if (storage) told << *storage;
    told << init_script << init_script_first << members << head_address << vcpus << memory_mb
         << gpus << placeholders << page_certificate_pem << page_key_pem;
    return told.digest();
}

}  // namespace

bool speaks(const model::Node& node) {
    return node.seen.last_report_at.has_value() &&
           (node.left_boot_id.empty() || node.seen.boot_id != node.left_boot_id);
}

Member member_of(const model::Node& node) {
    Member member{.name = node.id.value,
                  .is_head = node.is_head,
                  .address = node.private_ip,
                  .vcpus = node.vcpus,
                  .memory_mb = node.memory_mb,
                  .gpus = node.gpus,
                  .state = Member::State::expected,
                  .reason = ""};
    tell_state(node, member);
    return member;
}

nodewire::Orders compose_orders(const model::Cluster& cluster,
                                const std::vector<model::Node>& nodes,
                                const model::Node& head,
                                const OrderSecrets& secrets,
                                const SessionOptions& options) {
    nodewire::Orders orders = common_part(cluster, head, secrets, options);
    const nodewire::Orders of_worker = orders;
    address_to(orders, head);
    orders.members.push_back(member_of(head));
    for (const model::Node& node : nodes) {
        if (node.is_head) continue;
        orders.members.push_back(member_of(node));
        nodewire::Orders& part = orders.workers[node.id.value] = of_worker;
        address_to(part, node);
        part.members = {unchanging_member(head), unchanging_member(node)};
    }
    orders.placeholders = placeholders(cluster, nodes);
    orders.page_certificate_pem = secrets.page_certificate_pem;
    orders.page_key_pem = secrets.page_key_pem;
    return orders;
}

void number_orders(nodewire::Orders& orders,
                   const std::vector<model::Node>& nodes,
                   GivenRevisions& given,
                   const std::set<std::string>& unchanged) {
    std::erase_if(given, [&](const auto& entry) {
        return entry.first != orders.node && !orders.workers.contains(entry.first);
    });
    std::map<std::string, std::int64_t> applied;
    for (const model::Node& node : nodes) applied[node.id.value] = node.seen.applied_revision;
    std::string of_workers;
    for (auto& [name, part] : orders.workers) {
        GivenRevision& last = given[name];
        std::string digest =
            unchanged.contains(name) && last.number > 0 ? last.digest : digest_of(part);
        number(part, std::move(digest), applied[name], last);
        of_workers += name + " " + std::to_string(part.revision) + "\n";
    }
    // The workers' parts are told by their numbers; telling all of them twice would be for nothing.
    std::string digest = to_hex(sha256(digest_of(orders) + of_workers));
    number(orders, std::move(digest), applied[orders.node], given[orders.node]);
}

std::string to_json(const GivenRevisions& given) {
    nlohmann::json out = nlohmann::json::object();
    for (const auto& [node, revision] : given)
        out[node] = {{"number", revision.number}, {"digest", revision.digest}};
    return to_text(out);
}

Result<GivenRevisions> given_revisions_from_json(const std::string& text) {
    const auto document = nlohmann::json::parse(text, nullptr, false);
    GivenRevisions given;
    if (document.is_object())
        for (const auto& [node, entry] : document.items()) {
            Fields fields(entry);
            fields.get("number", given[node].number).get("digest", given[node].digest);
            if (fields.good()) continue;
            return fail(ErrorKind::internal,
                        "revisions_malformed",
                        "the stored revisions of orders have a malformed '" + fields.fault() + "'");
        }
    else
        return fail(ErrorKind::internal,
                    "revisions_malformed",
                    "the stored revisions of orders are not JSON");
    return given;
}

}  // namespace hopyard::control
