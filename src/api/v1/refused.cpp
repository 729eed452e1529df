#include "api/v1/routes.h"

namespace hopyard::api::v1 {
namespace {

Endpoint refused(std::string method, std::string pattern, std::string what, std::string next) {
    return {.method = std::move(method),
            .pattern = std::move(pattern),
            .has_body = true,
            .answer = [what, next](const Call&) -> Result<http::Response> {
                return pass(Error{.kind = ErrorKind::invalid_argument,
                                  .code = "feature_unavailable",
                                  .message = what + " not available in this version",
                                  .owner = Owner::user,
                                  .next_action = next});
            }};
}

}  // namespace

std::vector<Endpoint> refused_endpoints() {
    const std::string one = "/v1/clusters/{id}";
    const std::string backups = "backups are";
    const std::string copy = "Copy the container with the storage account's own tools.";
    const std::string ldap = "LDAP users are";
    const std::string manage = "Leave userManagement at 'disabled'.";
    return {refused("GET", "/v1/backups", backups, copy),
            refused("POST", "/v1/backups", backups, copy),
            refused("GET", "/v1/backups/{id}", backups, copy),
            refused("DELETE", "/v1/backups/{id}", backups, copy),
            refused("POST", "/v1/backups/{id}/restore", backups, copy),
            refused("GET", one + "/ldap", ldap, manage),
            refused("PUT", one + "/ldap", ldap, manage),
            refused("DELETE", one + "/ldap", ldap, manage)};
}

}  // namespace hopyard::api::v1
