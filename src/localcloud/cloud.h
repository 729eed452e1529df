// The local cloud put together: resource providers, sign-in, metadata, forwarded ports. Owns no
// thread: the program runs loops() on threads of its own.
//
// A restart changes nothing for anybody: resources and operations come from the state, the machine
// host is told what should stand, and operations that were under way are done again.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "localcloud/installation.h"
#include "localcloud/machine_host.h"
#include "localcloud/storage/blob_accounts.h"

namespace hopyard::localcloud {

/// A port that machines reach on their gateway, and what it leads to on the host's loopback.
struct Forward {
    std::uint16_t port = 0;
    std::uint16_t host_port = 0;
};

struct CloudOptions {
    std::uint16_t port = 0;       ///< 0: the one of last time, else any
    std::uint16_t blob_port = 0;  ///< where the blob service listens
    std::string public_range = "198.18.0.0/24";
    std::vector<Forward> forwards;
    std::string owner;  ///< user who may read credentials.json; "" = ours alone
    std::string capture_folder;
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
    /// Brings the machine in line with the state, resumes operations, listens, writes endpoint.json
    /// and credentials.json. Returns the URL.
    Result<std::string> start();
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The accounts of the state, for the blob service to know from its start.
std::vector<BlobAccount> known_accounts(const Ledger& ledger);

}  // namespace hopyard::localcloud
