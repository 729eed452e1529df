#include "node/http_status.h"

namespace hopyard::node {

int http_status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument:
            return 400;
        case ErrorKind::unauthenticated:
            return 401;
        case ErrorKind::permission_denied:
            return 403;
        case ErrorKind::not_found:
            return 404;
        case ErrorKind::rate_limited:
            return 429;
        default:
            return 503;
    }
}

}  // namespace hopyard::node
