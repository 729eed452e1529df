#include "model/phase.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hopyard::model {
namespace {

template <class Enum, std::size_t N>
using Words = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Words<Wanted, 3> wanted_words{{{Wanted::running, "running"},
                                         {Wanted::stopped, "stopped"},
                                         {Wanted::terminated, "terminated"}}};
constexpr Words<Phase, 9> phase_words{{{Phase::pending, "pending"},
                                       {Phase::creating, "creating"},
                                       {Phase::starting, "starting"},
                                       {Phase::running, "running"},
                                       {Phase::updating, "updating"},
                                       {Phase::stopping, "stopping"},
                                       {Phase::stopped, "stopped"},
                                       {Phase::terminating, "terminating"},
                                       {Phase::failed, "failed"}}};
constexpr Words<NodeWanted, 3> node_wanted_words{{{NodeWanted::running, "running"},
                                                  {NodeWanted::stopped, "stopped"},
                                                  {NodeWanted::removed, "removed"}}};
constexpr Words<NodePhase, 10> node_phase_words{{{NodePhase::planned, "planned"},
                                                 {NodePhase::creating, "creating"},
                                                 {NodePhase::booting, "booting"},
                                                 {NodePhase::joining, "joining"},
                                                 {NodePhase::ready, "ready"},
                                                 {NodePhase::draining, "draining"},
                                                 {NodePhase::stopping, "stopping"},
                                                 {NodePhase::stopped, "stopped"},
                                                 {NodePhase::removing, "removing"},
                                                 {NodePhase::failed, "failed"}}};
constexpr Words<UserManagement, 3> user_management_words{{{UserManagement::disabled, "disabled"},
                                                          {UserManagement::managed, "managed"},
                                                          {UserManagement::ldap, "ldap"}}};
constexpr Words<AutoscaleMode, 2> autoscale_mode_words{
    {{AutoscaleMode::standard, "standard"}, {AutoscaleMode::adaptive, "adaptive"}}};
constexpr Words<ResourceKind, 8> resource_kind_words{
    {{ResourceKind::virtual_network, "virtual_network"},
     {ResourceKind::subnet, "subnet"},
     {ResourceKind::security_group, "security_group"},
     {ResourceKind::security_rule, "security_rule"},
     {ResourceKind::public_address, "public_address"},
     {ResourceKind::network_interface, "network_interface"},
     {ResourceKind::machine, "machine"},
     {ResourceKind::disk, "disk"}}};
using Verb = PendingOperation::Verb;
constexpr Words<Verb, 5> verb_words{{{Verb::put, "put"},
                                     {Verb::remove, "remove"},
                                     {Verb::start, "start"},
                                     {Verb::stop, "stop"},
                                     {Verb::restart, "restart"}}};
constexpr Words<Severity, 3> severity_words{
    {{Severity::info, "info"}, {Severity::warning, "warning"}, {Severity::error, "error"}}};
constexpr Words<Scope, 3> scope_words{
    {{Scope::read, "read"}, {Scope::operate, "operate"}, {Scope::administer, "administer"}}};
constexpr Words<Role, 3> role_words{
    {{Role::member, "member"}, {Role::administrator, "administrator"}, {Role::owner, "owner"}}};
constexpr Words<CloudSignIn, 3> cloud_sign_in_words{
    {{CloudSignIn::client_secret, "client_secret"},
     {CloudSignIn::workload_identity, "workload_identity"},
     {CloudSignIn::managed_identity, "managed_identity"}}};
constexpr Words<MailKind, 2> mail_kind_words{
    {{MailKind::message, "message"}, {MailKind::password_reset, "password_reset"}}};
constexpr Words<Plan, 2> plan_words{
    {{Plan::community, "community"}, {Plan::enterprise, "enterprise"}}};

template <class Enum, std::size_t N>
std::string_view word_of(const Words<Enum, N>& words, Enum value) {
    for (const auto& [candidate, word] : words)
        if (candidate == value) return word;
    return "unknown";
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const Words<Enum, N>& words, std::string_view word) {
    for (const auto& [candidate, text] : words)
        if (text == word) return candidate;
    return std::nullopt;
}

// A cluster may be terminated from everywhere, and may fail wherever something is being done.
constexpr std::array moves{
    PhaseMove{Phase::pending, Phase::creating},
    PhaseMove{Phase::pending, Phase::stopping},
    PhaseMove{Phase::pending, Phase::terminating},
    PhaseMove{Phase::pending, Phase::failed},
    PhaseMove{Phase::creating, Phase::running},
    PhaseMove{Phase::creating, Phase::stopping},
    PhaseMove{Phase::creating, Phase::terminating},
    PhaseMove{Phase::creating, Phase::failed},
    PhaseMove{Phase::starting, Phase::running},
    PhaseMove{Phase::starting, Phase::stopping},
    PhaseMove{Phase::starting, Phase::terminating},
    PhaseMove{Phase::starting, Phase::failed},
    PhaseMove{Phase::running, Phase::updating},
    PhaseMove{Phase::running, Phase::starting},  // restart, or a head that was started again
    PhaseMove{Phase::running, Phase::stopping},
    PhaseMove{Phase::running, Phase::terminating},
    PhaseMove{Phase::running, Phase::failed},
    PhaseMove{Phase::updating, Phase::running},
    PhaseMove{Phase::updating, Phase::starting},
    PhaseMove{Phase::updating, Phase::stopping},
    PhaseMove{Phase::updating, Phase::terminating},
    PhaseMove{Phase::updating, Phase::failed},
    PhaseMove{Phase::stopping, Phase::stopped},
    PhaseMove{Phase::stopping, Phase::terminating},
    PhaseMove{Phase::stopping, Phase::failed},
    PhaseMove{Phase::stopped, Phase::starting},
    PhaseMove{Phase::stopped, Phase::terminating},
    PhaseMove{Phase::failed, Phase::creating},  // retry, from where it stood
    PhaseMove{Phase::failed, Phase::starting},
    PhaseMove{Phase::failed, Phase::updating},
    PhaseMove{Phase::failed, Phase::stopping},
    PhaseMove{Phase::failed, Phase::running},  // the cause went away by itself
    PhaseMove{Phase::failed, Phase::terminating},
    PhaseMove{Phase::terminating, Phase::failed},
};

using N = NodePhase;
constexpr std::array node_moves{
    NodePhaseMove{N::planned, N::creating},  NodePhaseMove{N::planned, N::removing},
    NodePhaseMove{N::planned, N::failed},    NodePhaseMove{N::planned, N::stopped},
    NodePhaseMove{N::creating, N::booting},  NodePhaseMove{N::creating, N::joining},
    NodePhaseMove{N::creating, N::removing}, NodePhaseMove{N::creating, N::stopping},
    NodePhaseMove{N::creating, N::failed},   NodePhaseMove{N::booting, N::joining},
    NodePhaseMove{N::booting, N::ready},     NodePhaseMove{N::booting, N::stopping},
    NodePhaseMove{N::booting, N::removing},  NodePhaseMove{N::booting, N::failed},
    NodePhaseMove{N::booting, N::draining},  NodePhaseMove{N::creating, N::draining},
    NodePhaseMove{N::joining, N::ready},     NodePhaseMove{N::joining, N::booting},
    NodePhaseMove{N::joining, N::stopping},  NodePhaseMove{N::joining, N::draining},
    NodePhaseMove{N::joining, N::removing},  NodePhaseMove{N::joining, N::failed},
    NodePhaseMove{N::ready, N::booting},     NodePhaseMove{N::ready, N::joining},
    NodePhaseMove{N::ready, N::draining},    NodePhaseMove{N::ready, N::stopping},
    NodePhaseMove{N::ready, N::removing},    NodePhaseMove{N::ready, N::failed},
    NodePhaseMove{N::draining, N::ready},    NodePhaseMove{N::draining, N::removing},
    NodePhaseMove{N::draining, N::failed},   NodePhaseMove{N::stopping, N::stopped},
    NodePhaseMove{N::creating, N::ready},    NodePhaseMove{N::stopping, N::booting},
    NodePhaseMove{N::stopping, N::removing}, NodePhaseMove{N::stopping, N::failed},
    NodePhaseMove{N::stopped, N::creating},  NodePhaseMove{N::stopped, N::booting},
    NodePhaseMove{N::stopped, N::removing},  NodePhaseMove{N::stopped, N::failed},
    NodePhaseMove{N::failed, N::planned},    NodePhaseMove{N::failed, N::creating},
    NodePhaseMove{N::failed, N::booting},    NodePhaseMove{N::failed, N::joining},
    NodePhaseMove{N::failed, N::ready},      NodePhaseMove{N::failed, N::stopping},
    NodePhaseMove{N::failed, N::removing},   NodePhaseMove{N::removing, N::failed},
};

}  // namespace

