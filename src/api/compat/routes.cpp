#include "api/compat/routes.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "api/compat/wire.h"
#include "api/errors.h"
#include "model/wire_fields.h"

namespace hopyard::api::compat {
namespace {

using nlohmann::ordered_json;

int code_of(const Error& error) {
    const int status = status_of(error);
    if (status == 401) return 403;
    if (status == 404 && error.code != "no_such_cluster") return 400;
    return status;
}

/// One text for people: clients show nothing else. They use it as a printf format, so it must hold
/// no percent sign.
std::string message_of(const Error& error) {
    std::string text = error.message;
    if (!error.field.empty()) text = error.field + ": " + text;
    if (!error.next_action.empty()) text += ". " + error.next_action;
    for (std::size_t at; (at = text.find('%')) != std::string::npos;)
        text.replace(at, 1, " percent");
    return text;
}

http::Response acknowledged(const ordered_json& payload = nullptr) {
    ordered_json out = {{"apiVersion", "v1"}, {"status", "ok"}, {"code", 200}};
    if (!payload.is_null()) out["payload"] = payload;
    return http::json_response(200, dump(out));
}

/// True for the clouds whose clusters are made here; refuses what is none.
Result<bool> is_served(const std::string& cloud) {
    if (cloud == "AZURE") return true;
    if (cloud == "AWS" || cloud == "GCP") return false;
    return refuse("", "unknown_value", "'" + cloud + "' is no cloud", "Write AZURE, AWS or GCP.");
}

/// The whole list, which that wire has no pages for, as text that is made while it is sent.
class WholeList {
  public:
    WholeList(Parts& parts, OrganisationId organisation)
        : parts_(parts), organisation_(std::move(organisation)) {}

    /// Reads the first piece, before anything is sent: what cannot be read is refused in words.
    Result<void> prepare() {
        ASSIGN_OR_RETURN(ready_, next());
        return {};
    }
    Result<std::optional<std::string>> next() {
        if (ready_) return std::exchange(ready_, std::nullopt);
        if (ended_) return std::nullopt;
        ASSIGN_OR_RETURN(
            const auto page,
            read_clusters(
                parts_.store, organisation_, {.after = after_, .limit = clusters_of_a_piece}));
        std::string text;
        if (!after_)
            text = R"({"apiVersion":"v1","status":"ok","code":200,"payload":{"clusters":[)";
        for (const ClusterRows& rows : page) {
            if (after_) text += ',';
            text += dump(cluster_view(rows));
            after_ = {.created_at = rows.cluster.created_at, .id = rows.cluster.id};
        }
        ended_ = static_cast<int>(page.size()) < clusters_of_a_piece;
        if (ended_) text += "]}}";
        return text;
    }

  private:
    static constexpr int clusters_of_a_piece = 100;

    Parts& parts_;
    const OrganisationId organisation_;
    std::optional<std::string> ready_;
    std::optional<store::ClusterPlace> after_;
    bool ended_ = false;
};

Result<int> list(Parts& parts, const Call& call, http::Responder& responder) {
    ASSIGN_OR_RETURN(const bool served, is_served(call.request.query("cloud").value_or("AZURE")));
    const http::Headers headers{{"Content-Type", "application/json"},
                                {"X-Request-Id", call.request_id}};
    if (!served) {
        http::Response none = acknowledged({{"clusters", ordered_json::array()}});
        none.headers = headers;
        responder.respond(std::move(none));
        return 200;
    }
    const auto whole = std::make_shared<WholeList>(parts, call.principal.organisation);
    RETURN_IF_ERROR(whole->prepare());
    responder.start(200, headers, [whole] { return whole->next(); });
    return 200;
}

Result<http::Response> create(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto spec, read_create(call.request.body));
    ASSIGN_OR_RETURN(const auto outcome, parts.commands.create(call.caller(), spec));
    std::string warnings;
    for (const decide::Finding& finding : outcome.preflight.findings)
        warnings += (warnings.empty() ? "" : "; ") + message_of(finding.error);
    ordered_json out = {{"apiVersion", "v1"}, {"status", "ok"}, {"code", 200}};
    if (!warnings.empty()) out["message"] = warnings;
    out["payload"] = {{"id", outcome.id.value}};
    return http::json_response(200, dump(out));
}

Result<http::Response> show(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, call.cluster()));
    return acknowledged({{"cluster", cluster_view(rows)}});
}

