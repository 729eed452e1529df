// Holds replies against the API's own description: which operation a request is, and whether a
// reply has the status and the shape that it promises. A member that the schema does not name is a
// fault here, so that nothing is served that nobody described.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "http/message.h"

namespace hopyard::api {

/// Empty when the reply is as described.
std::vector<std::string> faults_of(const std::string& method,
                                   const std::string& path,
                                   int status,
                                   const http::Headers& headers,
                                   const std::string& body);

const nlohmann::json& description();
/// Follows "$ref".
const nlohmann::json& resolved(const nlohmann::json& value);

}  // namespace hopyard::api