std::span<const PhaseMove> phase_moves() {
    return moves;
}

bool may_move(Phase from, Phase to) {
    return from == to || std::any_of(moves.begin(), moves.end(), [&](const PhaseMove& move) {
               return move.from == from && move.to == to;
           });
}

std::span<const NodePhaseMove> node_phase_moves() {
    return node_moves;
}

bool may_move(NodePhase from, NodePhase to) {
    return from == to ||
           std::any_of(node_moves.begin(), node_moves.end(), [&](const NodePhaseMove& move) {
               return move.from == from && move.to == to;
           });
}

std::string_view to_string(Wanted value) {
    return word_of(wanted_words, value);
}
std::string_view to_string(Phase value) {
    return word_of(phase_words, value);
}
std::string_view to_string(NodeWanted value) {
    return word_of(node_wanted_words, value);
}
std::string_view to_string(NodePhase value) {
    return word_of(node_phase_words, value);
}
std::string_view to_string(UserManagement value) {
    return word_of(user_management_words, value);
}
std::string_view to_string(AutoscaleMode value) {
    return word_of(autoscale_mode_words, value);
}
std::string_view to_string(ResourceKind value) {
    return word_of(resource_kind_words, value);
}
std::string_view to_string(PendingOperation::Verb value) {
    return word_of(verb_words, value);
}
std::string_view to_string(Severity value) {
    return word_of(severity_words, value);
}
std::string_view to_string(Scope value) {
    return word_of(scope_words, value);
}
std::string_view to_string(Role value) {
    return word_of(role_words, value);
}
std::string_view to_string(CloudSignIn value) {
    return word_of(cloud_sign_in_words, value);
}
std::string_view to_string(MailKind value) {
    return word_of(mail_kind_words, value);
}
std::string_view to_string(Plan value) {
    return word_of(plan_words, value);
}

