// Signed requests to the blob service of any account of the subscription. Knows each account's
// address and key from the Resource Manager and keeps them; a key that the service refuses is read
// anew once. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "azure/pipeline.h"
#include "base/secret.h"

namespace hopyard::azure {

struct Account {
    std::string name;
    std::string id;
    std::string resource_group;
    std::string location;
    std::string blob_endpoint;  ///< as the account says it, without a slash at the end
    std::string kind;
};

struct BlobCall {
    std::string doing;
    std::string method = "GET";
    std::string account;
    std::string path;   ///< "/container/blob", percent-encoded
    std::string query;  ///< "restype=container"
    http::Headers headers;
    std::string body;
};

class BlobService {
  public:
    BlobService(const Options& options,
                Pipeline& pipeline,
                http::Transport& transport,
                Random& random)
        : options_(options), pipeline_(pipeline), transport_(transport), random_(random) {}

    /// A reply of success; an Error for any other.
    Result<http::Response> send(const BlobCall& call);
    /// Every account that the caller may see.
    Result<std::vector<Account>> accounts();
    Result<Secret> key(const std::string& account);
    /// The address at which the control plane, or a machine, reaches that account.
    Result<std::string> endpoint(const std::string& account);
    Result<std::string> machine_endpoint(const std::string& account);

  private:
    Result<Account> find(const std::string& name);
    Result<Secret> fetch_key(const std::string& name);
    Result<http::Response> send_once(const BlobCall& call,
                                     const std::string& base,
                                     const Secret& key);

    const Options& options_;
    Pipeline& pipeline_;
    http::Transport& transport_;
    Random& random_;
    std::mutex mutex_;
    std::map<std::string, Account> accounts_;
    std::map<std::string, Secret> keys_;
};

}  // namespace hopyard::azure
