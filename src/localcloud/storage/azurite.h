// The blob service of this cloud: Azurite, Microsoft's emulator, as a supervised child over https.
//
// Accounts: Azurite knows those of an environment variable that it reads again every minute. A
// small launcher fills the variable from a file (0600) and reads it again on SIGHUP, so a new
// account answers at once, without a restart and without a key in anybody's environment or argument
// list.
//
// Addresses: the service listens on loopback only. Both forms work:
// `https://127.0.0.1:PORT/ACCOUNT/…` and `https://ACCOUNT.blob.localhost:PORT/…`; the second is the
// one accounts show, as Azure's do. A name below localhost is loopback to libcurl without any
// lookup (RFC 6761 section 6.3); a machine reaches the same name through its gateway, which
// forwards the port, by a line in its /etc/hosts.
//
// The child ends with the thread that runs it (PR_SET_PDEATHSIG), having written down what it holds
// in memory; the next one waits for that. Run by root, it is an unprivileged user's and sees only
// the program, its data and the system's libraries (storage/view.h), so it does not matter whose
// directory the program lies in.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/certificates.h"
#include "http/transport.h"
#include "localcloud/storage/blob_accounts.h"

namespace hopyard::localcloud {

struct AzuriteOptions {
    std::string program;          ///< directory of the npm package "azurite"
    std::string node;             ///< Node.js, see find_node
    std::string folder;           ///< of the data, the accounts and the certificate
    std::string user = "nobody";  ///< who runs it when we are root
    std::uint16_t port = 0;
    std::string ca_pem;
    http::KeyAndCertificate certificate;
};

/// Where Azurite is: `named`, else $HOPYARD_AZURITE, else where the package or tools/fetch-azurite
/// puts it, seen from `own_folder`, the directory of the running program. Accepts the npm package's
/// directory, or one that has it in node_modules. `invalid_argument` with the remedy when it is not
/// there.
Result<std::string> find_azurite(const std::string& named, const std::string& own_folder);
/// The path of a Node.js of at least version 20: `named`, or for "" and "node" the one in PATH,
/// else what tools/fetch-node brought. `invalid_argument` when there is none.
Result<std::string> find_node(const std::string& named, const std::string& own_folder);

class Azurite final : public BlobAccounts {
  public:
    static constexpr const char* suffix = "blob.localhost";

    /// Writes the files; does not start. `accounts`: those that were made before.
    static Result<std::unique_ptr<Azurite>> prepare(AzuriteOptions options,
                                                    const std::vector<BlobAccount>& accounts);
    ~Azurite() override;

    /// Runs the service, and again when it ends, until stopped. The calling thread must live as
    /// long.
    void run(std::stop_token stop);
    /// `unavailable` when it does not answer in that time.
    Result<void> wait_until_ready(Milliseconds longest);

    std::string endpoint(const std::string& account) const override;
    Result<void> ensure(const BlobAccount& account) override;
    Result<void> remove(const std::string& account) override;
    Result<bool> create_container(const std::string& account,
                                  const std::string& container) override;
    Result<std::optional<Container>> find_container(const std::string& account,
                                                    const std::string& container) override;
    Result<bool> delete_container(const std::string& account,
                                  const std::string& container) override;
    Result<std::vector<Container>> list_containers(const std::string& account) override;

  private:
    struct State;
    explicit Azurite(std::unique_ptr<State> state);

    Result<void> write_accounts();
    Result<void> wait_for(const std::string& account, Milliseconds longest);
    Result<http::Response> send(const std::string& method,
                                const std::string& account,
                                const std::string& path,
                                const std::string& query);

    std::unique_ptr<State> state_;
};

}  // namespace hopyard::localcloud
