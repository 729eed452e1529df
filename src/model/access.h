// Who may call, and what they may do: the organisation and its people (product.md A1), their
// sessions in the browser, the invitations by which they come, and API keys (D9). Whatever a caller
// presents (key, cookie, token, recovery code) is random enough that its plain digest is stored,
// never itself; passwords are stored as argon2id's own text.
//
// A person belongs to one organisation. What a person may do follows from the role and from the
// organisation's switches at the moment of asking; nothing of it is kept in a session.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace hopyard::model {

enum class Scope { read, operate, administer };  ///< each includes the ones before it

struct ApiKey {
    ApiKeyId id;
    OrganisationId organisation;
    std::string name;
    Scope scope = Scope::administer;
    std::string key_hash;  ///< hex SHA-256 of the whole key
    Timestamp created_at;
    std::optional<Timestamp> expires_at;
    bool revoked = false;
    std::int64_t version = 0;
    bool operator==(const ApiKey&) const = default;
};

enum class Role { member, administrator, owner };  ///< each may do what the ones before it may
enum class Plan { community, enterprise };

/// What members may do who are no administrators (product.md A1 row 6, defaults of D8).
struct Permissions {
    bool invite_members = false;
    bool manage_clusters = true;
    bool manage_ports = false;
    bool operator==(const Permissions&) const = default;
};

struct Organisation {
    OrganisationId id;
    std::string name;
    Plan plan = Plan::community;
    Permissions permissions;
    bool require_totp = false;
    std::int64_t version = 0;
    bool operator==(const Organisation&) const = default;
};

struct Person {
    PersonId id;
    OrganisationId organisation;
    std::string name;
    std::string email;  ///< as written; compared without case, unique in the installation
    Role role = Role::member;
    std::string password_hash;   ///< argon2id with its salt and cost, as libsodium writes it
    bool totp = false;           ///< the secret lies sealed beside the rows
    std::int64_t totp_step = 0;  ///< of the code that was used last: none works twice
    std::vector<std::string> recovery_hashes;  ///< hex SHA-256 of the codes that are left
    std::string reset_hash;  ///< hex SHA-256 of the newest link that sets a new password; or empty
    std::optional<Timestamp> reset_expires_at;
    Timestamp joined_at;
    std::optional<Timestamp> last_seen_at;
    std::int64_t version = 0;
    bool operator==(const Person&) const = default;
};

/// One browser that is signed in.
struct Session {
    SessionId id;
    PersonId person;
    std::string token_hash;  ///< hex SHA-256 of the cookie
    Timestamp created_at;
    Timestamp last_seen_at;
    std::string address;
    std::string user_agent;
    std::int64_t version = 0;
    bool operator==(const Session&) const = default;
};

struct Invitation {
    InvitationId id;
    OrganisationId organisation;
    std::string email;  ///< empty: whoever has the link
    Role role = Role::member;
    std::string token_hash;  ///< hex SHA-256 of the link's token
    std::string invited_by;  ///< name of a person or of an API key
    Timestamp created_at;
    Timestamp expires_at;
    std::int64_t version = 0;
    bool operator==(const Invitation&) const = default;
};

/// What a person may do at this moment.
struct Rights {
    bool invite = false;
    bool manage_clusters = false;
    bool manage_ports = false;
    bool administer = false;
    bool operator==(const Rights&) const = default;
};
Rights rights_of(Role role, const Permissions& permissions);

/// A session ends this long after it was last used, and this long after it began.
inline constexpr Seconds session_idle{12LL * 3600};
inline constexpr Seconds session_longest{7LL * 24 * 3600};
inline constexpr Seconds invitation_validity{7LL * 24 * 3600};
inline constexpr Seconds password_reset_validity{3600};

bool is_usable(const Session& session, Timestamp now);
bool is_open(const Invitation& invitation, Timestamp now);

/// How an address of e-mail is compared: in lower case (of ASCII, as domains are).
std::string email_key(const std::string& email);

}  // namespace hopyard::model
