// Writing and reading a stored document, and naming what is wrong with it. Private to this module.
//
// An entity whose members are all plain lists them once, for both ways:
//
//     void members_of(auto& fields, is<Session> auto& session) { fields.get("id", session.id); … }
//
// document_of takes them from a constant one, read_document puts them into a new one.
#pragma once

#include <concepts>
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

template <class T, class Of>
concept is = std::same_as<std::remove_const_t<T>, Of>;

/// Takes what Fields (base/json_fields.h) would put there, under the same names.
class TakenFields {
  public:
    template <class T>
    TakenFields& get(const char* name, const T& value) {
        document_[name] = taken(value);
        return *this;
    }
    template <class Enum, class Parse>
    TakenFields& word(const char* name, Enum value, Parse) {
        document_[name] = to_string(value);
        return *this;
    }
    const nlohmann::json& document() const { return document_; }

  private:
    template <class Tag>
    static nlohmann::json taken(const Id<Tag>& id) {
        return id.value;
    }
    static nlohmann::json taken(Timestamp time) { return to_field(time); }
    static nlohmann::json taken(const std::optional<Timestamp>& time) { return to_field(time); }
    template <class T>
    static nlohmann::json taken(const T& value) {
        return value;
    }

    nlohmann::json document_ = nlohmann::json::object();
};

template <class Entity>
std::string document_of(const Entity& entity) {
    TakenFields fields;
    members_of(fields, entity);
    return to_text(fields.document());
}

/// `what`: the entity's name, for errors.
template <class Entity>
Result<Entity> read_document(std::string_view text, const char* what) {
    ASSIGN_OR_RETURN(const nlohmann::json document, parsed(text, what));
    Entity entity;
    Fields fields(document);
    members_of(fields, entity);
    if (!fields.good()) return malformed(what, fields);
    return entity;
}

}  // namespace hopyard::model
