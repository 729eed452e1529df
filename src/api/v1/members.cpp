#include <nlohmann/json.hpp>

#include "api/people/documents.h"
#include "api/people/membership.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

Result<http::Response> list(Parts& parts, const Call& call) {
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        items = nlohmann::ordered_json::array();
        ASSIGN_OR_RETURN(const auto persons, t.persons(call.principal.organisation));
        for (const model::Person& person : persons) items.push_back(people::view(person));
        return {};
    }));
    return list_response(std::move(items));
}

struct Member {
    model::Person person;
    int owners = 0;
};

Result<Member> member_of(store::Transaction& t, const Call& call) {
    ASSIGN_OR_RETURN(
        auto person,
        people::member_of(t, call.principal.organisation, PersonId(call.parameters.at("id"))));
    ASSIGN_OR_RETURN(const auto all, t.persons(call.principal.organisation));
    return Member{.person = std::move(person), .owners = people::owners_among(all)};
}

Result<http::Response> set_role(Parts& parts, const Call& call) {
    model::Role role = model::Role::member;
    RETURN_IF_ERROR(model::read_object(
        call.request.body, [&](model::ObjectReader& reader) { role = people::read_role(reader); }));
    Member member;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(member, member_of(t, call));
        RETURN_IF_ERROR(
            people::check_role_change(call.principal, member.person, role, member.owners));
        if (member.person.role == role) return {};
        member.person.role = role;
        RETURN_IF_ERROR(t.put(member.person));
        return people::note(t,
                            call.principal.organisation,
                            call.principal.name,
                            call.now,
                            "member_role",
                            member.person.name + " is now " + std::string(to_string(role)));
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return http::json_response(200, dump(people::view(member.person)));
}

Result<http::Response> remove(Parts& parts, const Call& call) {
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const Member member, member_of(t, call));
        RETURN_IF_ERROR(people::check_removal(call.principal, member.person, member.owners));
        RETURN_IF_ERROR(t.erase_secrets("person/" + member.person.id.value + "/"));
        RETURN_IF_ERROR(t.erase(member.person.id));
        return people::note(t,
                            call.principal.organisation,
                            call.principal.name,
                            call.now,
                            "member_left",
                            member.person.name + " is no member any more");
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    http::Response response{.status = 204};
    if (call.parameters.at("id") == call.principal.person.value)
        people::clear_cookie(response, call.request.secure);
    return response;
}

}  // namespace

std::vector<Endpoint> member_endpoints(Parts& parts) {
    return {{.method = "GET",
             .pattern = "/v1/members",
             .answer = [&parts](const Call& call) { return list(parts, call); }},
            {.method = "PATCH",
             .pattern = "/v1/members/{id}",
             .access = Access::administer,
             .has_body = true,
             .answer = [&parts](const Call& call) { return set_role(parts, call); }},
            {.method = "DELETE",
             .pattern = "/v1/members/{id}",
             .access = Access::self,
             .answer = [&parts](const Call& call) { return remove(parts, call); }}};
}

}  // namespace hopyard::api::v1
