// The local cloud put together: resource providers, sign-in, metadata, forwarded ports. Owns no
// thread: the program runs loops() on threads of its own.
//
// A restart changes nothing for anybody: resources and operations come from the state, the machine
// host is told what should stand, and operations that were under way are done again.
//
// How machines reach the host: a private network has no way to it, except for the ports of
// `CloudOptions::forwards`. Each is listened on at 169.254.169.254, an address that every network
// has, and leads to the host's loopback. So one URL is valid in every machine, whatever its subnet:
// a control plane whose listener for nodes is at 127.0.0.1:HOST_PORT and is forwarded as PORT has
// the node_url `https://169.254.169.254:PORT`, and its certificate names that IP address. Like the
// metadata service (port 80 there) forwarded ports answer root only: the port's own table sees to
// that, and no security group can close them.
//
// How the control plane finds the cloud: `cloud.json` in the state directory (0600, of the user
// `owner`) is what azure/config.h reads, complete. Blobs are https://ACCOUNT.blob.localhost:PORT on
// the host and https://169.254.169.254:PORT/ACCOUNT in a machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/installation.h"
#include "localcloud/machine_host.h"
#include "localcloud/storage/blob_accounts.h"

namespace hopyard::localcloud {

/// A port that machines reach at 169.254.169.254, and what it leads to on the host's loopback.
struct Forward {
    std::uint16_t port = 0;
    std::uint16_t host_port = 0;
};

struct CloudOptions {
    std::uint16_t port = 0;       ///< of the API on loopback; 0: of last time, or any
    std::uint16_t blob_port = 0;  ///< where the blob service listens
    std::string public_range;
    std::vector<Forward> forwards;
    std::string owner;  ///< user who may read cloud.json; "" = ours alone
    std::string capture_folder;
    Rehearsal rehearsal;
    int operation_workers = 8;
    int request_workers = 4;
};

struct CloudParts {
    Ledger& ledger;
    const Installation& installation;
    MachineHost& host;
    BlobAccounts& blobs;
    const Clock& clock;
    Random& random;
};

class Cloud {
  public:
    Cloud(CloudOptions options, CloudParts parts);
    ~Cloud();
    Cloud(const Cloud&) = delete;
    Cloud& operator=(const Cloud&) = delete;

    using Loop = std::function<void(std::stop_token)>;
    /// To be started before start().
    std::vector<Loop> loops();
    /// Brings the machine in line with the state, resumes operations, listens, writes cloud.json
    /// and endpoint.json. Returns the URL. Errors: `conflict` when the port is in use.
    Result<std::string> start();
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// `invalid_argument` when two forwards have one port, or one has the metadata service's.
Result<void> check_forwards(const std::vector<Forward>& forwards);
/// The accounts of the state, for the blob service to know from its start.
std::vector<BlobAccount> known_accounts(const Ledger& ledger);

}  // namespace hopyard::localcloud
