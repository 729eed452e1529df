#include "model/access.h"

#include "base/encoding.h"

namespace hopyard::model {

Rights rights_of(Role role, const Permissions& permissions) {
    const bool administers = role != Role::member;
    return {.invite = administers || permissions.invite_members,
            .manage_clusters = administers || permissions.manage_clusters,
            .manage_ports = administers || permissions.manage_ports,
            .administer = administers};
}

bool is_usable(const Session& session, Timestamp now) {
    return now < session.last_seen_at + session_idle && now < session.created_at + session_longest;
}

bool is_open(const Invitation& invitation, Timestamp now) {
    return now < invitation.expires_at;
}

std::string email_key(const std::string& email) {
    return to_lower(email);
}

}  // namespace hopyard::model
