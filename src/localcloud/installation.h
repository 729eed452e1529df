// What one installation of the local cloud is made of for good: its ids, its authority, its signing
// key, its first service principal. Made at the first start and kept in the state directory:
//   state.db          resources, operations, ids, the token key        0600
//   ca.pem, ca.key    the authority that signs every certificate here  0644, 0600
//   instance          the short id in the names of all that is made    0644
//   cloud.json        all a control plane needs to use this cloud       0600
//   endpoint.json     where the running program is reached, its process 0644
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "http/certificates.h"
#include "localcloud/arm/ledger.h"
#include "localcloud/identity/tokens.h"

namespace hopyard::localcloud {

struct Installation {
    std::string folder;
    std::string subscription;
    ServicePrincipal principal;
    http::KeyAndCertificate authority;
    std::unique_ptr<TokenIssuer> issuer;
};

/// Makes the directory when it is missing. The id is 6 of [a-z0-9].
Result<std::string> load_instance(const std::string& folder, Random& random);
/// `not_found` when nothing was ever started there.
Result<std::string> read_instance(const std::string& folder);
/// Reads what is there and makes what is missing.
Result<Installation> load_installation(const std::string& folder,
                                       Ledger& ledger,
                                       const Clock& clock,
                                       Random& random);
/// The wanted port, else the one that was remembered under that name, else a free one.
Result<std::uint16_t> choose_port(const Ledger& ledger,
                                  const std::string& name,
                                  std::uint16_t wanted);
Result<void> remember_port(Ledger& ledger, const std::string& name, std::uint16_t port);

/// Replaces a file of the state directory in one step. `owner`: a user's name, "" for ours.
struct StateFile {
    std::string path;
    std::string text;
    unsigned mode = 0600;
    std::string owner;
};
Result<void> write_state_file(const StateFile& file);
Result<std::string> read_state_file(const std::string& path);

}  // namespace hopyard::localcloud