Result<http::Response> done(const Result<model::Cluster>& changed) {
    if (!changed) return pass(changed.error());
    return acknowledged();
}

using WorkersCommand = Result<model::Cluster> (control::Commands::*)(
    const control::Caller&, const ClusterId&, const std::vector<model::WorkerGroupSpec>&);

/// Clients take away what may be gone already; that is no fault (control-api.md 4.2).
void drop_unknown(std::vector<model::WorkerGroupSpec>& groups, const ClusterRows& rows) {
    const auto& there = rows.cluster.spec.workers;
    std::erase_if(groups, [&](const model::WorkerGroupSpec& group) {
        return std::none_of(
            there.begin(), there.end(), [&](const auto& known) { return known.key == group.key; });
    });
}

Result<http::Response> change_workers(Parts& parts, const Call& call, WorkersCommand command) {
    ASSIGN_OR_RETURN(const auto asked, read_workers(call.request.body));
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, call.cluster()));
    auto meant = meant_groups(asked, rows.cluster.spec.workers);
    if (command == &control::Commands::remove_workers) drop_unknown(meant, rows);
    return done((parts.commands.*command)(call.caller(), call.cluster(), meant));
}

// --- types and versions --------------------------------------------------------------------------

/// The locations in which a cluster could be made: those of the resource groups.
Result<std::set<std::string>> locations_of(cloud::Catalog& catalog, const Call& call) {
    const std::string region = call.request.query("region").value_or("");
    if (!region.empty()) return std::set<std::string>{region};
    ASSIGN_OR_RETURN(const auto groups, catalog.groups());
    std::set<std::string> locations;
    for (const cloud::ResourceGroup& group : groups) locations.insert(group.location);
    return locations;
}

ordered_json type_view(const cloud::Size& size) {
    return {{"id", size.name},
            {"cpus", size.vcpus},
            {"memory", static_cast<double>(size.memory_mb) / 1024},
            {"gpus", size.gpus},
            {"withNVMe", size.nvme}};
}

Result<http::Response> supported_types(Parts& parts, const Call& call) {
    const std::string cloud = call.request.query("cloud").value_or("");
    ASSIGN_OR_RETURN(const bool served, is_served(cloud));
    if (!served)
        return refuse("", "feature_unavailable", cloud + " is not served here", "Ask for AZURE.");
    // That wire knows of no accounts.
    ASSIGN_OR_RETURN(const auto connected,
                     parts.clouds.of(call.principal.organisation, model::default_cloud_account));
    cloud::Catalog& catalog = connected->catalog;
    ASSIGN_OR_RETURN(const auto locations, locations_of(catalog, call));
    std::map<std::string, ordered_json> types;
    for (const std::string& location : locations) {
        ASSIGN_OR_RETURN(const auto sizes, catalog.sizes(location));
        for (const cloud::Size& size : sizes)
            if (size.unavailable.empty()) types[size.name] = type_view(size);
    }
    ordered_json all = ordered_json::array();
    for (const auto& [name, type] : types) all.push_back(type);
    return acknowledged(
        {{"azure",
          {{"head", all},
           {"worker", all},
           {"ronDB", {{"mgmd", all}, {"ndbd", all}, {"mysqld", all}, {"api", all}}}}}});
}

Result<http::Response> versions(const Call& call) {
    ASSIGN_OR_RETURN(const bool served, is_served(call.parameters.at("cloud")));
    ordered_json all = ordered_json::array();
    std::string before;
    const auto known = model::wire_versions();
    for (const std::string_view version : known) {
        if (!served) break;
        all.push_back({{"version", version},
                       {"upgradableFromVersion", before},
                       {"default", version == known.back()},
                       {"experimental", false},
                       {"regions", {{"ubuntu", {"ALL"}}, {"centos", {"ALL"}}}},
                       {"releaseNotesUrl", ""}});
        before = version;
    }
    return acknowledged({{"versions", std::move(all)}});
}

Result<http::Response> change_type(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto change, read_type_change(call.request.body));
    if (change.node_type == "head")
        return done(
            parts.commands.set_head_type(call.caller(), call.cluster(), change.instance_type));
    return done(parts.commands.set_database_type(
        call.caller(), call.cluster(), change.node_type, change.instance_type));
}

// --- the table -----------------------------------------------------------------------------------

