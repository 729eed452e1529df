#include <nlohmann/json.hpp>

#include "api/people/documents.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;

Result<http::Response> show(Parts& parts, const Call& call) {
    model::Organisation organisation;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(organisation, people::organisation_of(t, call.principal.organisation));
        return {};
    }));
    return http::json_response(200, dump(people::view(organisation)));
}

/// What is to be changed; the rest stays.
struct Change {
    std::optional<std::string> name;
    std::optional<model::Plan> plan;
    std::optional<bool> require_totp;
    std::optional<bool> invite_members;
    std::optional<bool> manage_clusters;
    std::optional<bool> manage_ports;
};

void read_switch(model::ObjectReader& reader, const char* name, std::optional<bool>& out) {
    if (reader.member(name) != nullptr) reader.read(name, out.emplace());
}

Result<Change> change_of(const Call& call) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    Change change;
    model::ObjectReader reader(document, "", fault);
    if (reader.member("name") != nullptr) change.name = people::read_name(reader);
    if (reader.member("plan") != nullptr) {
        std::string plan;
        reader.read("plan", plan);
        change.plan = model::parse<model::Plan>(plan);
        if (!change.plan)
            reader.fault("plan",
                         "unknown_value",
                         "must be 'community' or 'enterprise'",
                         "Write one of the two.");
    }
    read_switch(reader, "requireTotp", change.require_totp);
    if (const json* permissions = reader.member("permissions")) {
        model::ObjectReader inner(*permissions, "/permissions", fault);
        read_switch(inner, "inviteMembers", change.invite_members);
        read_switch(inner, "manageClusters", change.manage_clusters);
        read_switch(inner, "managePorts", change.manage_ports);
        inner.finish();
    }
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return change;
}

model::Organisation with(model::Organisation row, const Change& change) {
    row.name = change.name.value_or(row.name);
    row.plan = change.plan.value_or(row.plan);
    row.require_totp = change.require_totp.value_or(row.require_totp);
    row.permissions = {
        .invite_members = change.invite_members.value_or(row.permissions.invite_members),
        .manage_clusters = change.manage_clusters.value_or(row.permissions.manage_clusters),
        .manage_ports = change.manage_ports.value_or(row.permissions.manage_ports)};
    return row;
}

Result<http::Response> edit(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const Change change, change_of(call));
    model::Organisation organisation;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto before,
                         people::organisation_of(t, call.principal.organisation));
        organisation = with(before, change);
        if (organisation == before) return {};
        RETURN_IF_ERROR(t.put(organisation));
        return people::note(t,
                            organisation.id,
                            call.principal.name,
                            call.now,
                            "organisation_changed",
                            "The settings of the organisation were changed");
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return http::json_response(200, dump(people::view(organisation)));
}

}  // namespace

std::vector<Endpoint> organisation_endpoints(Parts& parts) {
    return {{.method = "GET",
             .pattern = "/v1/organisation",
             .answer = [&parts](const Call& call) { return show(parts, call); }},
            {.method = "PATCH",
             .pattern = "/v1/organisation",
             .access = Access::administer,
             .has_body = true,
             .answer = [&parts](const Call& call) { return edit(parts, call); }}};
}

}  // namespace hopyard::api::v1
