// The control plane as it runs, over real sockets, on a cloud and machines that are simulated: real
// service, commands, loops and node sessions, the store in memory, the clock the test's. Clients
// and machines speak HTTP; only the cloud behind it is a value.
//
// One thread drives everything: time goes on in advance(), and nowhere else.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/service.h"
#include "api/test_catalog.h"
#include "cloud/one_cloud.h"
#include "control/authority.h"
#include "control/loops.h"
#include "control/test_cloud.h"
#include "http/server.h"
#include "machines.h"

namespace hopyard::conformance {

/// May be read by the server's threads while the test moves it.
class SharedClock final : public Clock {
  public:
    Timestamp now() const override { return Timestamp(Milliseconds(ms_)); }
    void set(Timestamp time) { ms_ = time.time_since_epoch().count(); }

  private:
    std::atomic<std::int64_t> ms_{1'795'478'400'000};
};

class Calls final : public control::CallRunner {
  public:
    void run(std::function<void()> call) override { waiting_.push_back(std::move(call)); }
    /// True when there was something to do.
    bool run_all();

  private:
    std::deque<std::function<void()>> waiting_;
};

class Ground {
  public:
    Ground();
    ~Ground();
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    /// Where clients of the existing wire go, and with what.
    const std::string& url() const { return url_; }
    const Secret& key() const { return key_; }
    /// Lets that much time go by, with everything that happens in it.
    void advance(Milliseconds span);
    /// Everything the cloud still holds: "machine demo-1-head".
    std::vector<std::string> left_in_cloud() const;

    SharedClock clock;
    control::TestCloud cloud{clock};
    api::TestCatalog catalog;

  private:
    void round();
    Timestamp next_event(Timestamp step) const;

    api::TestPreparation preparation_;
    cloud::OneCloud clouds_{catalog, cloud, {}, &preparation_};
    SystemRandom random_;
    std::unique_ptr<store::Store> store_;
    http::KeyAndCertificate authority_pem_;
    control::InstallationAuthority authority_;
    http::Server server_{http::ServerOptions{}};
    Calls calls_;
    std::unique_ptr<control::Loops> loops_;
    std::unique_ptr<control::Commands> commands_;
    std::unique_ptr<control::NodeSessions> sessions_;
    std::unique_ptr<api::Service> service_;
    std::unique_ptr<Machines> machines_;
    std::string url_;
    Secret key_;
    std::vector<std::jthread> threads_;
};

}  // namespace hopyard::conformance
