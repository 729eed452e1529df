// The account key's signature on a request to the blob service ("Authorize with Shared Key",
// version 2015-02-21 and later), for the few requests that the storage provider makes itself.
#pragma once

#include <string>

#include "base/secret.h"
#include "http/message.h"

namespace hopyard::localcloud {

/// Adds x-ms-date, x-ms-version and Authorization. `path` is the request's path as it is sent, the
/// account included when the address is of path style.
void sign_with_shared_key(http::OutgoingRequest& request,
                          const std::string& account,
                          const Secret& key,
                          Timestamp now);

}  // namespace hopyard::localcloud