template <class Answer>
Endpoint operation(std::string method, std::string pattern, Answer answer) {
    const bool reads = method == "GET";
    return {.method = std::move(method),
            .pattern = std::move(pattern),
            .access = reads ? Access::read : Access::operate,
            .answer = std::move(answer)};
}

using Command = Result<model::Cluster> (control::Commands::*)(const control::Caller&,
                                                              const ClusterId&);
Endpoint simple(Parts& parts, std::string method, std::string pattern, Command command) {
    return operation(std::move(method), std::move(pattern), [&parts, command](const Call& call) {
        return done((parts.commands.*command)(call.caller(), call.cluster()));
    });
}

Endpoint refused(std::string method, std::string pattern, std::string what) {
    return operation(std::move(method),
                     std::move(pattern),
                     [what = std::move(what)](const Call&) -> Result<http::Response> {
                         return pass(Error{.kind = ErrorKind::invalid_argument,
                                           .code = "feature_unavailable",
                                           .message = what + " not available in this version",
                                           .owner = Owner::user});
                     });
}

std::vector<Endpoint> refused_endpoints() {
    const std::string one = "/api/clusters/{id}";
    return {refused("POST", "/api/backups", "backups are"),
            refused("GET", "/api/backups", "backups are"),
            refused("GET", "/api/backups/{id}", "backups are"),
            refused("DELETE", "/api/backups/{id}", "backups are"),
            refused("POST", "/api/clusters/restore/{id}", "restoring a backup is"),
            refused("POST", one + "/upgrade", "upgrades are"),
            refused("PUT", one + "/upgrade/rollback", "upgrades are")};
}

}  // namespace

http::Response envelope(const Error& error, const std::string&) {
    const int code = code_of(error);
    return http::json_response(code,
                               dump({{"apiVersion", "v1"},
                                     {"status", "error"},
                                     {"code", code},
                                     {"message", message_of(error)}}));
}

Error no_such_path() {
    return Error{.kind = ErrorKind::invalid_argument,
                 .code = "no_such_path",
                 .message = "nothing is served at this path",
                 .owner = Owner::user};
}

std::vector<Endpoint> endpoints(Parts& parts) {
    using control::Commands;
    const std::string all = "/api/clusters";
    const std::string one = all + "/{id}";
    std::vector<Endpoint> out = {
        {.method = "GET",
         .pattern = all,
         .hold = [&parts](const Call& call,
                          http::Responder& responder) { return list(parts, call, responder); }},
        operation("POST", all, [&parts](const Call& call) { return create(parts, call); }),
        operation("GET", one, [&parts](const Call& call) { return show(parts, call); }),
        simple(parts, "DELETE", one, &Commands::terminate),
        simple(parts, "PUT", one + "/stop", &Commands::stop),
        simple(parts, "PUT", one + "/start", &Commands::start),
        operation("POST",
                  one + "/workers",
                  [&parts](const Call& call) {
                      return change_workers(parts, call, &Commands::add_workers);
                  }),
        operation("DELETE",
                  one + "/workers",
                  [&parts](const Call& call) {
                      return change_workers(parts, call, &Commands::remove_workers);
                  }),
        operation("POST",
                  one + "/ports",
                  [&parts](const Call& call) -> Result<http::Response> {
                      ASSIGN_OR_RETURN(const auto ports, read_ports(call.request.body));
                      return done(parts.commands.set_ports(
                          call.caller(), call.cluster(), ports, std::nullopt));
                  }),
        operation("POST",
                  one + "/autoscale",
                  [&parts](const Call& call) -> Result<http::Response> {
                      ASSIGN_OR_RETURN(const auto policy, read_policy(call.request.body));
                      return done(
                          parts.commands.set_autoscale(call.caller(), call.cluster(), policy));
                  }),
        simple(parts, "DELETE", one + "/autoscale", &Commands::clear_autoscale),
        operation("GET",
                  all + "/nodes/supported-types",
                  [&parts](const Call& call) { return supported_types(parts, call); }),
        operation("GET",
                  all + "/hopsworks/versions/{cloud}",
                  [](const Call& call) { return versions(call); }),
        operation("PUT", one + "/nodes/modify-instance-type", [&parts](const Call& call) {
            return change_type(parts, call);
        })};
    for (Endpoint& endpoint : refused_endpoints()) out.push_back(std::move(endpoint));
    return out;
}

}  // namespace hopyard::api::compat
