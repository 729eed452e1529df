// Long-running operations. Azure has three ways to say "not yet": a status document
// (Azure-AsyncOperation), a result that is 202 until it is there (Location), and the provisioning
// state of the resource itself. The stored URL begins with the way: "status:", "location:" or
// "resource:", so that another process can go on where this one ended.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "azure/pipeline.h"
#include "cloud/cloud.h"

namespace hopyard::azure {

class Operations {
  public:
    explicit Operations(Pipeline& pipeline) : pipeline_(pipeline) {}

    /// What a reply of success to `call` says: done, or where and when to look. Fails only when it
    /// leads to another host.
    Result<cloud::Accepted> accepted(const Call& call, const http::Response& reply) const;

    /// One look. `not_found`: the record is gone.
    Result<cloud::OperationState> poll(const std::string& operation_url);

  private:
    Result<cloud::OperationState> read_status(const std::string& url, const http::Response& reply);
    Result<cloud::OperationState> read_location(const Call& call, const http::Response& reply);
    Result<cloud::OperationState> read_resource(const std::string& url,
                                                const http::Response& reply);

    Pipeline& pipeline_;
};

}  // namespace hopyard::azure
