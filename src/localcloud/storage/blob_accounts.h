// What the storage provider asks of the blob service: accounts that answer, and containers in them.
// The blob service is the one truth about containers: what a client makes through its data plane is
// seen here, and the reverse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace hopyard::localcloud {

struct BlobAccount {
    std::string name;
    Secret key1;  ///< base64, 64 bytes
    Secret key2;
};

struct Container {
    std::string name;
    std::string etag;
    std::string last_modified;  ///< as HTTP writes it: "Tue, 24 Nov 2026 00:09:00 GMT"
};

class BlobAccounts {
  public:
    virtual ~BlobAccounts() = default;
    /// `https://NAME.blob.localhost:PORT/`
    virtual std::string endpoint(const std::string& account) const = 0;
    /// Returns when the account answers. Repeatable.
    virtual Result<void> ensure(const BlobAccount& account) = 0;
    /// Deletes its containers, then the account. Succeeds when there is none.
    virtual Result<void> remove(const std::string& account) = 0;

    /// True when it is new.
    virtual Result<bool> create_container(const std::string& account,
                                          const std::string& container) = 0;
    virtual Result<std::optional<Container>> find_container(const std::string& account,
                                                            const std::string& container) = 0;
    /// True when it was there.
    virtual Result<bool> delete_container(const std::string& account,
                                          const std::string& container) = 0;
    virtual Result<std::vector<Container>> list_containers(const std::string& account) = 0;
};

}  // namespace hopyard::localcloud
