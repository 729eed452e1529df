// What Azure's refusals mean for us. Its own error code decides first, the HTTP status second:
// codes are documented and stable, and several carry a status that misleads (a network interface
// that is still reserved is a 400 although waiting helps). Rows and remedies: error_table.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/message.h"

namespace hopyard::azure {

struct ErrorRow {
    std::string_view code;  ///< Azure's
    ErrorKind kind;
    Owner owner;
    std::string_view next_action;
    std::optional<Milliseconds> retry_after;
};
/// Every code we know; names are unique without case.
const std::vector<ErrorRow>& error_table();
const ErrorRow* find_error_row(std::string_view azure_code);

/// Error of a reply that is not a success. `doing` says what was asked ("PUT machine n1").
/// Any body will do: JSON of the Resource Manager, XML of the blob service, a proxy's HTML.
Error error_of(std::string_view doing,
               std::string_view method,
               const http::Response& reply,
               Timestamp now);
/// Error that the cloud reports inside a document: a failed operation or provisioning.
/// `document` is JSON text of `{code, message, details}` or of something that holds it as "error".
Error error_of_document(std::string_view doing, std::string_view document);
Error error_of_code(std::string_view doing, std::string_view code, std::string_view message);

/// True for a `not_found` by which the cloud says that this very thing does not exist. A
/// subscription that it does not know, and a 404 that is not the cloud's, prove nothing about the
/// thing.
bool says_absent(const Error& error);

/// The figures in Azure's quota text.
struct QuotaShortage {
    std::string quota;  ///< "Total Regional Cores", "standardDSv3Family Cores"
    std::string location;
    std::int64_t limit = 0;
    std::int64_t usage = 0;
    std::int64_t required = 0;  ///< in addition
    std::int64_t new_limit = 0;
    bool operator==(const QuotaShortage&) const = default;
};
std::optional<QuotaShortage> quota_shortage(std::string_view message);

/// "NicReservedForAnotherVm" -> "nic_reserved_for_another_vm".
std::string to_our_code(std::string_view azure_code);
/// What support asks for: the correlation id, else the request id, else "".
std::string request_id(const http::Headers& headers);

}  // namespace hopyard::azure
