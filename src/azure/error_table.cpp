// One row for each code that we tell apart; the rest goes by status.
#include <algorithm>

#include "azure/errors.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using Kind = ErrorKind;

constexpr std::string_view mend_request = "Correct the named value and send the request again.";
constexpr std::string_view report_bug = "Report this as a defect with the request id.";
constexpr std::string_view wait_for_dependency =
    "Nothing: it is tried again until what uses it is gone.";
constexpr std::string_view wait_for_reference = "Nothing: it is tried again for three minutes.";
constexpr std::string_view wait_for_cloud = "Nothing: it is tried again.";
constexpr std::string_view renew_credential =
    "Check tenant, client id and secret of the cloud connection, and renew an expired secret.";
constexpr std::string_view grant_right =
    "Give the control plane's identity a role with the named action at that scope.";
constexpr std::string_view ask_quota =
    "Ask Azure for a larger quota, or choose another size or location.";
constexpr std::string_view other_size = "Choose another size or location, or try again later.";
constexpr std::string_view spot_or_not =
    "Let the group fall back on demand, or choose a size that is given as a spot machine.";
constexpr std::string_view higher_price =
    "Raise spot.maxPricePercent, let the group fall back on demand, or try again later.";
constexpr std::string_view rename = "Choose another name.";

std::vector<ErrorRow> make_table() {
    return {
        // 400: the request itself
        {"InvalidParameter", Kind::invalid_argument, Owner::user, mend_request, {}},
        {"InvalidRequestContent", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"InvalidRequestFormat", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"InvalidTemplate", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"LinkedInvalidPropertyId", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"LocationRequired", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"MissingApiVersionParameter", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"InvalidApiVersionParameter", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"NoRegisteredProviderFound", Kind::invalid_argument, Owner::hopyard, report_bug, {}},
        {"AccountNameInvalid",
         Kind::invalid_argument,
         Owner::user,
         "Use 3 to 24 lower-case letters and digits.",
         {}},
        {"LocationNotAvailableForResourceGroup",
         Kind::invalid_argument,
         Owner::user,
         "Choose one of the locations that the message lists.",
         {}},
        {"LocationNotAvailableForResourceType",
         Kind::invalid_argument,
         Owner::user,
         "Choose another location.",
         {}},
        {"SecurityRuleConflict",
         Kind::invalid_argument,
         Owner::user,
         "Free the priority in the security group, or use another group.",
         {}},
        {"NetcfgSubnetRangesOverlap",
         Kind::invalid_argument,
         Owner::user,
         "Choose a range that no other subnet uses.",
         {}},
        {"NetcfgSubnetRangeOutsideVnet",
         Kind::invalid_argument,
         Owner::user,
         "Choose a range inside the network.",
         {}},
        {"PrivateIPAddressNotInSubnet", Kind::invalid_argument, Owner::user, mend_request, {}},
        {"DnsRecordInUse", Kind::already_exists, Owner::user, rename, {}},
        {"PlatformImageNotFound",
         Kind::invalid_argument,
         Owner::administrator,
         "Choose an image that exists in this location.",
         {}},
        {"VMMarketplaceInvalidInput",
         Kind::invalid_argument,
         Owner::administrator,
         "Accept the image's terms, or choose an image without a plan.",
         {}},

        // 400 and 409: something still uses it, or is not there yet
        {"NicReservedForAnotherVm",
         Kind::conflict,
         Owner::cloud,
         "Nothing: Azure frees the interface after three minutes.",
         Seconds(180)},
        {"NicInUse", Kind::conflict, Owner::cloud, wait_for_dependency, {}},
        {"InUseSubnetCannotBeDeleted", Kind::conflict, Owner::cloud, wait_for_dependency, {}},
        {"InUseNetworkSecurityGroupCannotBeDeleted",
         Kind::conflict,
         Owner::cloud,
         wait_for_dependency,
         {}},
        {"PublicIPAddressCannotBeDeleted", Kind::conflict, Owner::cloud, wait_for_dependency, {}},
        {"PublicIPAddressInUse", Kind::conflict, Owner::cloud, wait_for_dependency, {}},
        {"PrivateIPAddressInUse", Kind::conflict, Owner::cloud, wait_for_dependency, {}},
        {"PrincipalNotFound", Kind::conflict, Owner::cloud, wait_for_reference, {}},
        {"InvalidResourceReference", Kind::conflict, Owner::cloud, wait_for_reference, {}},
        {"ReferencedResourceNotProvisioned", Kind::conflict, Owner::cloud, wait_for_reference, {}},

        // 401 and 403
        {"AuthenticationFailed", Kind::unauthenticated, Owner::administrator, renew_credential, {}},
        {"ExpiredAuthenticationToken",
         Kind::unauthenticated,
         Owner::administrator,
         renew_credential,
         {}},
        {"InvalidAuthenticationToken",
         Kind::unauthenticated,
         Owner::administrator,
         renew_credential,
         {}},
        {"InvalidAuthenticationTokenTenant",
         Kind::unauthenticated,
         Owner::administrator,
         renew_credential,
         {}},
        {"AuthorizationFailed", Kind::permission_denied, Owner::administrator, grant_right, {}},
        {"LinkedAuthorizationFailed",
         Kind::permission_denied,
         Owner::administrator,
         grant_right,
         {}},
        {"RequestDisallowedByPolicy",
         Kind::permission_denied,
         Owner::administrator,
         "Change the named Azure policy or exempt the resource group from it.",
         {}},
        {"ReadOnlyDisabledSubscription",
         Kind::permission_denied,
         Owner::administrator,
         "Enable the subscription again.",
         {}},
        {"RoleAssignmentUpdateNotPermitted",
         Kind::permission_denied,
         Owner::administrator,
         "Delete the role assignment of that name first.",
         {}},
        {"ScopeLocked",
         Kind::permission_denied,
         Owner::administrator,
         "Remove the lock from the named scope.",
         {}},

        // 404
        {"ResourceNotFound", Kind::not_found, Owner::user, "", {}},
        {"ResourceGroupNotFound",
         Kind::not_found,
         Owner::user,
         "Create the resource group or name another.",
         {}},
        {"ParentResourceNotFound", Kind::not_found, Owner::user, "", {}},
        {"SubscriptionNotFound",
         Kind::not_found,
         Owner::administrator,
         "Correct the subscription id of the cloud connection.",
         {}},
        {"InvalidSubscriptionId",
         Kind::not_found,
         Owner::administrator,
         "Correct the subscription id of the cloud connection.",
         {}},
        {"NotFound", Kind::not_found, Owner::user, "", {}},
        {"RoleAssignmentNotFound", Kind::not_found, Owner::user, "", {}},

        // 409: come back
        {"AnotherOperationInProgress", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"Conflict", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"RetryableError", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"ResourceGroupBeingDeleted", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"OperationPreempted", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"StorageAccountOperationInProgress", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"StorageAccountIsNotProvisioned", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"AttachDiskWhileBeingDetached", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"OperationNotAllowed", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"PreconditionFailed", Kind::conflict, Owner::cloud, wait_for_cloud, {}},

        // Quota and capacity
        {"QuotaExceeded", Kind::quota_exceeded, Owner::administrator, ask_quota, {}},
        {"ResourceQuotaExceeded", Kind::quota_exceeded, Owner::administrator, ask_quota, {}},
        {"PublicIPCountLimitReached",
         Kind::quota_exceeded,
         Owner::administrator,
         "Ask Azure for more public addresses, or delete unused ones.",
         {}},
        {"SubnetIsFull",
         Kind::quota_exceeded,
         Owner::user,
         "Use a larger subnet or remove machines from it.",
         {}},
        {"SkuNotAvailable", Kind::capacity_unavailable, Owner::cloud, other_size, {}},
        {"AllocationFailed", Kind::capacity_unavailable, Owner::cloud, other_size, {}},
        {"ZonalAllocationFailed", Kind::capacity_unavailable, Owner::cloud, other_size, {}},
        {"VMPriorityCannotBeApplied", Kind::capacity_unavailable, Owner::user, spot_or_not, {}},
        {"AzureSpotFeatureNotEnabledForSubscription",
         Kind::capacity_unavailable,
         Owner::administrator,
         spot_or_not,
         {}},
        {"AzureSpotIsNotSupportedForThisVMSize",
         Kind::capacity_unavailable,
         Owner::user,
         spot_or_not,
         {}},
        {"SpotPriceGreaterThanProvidedMaxPrice",
         Kind::capacity_unavailable,
         Owner::user,
         higher_price,
         {}},
        {"VariablePriceGreaterThanProvidedMaxPrice",
         Kind::capacity_unavailable,
         Owner::user,
         higher_price,
         {}},
        {"OverconstrainedAllocationRequest",
         Kind::capacity_unavailable,
         Owner::cloud,
         other_size,
         {}},
        {"OverconstrainedZonalAllocationRequest",
         Kind::capacity_unavailable,
         Owner::cloud,
         other_size,
         {}},

        // 409: per case
        {"PropertyChangeNotAllowed",
         Kind::already_exists,
         Owner::hopyard,
         "Delete the resource of that name, then create it anew.",
         {}},
        {"ConflictingUserInput",
         Kind::already_exists,
         Owner::hopyard,
         "Delete the disk of that name, then create it anew.",
         {}},
        {"InvalidResourceLocation",
         Kind::already_exists,
         Owner::user,
         "Use the location in which the resource exists, or another name.",
         {}},
        {"InvalidResourceGroupLocation",
         Kind::already_exists,
         Owner::user,
         "Use the location of the existing group, or another name.",
         {}},
        {"StorageAccountAlreadyTaken", Kind::already_exists, Owner::user, rename, {}},
        {"StorageAccountInAnotherResourceGroup",
         Kind::already_exists,
         Owner::user,
         "Name the resource group that holds the account, or choose another name.",
         {}},
        {"RoleAssignmentExists", Kind::already_exists, Owner::hopyard, "", {}},
        {"MissingSubscriptionRegistration",
         Kind::permission_denied,
         Owner::administrator,
         "Register the named resource provider: `hopyard cloud prepare` does it.",
         {}},

        // 429, 408 and 5xx
        {"TooManyRequests", Kind::rate_limited, Owner::cloud, wait_for_cloud, {}},
        {"SubscriptionRequestsThrottled", Kind::rate_limited, Owner::cloud, wait_for_cloud, {}},
        {"RetryableErrorDueToAnotherOperation", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"GatewayTimeout", Kind::timed_out, Owner::cloud, wait_for_cloud, {}},
        {"OSProvisioningTimedOut", Kind::timed_out, Owner::cloud, wait_for_cloud, {}},
        {"VMStartTimedOut", Kind::timed_out, Owner::cloud, wait_for_cloud, {}},
        {"InternalExecutionError", Kind::unavailable, Owner::cloud, wait_for_cloud, {}},
        {"InternalServerError", Kind::unavailable, Owner::cloud, wait_for_cloud, {}},
        {"ServiceUnavailable", Kind::unavailable, Owner::cloud, wait_for_cloud, {}},

        // Blob service
        {"AuthorizationFailure",
         Kind::permission_denied,
         Owner::administrator,
         "Check the account's key and let its network rules admit the control plane.",
         {}},
        {"AuthorizationPermissionMismatch",
         Kind::permission_denied,
         Owner::administrator,
         "Give the control plane's identity a role on the blobs of the account.",
         {}},
        {"KeyBasedAuthenticationNotPermitted",
         Kind::permission_denied,
         Owner::administrator,
         "Allow shared key access on the storage account.",
         {}},
        {"ContainerNotFound", Kind::not_found, Owner::user, "", {}},
        {"BlobNotFound", Kind::not_found, Owner::user, "", {}},
        {"ContainerAlreadyExists", Kind::already_exists, Owner::user, "", {}},
        {"BlobAlreadyExists", Kind::already_exists, Owner::user, "", {}},
        {"ContainerBeingDeleted",
         Kind::conflict,
         Owner::cloud,
         "Nothing: the name is free again half a minute after the deletion.",
         Seconds(30)},
        {"ConditionNotMet", Kind::conflict, Owner::cloud, wait_for_cloud, {}},
        {"ServerBusy", Kind::unavailable, Owner::cloud, wait_for_cloud, {}},
        {"OperationTimedOut", Kind::timed_out, Owner::cloud, wait_for_cloud, {}},
    };
}

}  // namespace

const std::vector<ErrorRow>& error_table() {
    static const std::vector<ErrorRow> table = make_table();
    return table;
}

const ErrorRow* find_error_row(std::string_view azure_code) {
    const std::string wanted = to_lower(azure_code);
    const auto& table = error_table();
    const auto found = std::find_if(table.begin(), table.end(), [&](const ErrorRow& row) {
        return to_lower(row.code) == wanted;
    });
    return found == table.end() ? nullptr : &*found;
}

}  // namespace hopyard::azure
