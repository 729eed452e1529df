// A refusal in Azure's words: status, code, text. The codes and texts are those of real traffic
// where there is a recording, because clients branch on the code and parse the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hopyard::localcloud {

struct Fault {
    int status = 400;
    std::string code;
    std::string message;
    std::string target;
    std::vector<std::pair<std::string, std::string>> details;  ///< code and message
    /// Azure's gateway found it, not the provider of the resource: header x-ms-failure-cause.
    bool from_gateway = false;
    std::optional<int> retry_after_s;
};

/// `{"error": {…}}`
std::string envelope(const Fault& fault);

tl::unexpected<Fault> refuse_with(int status, std::string code, std::string message);
Fault resource_not_found(std::string_view id);
Fault group_not_found(std::string_view group);
Fault invalid_content(std::string message);
Fault invalid_parameter(std::string_view parameter, std::string message);
/// A failure of the machine below, in the words of a resource provider.
Fault from_error(const Error& error);

}  // namespace hopyard::localcloud
