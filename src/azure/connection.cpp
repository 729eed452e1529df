#include "azure/connection.h"

#include <mutex>
#include <thread>

#include "azure/blob_service.h"
#include "azure/capture.h"
#include "azure/containers.h"
#include "azure/custom_role.h"
#include "azure/facts.h"
#include "azure/pipeline.h"
#include "azure/preparing.h"
#include "azure/prices.h"
#include "azure/resources.h"

namespace hopyard::azure {
namespace {

/// Not every Random may be shared between threads.
class SharedRandom final : public Random {
  public:
    explicit SharedRandom(Random& inner) : inner_(inner) {}
    std::uint64_t next() override {
        const std::lock_guard lock(mutex_);
        return inner_.next();
    }

  private:
    std::mutex mutex_;
    Random& inner_;
};

Options completed(Options options) {
    if (!options.sleep)
        options.sleep = [](Milliseconds pause) { std::this_thread::sleep_for(pause); };
    return options;
}

}  // namespace

struct Connection::State {
    State(Options given,
          http::Transport& manager,
          http::Transport& blob,
          const Clock& clock,
          Random& outside_random)
        : options(completed(std::move(given))),
          random(outside_random),
          capture(manager, options.capture_directory, options.resource_manager_url),
          pipeline(
              options,
              options.capture_directory.empty() ? manager : static_cast<http::Transport&>(capture),
              clock,
              random),
          blobs(options, pipeline, blob, random),
          resources(options, pipeline),
          facts(options, pipeline, blobs),
          containers(blobs),
          preparing(options, pipeline),
          prices(options, manager, clock),
          custom_role(options) {}

    const Options options;
    SharedRandom random;
    Capture capture;
    Pipeline pipeline;
    BlobService blobs;
    Resources resources;
    Facts facts;
    Containers containers;
    Preparing preparing;
    RetailPrices prices;
    CustomRole custom_role;
};

Connection::Connection(Options options,
                       http::Transport& manager,
                       http::Transport& blob,
                       const Clock& clock,
                       Random& random)
    : state_(std::make_unique<State>(std::move(options), manager, blob, clock, random)) {}

Connection::~Connection() = default;

cloud::Cloud& Connection::cloud() {
    return state_->resources;
}
cloud::Catalog& Connection::catalog() {
    return state_->facts;
}
cloud::Storage& Connection::storage() {
    return state_->containers;
}
cloud::Preparation& Connection::preparation() {
    return state_->preparing;
}
cloud::PriceSource& Connection::prices() {
    return state_->prices;
}

const cloud::RoleWriter& Connection::roles() const {
    return state_->custom_role;
}

}  // namespace hopyard::azure
