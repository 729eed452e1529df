// The existing wire under /api (control-api.md): E1 to E10, E18 and E21 over the same commands as
// /v1, and clear refusals for the rest. A translation only: it adds no rule of its own, and where
// that wire is odd (404 is success, success is a number inside the body) the oddness stays here.
#pragma once

#include <string>
#include <vector>

#include "api/gate.h"

namespace hopyard::api::compat {

std::vector<Endpoint> endpoints(Parts& parts);
/// {apiVersion, status, code, message}. Never 404 but for a cluster that does not exist, because
/// clients take that for success; 403 for every fault of the key.
http::Response envelope(const Error& error, const std::string& request_id);
Error no_such_path();

}  // namespace hopyard::api::compat
