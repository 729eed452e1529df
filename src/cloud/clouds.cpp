#include "cloud/clouds.h"

namespace hopyard::cloud {

Failure no_such_cloud_account(const std::string& account) {
    Error error = refuse("/cloudAccount",
                         "no_such_cloud_account",
                         "there is no cloud account '" + account + "'",
                         "'hopyard cloud-account list' lists those there are.")
                      .value();
    error.kind = ErrorKind::not_found;
    return pass(std::move(error));
}

}  // namespace hopyard::cloud
