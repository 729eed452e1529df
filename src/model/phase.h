// The legal moves of clusters and nodes as tables (style S3), and the words of every enum of the
// model.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/access.h"
#include "model/activity.h"
#include "model/cluster.h"
#include "model/outgoing_mail.h"
#include "model/resource.h"

namespace hopyard::model {

struct PhaseMove {
    Phase from;
    Phase to;
};
/// Every legal move of a cluster's phase. Staying is always legal.
std::span<const PhaseMove> phase_moves();
bool may_move(Phase from, Phase to);

struct NodePhaseMove {
    NodePhase from;
    NodePhase to;
};
std::span<const NodePhaseMove> node_phase_moves();
bool may_move(NodePhase from, NodePhase to);

std::string_view to_string(Wanted);
std::string_view to_string(Phase);
std::string_view to_string(NodeWanted);
std::string_view to_string(NodePhase);
std::string_view to_string(UserManagement);
std::string_view to_string(ResourceKind);
std::string_view to_string(PendingOperation::Verb);
std::string_view to_string(Severity);
std::string_view to_string(Scope);
std::string_view to_string(Role);
std::string_view to_string(Plan);
std::string_view to_string(CloudSignIn);
std::string_view to_string(AutoscaleMode);
std::string_view to_string(MailKind);

/// The value of a word, or nothing: `parse<Phase>("running")`.
template <class Enum>
std::optional<Enum> parse(std::string_view word);
template <>
std::optional<Wanted> parse(std::string_view word);
template <>
std::optional<Phase> parse(std::string_view word);
template <>
std::optional<AutoscaleMode> parse(std::string_view word);
template <>
std::optional<NodeWanted> parse(std::string_view word);
template <>
std::optional<NodePhase> parse(std::string_view word);
template <>
std::optional<UserManagement> parse(std::string_view word);
template <>
std::optional<ResourceKind> parse(std::string_view word);
template <>
std::optional<PendingOperation::Verb> parse(std::string_view word);
template <>
std::optional<Severity> parse(std::string_view word);
template <>
std::optional<Scope> parse(std::string_view word);
template <>
std::optional<Role> parse(std::string_view word);
template <>
std::optional<Plan> parse(std::string_view word);
template <>
std::optional<CloudSignIn> parse(std::string_view word);
template <>
std::optional<MailKind> parse(std::string_view word);

}  // namespace hopyard::model
