// A real Azurite with one account, and the rights to its containers that a test hands out.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "http/certificates.h"
#include "http/transport.h"
#include "node/system/processes.h"

namespace hopyard::test {

class BlobServer {
  public:
    explicit BlobServer(const std::string& directory, std::string address = "127.0.0.1");
    ~BlobServer();

    void make_container(const std::string& container);
    /// Stores a policy for each of those names and no other, good for that long.
    void set_policies(const std::string& container,
                      const std::vector<std::string>& policies,
                      Seconds validity);
    /// By address, as machines of the local cloud reach it.
    Secret url(const std::string& container, const std::string& policy) const;
    /// The blob's bytes, or "status 404" and the like.
    std::string blob(const std::string& container, const std::string& name);
    std::string put(const std::string& container,
                    const std::string& name,
                    const std::string& bytes);
    const std::string& ca_pem() const { return authority_.certificate_pem; }

  private:
    static std::string host_name() { return "acct.blob.localhost"; }
    void wait_until_it_answers();
    http::Response send(http::OutgoingRequest request, const std::string& target);
    const std::string address_;
    const SystemClock clock_;
    const Secret key_;
    std::uint16_t port_;
    http::KeyAndCertificate authority_;
    http::Client client_;
    node::system::Processes processes_;
    std::jthread thread_;
};

}  // namespace hopyard::test
