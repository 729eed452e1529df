// Reading JSON that people wrote: every fault is named by its JSON pointer, unknown members
// included. Private to this module (nlohmann's header stays in .cpp files that include this one).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace hopyard::model {

/// Of a specification.
inline constexpr std::size_t text_bytes_max = std::size_t{1} << 20;

/// Parses within the limits of spec_json.h: size, depth and duplicate members are checked.
Result<nlohmann::json> parse_limited(std::string_view text, std::size_t bytes_max = text_bytes_max);

/// One object, read member by member. The first fault is kept; reading goes on harmlessly after it.
class ObjectReader {
  public:
    /// `value` must outlive the reader.
    ObjectReader(const nlohmann::json& value, std::string pointer, std::optional<Error>& fault);

    void read(const char* name, std::string& out);
    void read(const char* name, bool& out);
    void read(const char* name, int& out);
    void read(const char* name, std::int64_t& out);
    void read(const char* name, double& out);
    void read(const char* name, std::vector<std::string>& out);
    /// The member itself when it is there, for nested objects and arrays.
    const nlohmann::json* member(const char* name);
    /// Remembers a fault at a member.
    void fault(const std::string& name, std::string code, std::string rule, std::string remedy);
    std::string pointer_of(const std::string& name) const { return pointer_ + "/" + name; }
    /// Call last: refuses members that nobody read, with the nearest known name.
    void finish();

  private:
    const nlohmann::json* take(const char* name);
    const nlohmann::json& value_;
    std::string pointer_;
    std::optional<Error>& fault_;
    std::set<std::string> known_;
};

/// One object, and nothing in it but what `fields` reads; the first fault is the error.
template <class ReadFields>
Result<void> read_object(std::string_view text,
                         ReadFields fields,
                         std::size_t bytes_max = text_bytes_max) {
    ASSIGN_OR_RETURN(const nlohmann::json document, parse_limited(text, bytes_max));
    std::optional<Error> fault;
    ObjectReader reader(document, "", fault);
    fields(reader);
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return {};
}

}  // namespace hopyard::model
