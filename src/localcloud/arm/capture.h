// Writes down what was asked and answered, one file for each exchange, in the form that Microsoft's
// validator of live traffic reads (oav). Secrets are cut out before anything is written.
#pragma once

#include <atomic>
#include <string>

#include "http/message.h"

namespace hopyard::localcloud {

class Capture {
  public:
    /// "": captures nothing.
    explicit Capture(std::string folder);
    void record(const http::Request& request, const http::Response& response);

  private:
    std::string folder_;
    std::atomic<int> count_{0};
};

}  // namespace hopyard::localcloud
