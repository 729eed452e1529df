// The HTTP status that stands for an error, for the two listeners of a node: relay and page.
#pragma once

#include "base/result.h"

namespace hopyard::node {

int http_status_of(ErrorKind kind);

}  // namespace hopyard::node
