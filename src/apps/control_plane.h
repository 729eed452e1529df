// The control plane put together: store, cloud, loops, node sessions, API, listeners, and the
// threads that carry them. Everything it does is somebody else's; here it is only wired.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apps/mail_settings.h"
#include "azure/config.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/serve_options.h"
#include "store/store.h"

namespace hopyard::apps {

class ControlPlane {
  public:
    /// Opens what is needed and listens; nothing runs yet. Everything passed must outlive it.
    static Result<std::unique_ptr<ControlPlane>> open(const cli::ServeOptions& options,
                                                      azure::Config cloud,
                                                      std::optional<MailSettings> mail,
                                                      store::Store& store,
                                                      const Clock& clock,
                                                      Random& random);
    ~ControlPlane();
    ControlPlane(const ControlPlane&) = delete;
    ControlPlane& operator=(const ControlPlane&) = delete;

    void start();
    /// Ends in order: streams, listeners, loops, calls under way; gives the lease back.
    void stop();
    /// How people reach it, and the file of the authority they need ("" when none).
    const std::string& url() const;
    const std::string& ca_file() const;

  private:
    struct State;
    explicit ControlPlane(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::apps
