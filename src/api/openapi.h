// The description of the API that GET /v1/openapi.json serves: the files of src/api/openapi,
// bundled into the program by tools/bundle-openapi.
#pragma once

#include <string_view>

namespace hopyard::api {

/// OpenAPI 3.1, one JSON document.
std::string_view openapi_document();

}  // namespace hopyard::api
