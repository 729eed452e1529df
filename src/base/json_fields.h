// Reading and writing members of JSON that our own programs wrote: a missing member keeps its
// default, an unknown one is ignored, one of another type is a fault. Include it from .cpp files
// only (style B1).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace hopyard {

/// One object that is being read; faults are counted, and the first is named by `outcome()`.
class Fields {
  public:
    explicit Fields(const nlohmann::json& object) : object_(object) {}

    template <class T>
    Fields& get(const char* name, T& out) {
        if (const nlohmann::json* value = member(name)) {
            try {
                read(*value, out);
            } catch (const nlohmann::json::exception&) {
                if (fault_.empty()) fault_ = name;
            }
        }
        return *this;
    }
    /// A member that is a word of an enum.
    template <class Enum, class Parse>
    Fields& word(const char* name, Enum& out, Parse parse) {
        std::string text;
        get(name, text);
        if (text.empty()) return *this;
        if (const std::optional<Enum> value = parse(text)) {
            out = *value;
        } else if (fault_.empty()) {
            fault_ = name;
        }
        return *this;
    }
    const nlohmann::json* member(const char* name) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(name);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    bool good() const { return fault_.empty() && object_.is_object(); }
    /// The name of the first member that could not be read.
    const std::string& fault() const { return fault_; }

  private:
    static void read(const nlohmann::json& value, Secret& out) {
        out = Secret(value.get<std::string>());
    }
    static void read(const nlohmann::json& value, Timestamp& out) {
        out = Timestamp(Milliseconds(value.get<std::int64_t>()));
    }
    template <class Tag>
    static void read(const nlohmann::json& value, Id<Tag>& out) {
        out.value = value.get<std::string>();
    }
    template <class T>
    static void read(const nlohmann::json& value, std::optional<T>& out) {
        T inner{};
        read(value, inner);
        out = std::move(inner);
    }
    template <class T>
    static void read(const nlohmann::json& value, T& out) {
        value.get_to(out);
    }

    const nlohmann::json& object_;
    std::string fault_;
};

inline std::int64_t to_field(Timestamp time) {
    return time.time_since_epoch().count();
}
inline nlohmann::json to_field(const std::optional<Timestamp>& time) {
    return time ? nlohmann::json(to_field(*time)) : nlohmann::json(nullptr);
}

/// Text that may hold any bytes is written with what is not UTF-8 replaced, never refused.
inline std::string to_text(const nlohmann::json& document) {
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hopyard
