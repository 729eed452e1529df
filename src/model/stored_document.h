// Reading a stored document and naming what is wrong with it. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "base/json_fields.h"
#include "base/result.h"

namespace hopyard::model {

inline Result<nlohmann::json> parsed(std::string_view text, const char* what) {
    nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
    if (document.is_object()) return document;
    return fail(ErrorKind::internal,
                "stored_document_malformed",
                std::string("a stored ") + what + " is not a JSON object");
}

inline Failure malformed(const char* what, const Fields& fields) {
    return fail(ErrorKind::internal,
                "stored_document_malformed",
                std::string("a stored ") + what + " has a malformed '" + fields.fault() + "'");
}

}  // namespace hopyard::model
