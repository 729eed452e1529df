// What we ask for, as Azure's request bodies. Only what may be written stands in them: a body is
// never an answer sent back. The same request gives the same bytes, so a repeated PUT changes
// nothing.
#pragma once

#include <string>

#include "azure/connection.h"
#include "base/result.h"
#include "cloud/cloud.h"

namespace hopyard::azure {

/// JSON text. `invalid_argument` when user data exceeds 64 KiB, `internal` when name and wanted
/// resource are of different kinds.
Result<std::string> request_body(const cloud::PutRequest& request, const Options& options);
/// Body of the PATCH that changes a machine's size.
std::string resize_body(const std::string& size);

}  // namespace hopyard::azure
