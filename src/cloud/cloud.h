// What the control plane asks of a cloud's resources. No vendor's word appears here.
//
// The contract, which every implementation keeps and the tests of each prove:
// - Names are chosen by the caller. put() creates or replaces by name, so repeating it is harmless.
// - No call waits for a machine. What takes long returns an Operation: a URL and a time to look.
// - An Error may hide success: the cloud may have acted although the reply was lost. Call again.
// - `not_found` of read() means that the cloud said so; a list may be stale, late or short, so
// absence
//   counts only when a list and a direct read agree. The caller does that.
// - remove() of what is not there succeeds.
// - Kinds: quota_exceeded and capacity_unavailable are never worth repeating at once; rate_limited
//   carries retry_after for the whole bucket; conflict, unavailable, timed_out may be repeated.
//   permission_denied names the missing action and its scope in the message.
// Thread-safe: independent calls go out together.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/resource.h"
#include "model/spec.h"

namespace hopyard::cloud {

using model::ResourceKind;
using model::ResourceName;
using model::Tag;

// --- what is asked for -------------------------------------------------------------------------

struct WantedNetwork {
    std::string cidr;
    /// Made inline with the network, in that order.
    struct Subnet {
        std::string name;
        std::string cidr;
        std::string security_group;  ///< name in the same resource group; may be empty
    };
    std::vector<Subnet> subnets;
};

struct WantedSubnet {  ///< in a network that exists: ResourceName::parent
    std::string cidr;
};

struct SecurityRule {
    std::string name;
    int priority = 100;  ///< 100 to 4096, the smallest wins
    bool inbound = true;
    bool allow = true;
    std::string protocol = "tcp";                   ///< "tcp", "udp", "icmp", "*"
    std::vector<std::string> sources = {"*"};       ///< CIDRs, "*", "VirtualNetwork", "Internet"
    std::vector<std::string> ports = {"*"};         ///< of the destination: "443", "8000-8100", "*"
    std::vector<std::string> destinations = {"*"};  ///< as sources; what we make has any
    bool operator==(const SecurityRule&) const = default;
};

struct WantedSecurityGroup {
    std::vector<SecurityRule> rules;  ///< the whole list; what is not in it goes
};

struct WantedSecurityRule {  ///< in a group of the user: ResourceName::parent
    SecurityRule rule;
};

struct WantedAddress {};  ///< a public, static IPv4 address

struct WantedInterface {
    ResourceName subnet;  ///< kind subnet, parent = its network
    std::optional<ResourceName> security_group;
    std::optional<ResourceName> public_address;
};

struct WantedMachine {
    std::string size;
    std::int64_t disk_gb = 30;
    ResourceName interface;
    std::string identity;  ///< cloud's full id of the node identity; may be empty
    std::string admin_user;
    std::string ssh_public_key;
    /// At most 64 KiB. Readable inside the machine by root only, and worth nothing once used.
    std::string user_data;
    /// A spot machine that is deleted when the cloud takes it back; the most that is paid for it,
    /// in US dollars an hour, -1: up to the price on demand. None: on demand.
    std::optional<double> max_spot_price = std::nullopt;
};

using Wanted = std::variant<WantedNetwork,
                            WantedSubnet,
                            WantedSecurityGroup,
                            WantedSecurityRule,
                            WantedAddress,
                            WantedInterface,
                            WantedMachine>;

struct PutRequest {
    ResourceName name;
    std::string location;
    std::vector<Tag> tags;  ///< the user's and ours
    Wanted wanted;
};

// --- what is seen ------------------------------------------------------------------------------

enum class Provisioning { creating, updating, succeeded, failed, deleting };
enum class Power { unknown, starting, running, stopping, stopped, deallocating, deallocated };

struct Seen {
    ResourceName name;
    std::string location;
    std::vector<Tag> tags;
    Provisioning provisioning = Provisioning::succeeded;
    std::optional<Error> failure;  ///< of a failed provisioning, when the cloud tells

    // Filled for the kind they belong to, else empty.
    Power power = Power::unknown;  ///< machine
    std::string machine_id;        ///< machine: the cloud's own id, new with every creation
    std::string size;              ///< machine
    std::string disk;              ///< machine: name of its root disk
    std::string private_ip;        ///< network interface
    std::string public_ip;         ///< public address
    std::string attached_to;       ///< disk, interface, address: native id, or empty
    std::optional<Timestamp> created_at;
};

struct Operation {
    std::string url;  ///< opaque; may be stored and used by another process
    std::optional<Milliseconds>
        look_after;  ///< what the cloud asked for; nothing: the caller's back-off
};

/// The answer to a request that the cloud accepted. `operation` is empty when it is done already.
struct Accepted {
    std::optional<Operation> operation;
    std::optional<Seen> seen;  ///< what the reply showed of the resource
    std::string request_id;    ///< for the cloud's support
};

struct OperationState {
    enum class Status { running, succeeded, failed } status = Status::running;
    std::optional<Milliseconds> look_after;
    std::string url;               ///< where to look next; may have changed
    std::optional<Error> failure;  ///< set when failed: quota_exceeded, capacity_unavailable …
};

enum class PowerAction { start, deallocate, restart };

/// Which resources a list is asked for: all that bear an installation's tag.
struct Listing {
    std::vector<Seen> resources;  ///< without subnets and rules; machines with their power
};

class Cloud {
  public:
    virtual ~Cloud() = default;
    virtual Result<Accepted> put(const PutRequest& request) = 0;
    virtual Result<Accepted> remove(const ResourceName& name) = 0;
    virtual Result<Accepted> power(const ResourceName& machine, PowerAction action) = 0;
    /// Changes the size of a deallocated machine.
    virtual Result<Accepted> resize(const ResourceName& machine, const std::string& size) = 0;
    /// One look. `not_found`: the cloud forgot the operation; look at the resource instead.
    virtual Result<OperationState> poll(const std::string& operation_url) = 0;
    /// Nothing when the cloud says that it does not exist.
    virtual Result<std::optional<Seen>> read(const ResourceName& name) = 0;
    virtual Result<Listing> list(const InstallationId& installation) = 0;
};

/// The names of our own tags (product.md D11). The API never shows them.
namespace tag {
inline constexpr const char* installation = "hopyard-installation";
inline constexpr const char* cluster = "hopyard-cluster";
inline constexpr const char* role = "hopyard-role";
inline constexpr const char* generation = "hopyard-generation";
}  // namespace tag

}  // namespace hopyard::cloud
