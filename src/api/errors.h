// Errors as replies: RFC 9457 problem documents with the code, field, owner and next action that
// every Error of ours carries.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "http/message.h"

namespace hopyard::api {

/// The HTTP status of an error that a handler of ours ended with. What the cloud refused to us is
/// never 401 or 403: those speak of the caller's key.
int status_of(const Error& error);

/// application/problem+json: type, title, status, detail, code, kind, field, owner, nextAction,
/// requestId.
http::Response problem(const Error& error, const std::string& request_id);

/// Code, kind, message, field, owner and nextAction, for errors inside other documents.
nlohmann::ordered_json view(const Error& error);

Error no_such_cluster(const std::string& id);

}  // namespace hopyard::api