template <>
std::optional<Wanted> parse(std::string_view word) {
    return value_of(wanted_words, word);
}
template <>
std::optional<Phase> parse(std::string_view word) {
    return value_of(phase_words, word);
}
template <>
std::optional<NodeWanted> parse(std::string_view word) {
    return value_of(node_wanted_words, word);
}
template <>
std::optional<NodePhase> parse(std::string_view word) {
    return value_of(node_phase_words, word);
}
template <>
std::optional<UserManagement> parse(std::string_view word) {
    return value_of(user_management_words, word);
}
template <>
std::optional<AutoscaleMode> parse(std::string_view word) {
    return value_of(autoscale_mode_words, word);
}
template <>
std::optional<ResourceKind> parse(std::string_view word) {
    return value_of(resource_kind_words, word);
}
template <>
std::optional<PendingOperation::Verb> parse(std::string_view word) {
    return value_of(verb_words, word);
}
template <>
std::optional<Severity> parse(std::string_view word) {
    return value_of(severity_words, word);
}
template <>
std::optional<Scope> parse(std::string_view word) {
    return value_of(scope_words, word);
}
template <>
std::optional<Role> parse(std::string_view word) {
    return value_of(role_words, word);
}
template <>
std::optional<Plan> parse(std::string_view word) {
    return value_of(plan_words, word);
}
template <>
std::optional<CloudSignIn> parse(std::string_view word) {
    return value_of(cloud_sign_in_words, word);
}
template <>
std::optional<MailKind> parse(std::string_view word) {
    return value_of(mail_kind_words, word);
}

}  // namespace hopyard::model
