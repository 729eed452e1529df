#include "cloud/clouds.h"

namespace hopyard::cloud {

Failure no_such_cloud_account(const std::string& account) {
    return refuse("/cloudAccount",
                  "no_such_cloud_account",
                  "there is no cloud account '" + account + "'",
                  "'hopyard cloud-account list' lists those there are.",
                  ErrorKind::not_found);
}

}  // namespace hopyard::cloud
