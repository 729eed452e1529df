// Who may do what, as one table: every route, for every kind of caller, of the own organisation and
// of another. Each cell is a request that is really made; a route without its row fails.
#include <map>
#include <set>

#include "api/test_people.h"

namespace hopyard::api {
namespace {

using model::Role;
using model::Scope;
using nlohmann::json;

// --- who asks ------------------------------------------------------------------------------------

struct Caller {
    const char* name;
    std::optional<Scope> key;
    std::optional<Role> role;
    model::Permissions switches{false, false, false};
};

const Caller callers[] = {
    {"nobody", {}, {}},
    {"key that reads", Scope::read, {}},
    {"key that operates", Scope::operate, {}},
    {"key that administers", Scope::administer, {}},
    {"member", {}, Role::member},
    {"member who invites", {}, Role::member, {true, false, false}},
    {"member who manages clusters", {}, Role::member, {false, true, false}},
    {"member who manages ports", {}, Role::member, {false, false, true}},
    {"administrator", {}, Role::administrator},
    {"owner", {}, Role::owner},
};

/// For each word of the table a letter for each caller above: y may, - may not.
const std::map<std::string, std::string> allowed = {
    {"open", "yyyyyyyyyy"},
    {"read", "-yyyyyyyyy"},
    {"operate", "--yy--y-yy"},
    {"ports", "--yy---yyy"},
    {"invite", "---y-y--yy"},
    {"administer", "---y----yy"},
    {"person", "----yyyyyy"},
    {"key reads", "-yyy------"},
    {"key operates", "--yy------"},
};

// --- what is asked -------------------------------------------------------------------------------

struct Row {
    const char* route;
    const char* who;
    int done;               ///< the status when it is allowed, in the world below
    int foreign = 0;        ///< for somebody of another organisation; 0: about nobody's things
    const char* body = "";  ///< or the query, or a specification
};

constexpr const char* node_type = R"({"instanceType":"Standard_D4_v3"})";
constexpr const char* groups =
    R"({"workers":[{"instanceType":"Standard_D4_v3","diskGb":30,"count":1}]})";
constexpr const char* policy = R"({"general":{"instanceType":"Standard_D4_v3"}})";
constexpr const char* all_ports =
    R"({"ports":{"featureStore":false,"onlineFeatureStore":false,"kafka":false,"ssh":true}})";
constexpr const char* newcomer = R"({"token":"none","name":"Eve","email":"eve@example.org",)"
                                 R"("password":"four plain words here"})";

const Row rows[] = {
    {"GET /v1/version", "open", 200},
    {"GET /v1/health", "open", 200},
    {"GET /v1/openapi.json", "open", 200},
    {"GET /v1/sign-in", "open", 200},
    {"POST /v1/setup", "open", 401, 0, newcomer},
    {"POST /v1/session", "open", 401, 0, R"({"email":"eve@example.org","password":"x"})"},
    {"POST /v1/invitations/look", "open", 404, 0, R"({"token":"none"})"},
    {"POST /v1/invitations/accept", "open", 404, 0, newcomer},
    {"POST /v1/password-resets", "open", 202, 0, R"({"email":"eve@example.org"})"},
    {"POST /v1/password-resets/look", "open", 404, 0, R"({"token":"none"})"},
    {"POST /v1/password-resets/use", "open", 404, 0, R"({"token":"none","password":"x"})"},
    {"GET /v1/capabilities", "read", 200},
    {"GET /metrics", "read", 200},
    {"GET /v1/clusters", "read", 200, 200},
    {"POST /v1/clusters", "operate", 202, 0, "SPEC"},
    {"GET /v1/clusters/{id}", "read", 200, 404},
    {"DELETE /v1/clusters/{id}", "operate", 202, 404},
    {"POST /v1/clusters/{id}/stop", "operate", 202, 404},
    {"POST /v1/clusters/{id}/start", "operate", 409, 404},
    {"POST /v1/clusters/{id}/restart", "operate", 202, 404},
    {"POST /v1/clusters/{id}/retry", "operate", 409, 404},
    {"POST /v1/clusters/{id}/nodes/{node}/drain", "operate", 202, 404},
    {"POST /v1/clusters/{id}/nodes/{node}/resume", "operate", 202, 404},
    {"POST /v1/clusters/{id}/nodes/{node}/restart", "operate", 202, 404},
    {"POST /v1/clusters/{id}/nodes/{node}/protect", "operate", 202, 404},
    {"POST /v1/clusters/{id}/nodes/{node}/unprotect", "operate", 202, 404},
    {"GET /v1/clusters/{id}/nodes/{node}/log", "read", 200, 404},
    {"PUT /v1/clusters/{id}/workers", "operate", 202, 404, groups},
    {"POST /v1/clusters/{id}/workers/add", "operate", 202, 404, groups},
    {"POST /v1/clusters/{id}/workers/remove", "operate", 202, 404, groups},
    {"PUT /v1/clusters/{id}/ports", "ports", 202, 404, all_ports},
    {"PUT /v1/clusters/{id}/head", "operate", 409, 404, node_type},
    {"GET /v1/clusters/{id}/first-administrator", "administer", 200, 404},
    {"POST /v1/clusters/{id}/password", "administer", 202, 404},
    {"GET /v1/clusters/{id}/activity", "read", 200, 404},
    {"GET /v1/clusters/{id}/resources", "read", 200, 404},
    {"GET /v1/clusters/{id}/events", "read", 200, 404},
    {"GET /v1/activity", "read", 200, 200},
    {"GET /v1/events", "read", 200, 200},
    {"GET /v1/durations", "read", 200},
    {"GET /v1/usage", "read", 200, 200},
    {"GET /v1/usage/totals", "read", 200, 200},
    {"GET /v1/cloud/locations", "read", 200},
    {"GET /v1/cloud/sizes", "read", 200, 0, "?location=here"},
    {"GET /v1/cloud/groups", "read", 200},
    {"GET /v1/cloud/keys", "read", 200, 0, "?group=lab"},
    {"GET /v1/cloud/security-groups", "read", 200, 0, "?group=lab"},
    {"GET /v1/cloud/identities", "read", 200, 0, "?group=lab"},
    {"GET /v1/cloud/accounts", "read", 200},
    {"GET /v1/cloud/networks", "read", 200},
    {"GET /v1/cloud/orphans", "read", 200},
    {"POST /v1/cloud/orphans/delete", "administer", 200},
    {"POST /v1/cloud/prepare", "administer", 200, 0, R"({"group":"lab","location":"here"})"},
    {"PUT /v1/cloud/prices", "administer", 501, 0, "{}"},
    {"GET /v1/cloud-accounts", "read", 200, 200},
    {"POST /v1/cloud-accounts",
     "administer",
     201,
     0,
     R"({"name":"new","subscription":"11111111-2222-3333-4444-555555555555",)"
     R"("signIn":"managed_identity"})"},
    {"PUT /v1/cloud-accounts/{name}", "administer", 200, 404, R"({"signIn":"managed_identity"})"},
    {"DELETE /v1/cloud-accounts/{name}", "administer", 204, 404},
    {"GET /v1/cloud-accounts/{name}/check", "read", 200, 404},
    {"GET /v1/cloud-accounts/{name}/role", "read", 200, 404, "?group=lab"},
    {"GET /v1/api-keys", "administer", 200, 200},
    {"POST /v1/api-keys", "administer", 201, 0, R"({"name":"new","scope":"read"})"},
    {"DELETE /v1/api-keys/{id}", "administer", 204, 404},
    {"GET /v1/session", "person", 200, 200},
    {"DELETE /v1/session", "person", 204},
    {"GET /v1/sessions", "person", 200, 200},
    {"DELETE /v1/sessions/{id}", "person", 204, 404},
    {"PATCH /v1/me", "person", 200, 200, R"({"name":"New"})"},
    {"PUT /v1/me/password",
     "person",
     204,
     0,
     R"({"current":"four plain words here","new":"another good one"})"},
    {"POST /v1/me/totp", "person", 201},
    {"PUT /v1/me/totp", "person", 400, 0, R"({"code":"123456"})"},
    {"DELETE /v1/me/totp", "person", 204, 0, R"({"password":"four plain words here"})"},
    {"GET /v1/organisation", "read", 200, 200},
    {"PATCH /v1/organisation", "administer", 200, 200, R"({"name":"Theirs"})"},
    {"GET /v1/members", "read", 200, 200},
    {"PATCH /v1/members/{id}", "administer", 200, 404, R"({"role":"administrator"})"},
    // Who asks is not the one whose id this is; leaving oneself is in people_test.cpp.
    {"DELETE /v1/members/{id}", "administer", 204, 404},
    {"POST /v1/members/{id}/password-reset", "administer", 201, 404},
    {"GET /v1/invitations", "invite", 200, 200},
    {"POST /v1/invitations", "invite", 201, 0, R"({"role":"member"})"},
    {"DELETE /v1/invitations/{id}", "invite", 204, 404},
    {"GET /v1/clusters/{id}/autoscale", "read", 200, 404},
    {"PUT /v1/clusters/{id}/autoscale", "operate", 202, 404, policy},
    {"DELETE /v1/clusters/{id}/autoscale", "operate", 202, 404},
    {"GET /v1/clusters/{id}/autoscale/decisions", "read", 200, 404},
    {"POST /v1/autoscale/simulate",
     "read",
     200,
     0,
     R"({"location":"here","policy":{"general":{"instanceType":"Standard_D4_v3"}},"trace":"1 0 -1 9 1 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"})"},
    {"GET /v1/clusters/{id}/ldap", "read", 501, 501},
    {"PUT /v1/clusters/{id}/ldap", "read", 501, 501},
    {"DELETE /v1/clusters/{id}/ldap", "read", 501, 501},
    {"GET /v1/backups", "read", 501},
    {"POST /v1/backups", "read", 501},
    {"GET /v1/backups/{id}", "read", 501},
    {"DELETE /v1/backups/{id}", "read", 501},
    {"POST /v1/backups/{id}/restore", "read", 501},
    // The existing wire takes keys alone. Its refusals of faulty bodies are 400.
    {"GET /api/clusters", "key reads", 200, 200},
    {"POST /api/clusters", "key operates", 400, 0, "{}"},
    {"GET /api/clusters/{id}", "key reads", 200, 404},
    {"DELETE /api/clusters/{id}", "key operates", 200, 404},
    {"PUT /api/clusters/{id}/stop", "key operates", 200, 404},
    {"PUT /api/clusters/{id}/start", "key operates", 409, 404},
    {"POST /api/clusters/{id}/workers", "key operates", 400, 400, "{}"},
    {"DELETE /api/clusters/{id}/workers", "key operates", 400, 400, "{}"},
    {"POST /api/clusters/{id}/ports", "key operates", 400, 400, "{}"},
    {"GET /api/clusters/nodes/supported-types", "key reads", 200, 0, "?cloud=AZURE&region=here"},
    {"GET /api/clusters/hopsworks/versions/{cloud}", "key reads", 200},
    {"PUT /api/clusters/{id}/nodes/modify-instance-type", "key operates", 400, 400, "{}"},
    {"POST /api/clusters/{id}/autoscale", "key operates", 400, 400, "{}"},
    {"DELETE /api/clusters/{id}/autoscale", "key operates", 200, 404},
    {"POST /api/clusters/{id}/upgrade", "key operates", 501, 501},
    {"PUT /api/clusters/{id}/upgrade/rollback", "key operates", 501, 501},
    {"POST /api/clusters/restore/{id}", "key operates", 501},
    {"GET /api/backups", "key reads", 501},
    {"POST /api/backups", "key operates", 501},
    {"GET /api/backups/{id}", "key reads", 501},
    {"DELETE /api/backups/{id}", "key operates", 501},
};

/// One organisation with something of everything, and another one beside it.
struct World {
    explicit World(const Caller& caller) {
        model::Organisation ours{
            .id = default_organisation(), .name = "Ours", .permissions = caller.switches};
        cluster = api.create();
        api.edit(cluster, [](model::Cluster& row) { row.phase = model::Phase::running; });
        api.add_node(cluster,
                     {.id = NodeId("demo-w1"),
                      .ordinal = 1,
                      .generation = 1,
                      .phase = model::NodePhase::ready});
        bob = add_person(api, {.name = "Bob", .email = "bob@example.org"});
        const auto victim =
            make_key(*api.store,
                     api.random,
                     {.organisation = ours.id, .name = "victim", .scope = Scope::read},
                     api.clock.now());
        key = victim->row.id.value;
        model::Invitation row{.id = InvitationId("i-1"),
                              .organisation = ours.id,
                              .email = "guest@example.org",
                              .token_hash = "hash",
                              .invited_by = "Bob",
                              .expires_at = api.clock.now() + Seconds(3600)};
        model::CloudAccount account{.organisation = ours.id, .name = "research"};
        api.clouds.accounts = {{ours.id, "research"}};
        const auto body = [&](store::Transaction& t) -> Result<void> {
            RETURN_IF_ERROR(t.put(ours));
            RETURN_IF_ERROR(t.put(account));
            return t.put(row);
        };
        EXPECT_TRUE(api.store->write(body));
        if (caller.role)
            person = add_person(api, {.role = *caller.role, .email = "caller@example.org"});
        browser.emplace(person ? signed_in(api, *person) : Browser(api));
        if (caller.key) key_of_caller = api.key(*caller.key);
    }

    /// The row's request, about what is ours, by that key, or by whoever uses that browser.
    std::shared_ptr<Caught> ask(const Row& row, Browser& by, const Secret& with_key) {
        const std::string route = row.route;
        const std::string method = route.substr(0, route.find(' '));
        std::string target = route.substr(route.find(' ') + 1);
        const auto put = [&](const std::string& name, const std::string& value) {
            if (const auto at = target.find(name); at != std::string::npos)
                target.replace(at, name.size(), value);
        };
        put("{node}", "demo-w1");
        put("{cloud}", "AZURE");
        put("{name}", "research");
        put("{id}", id_for(target));
        std::string body = row.body;
        if (body == "SPEC") body = TestApi::spec("other").dump();
        if (body.starts_with("?")) target += std::exchange(body, "");
        if (with_key.empty())
            return by.ask(method, target, body.empty() ? json(nullptr) : json::parse(body));
        return api.ask({.method = method,
                        .target = target,
                        .body = body,
                        .headers = {{"Authorization", "Bearer " + with_key.reveal()}}});
    }

    std::string id_for(const std::string& target) {
        if (target.starts_with("/v1/members")) return bob.id.value;
        if (target.starts_with("/v1/invitations")) return "i-1";
        if (target.starts_with("/v1/api-keys")) return key;
        if (target.starts_with("/v1/sessions")) return session_of(person ? *person : bob);
        if (target.find("backups") != std::string::npos) return "b-1";
        return cluster;
    }
    std::string session_of(const model::Person& of) {
        std::string id = "s-none";
        EXPECT_TRUE(api.store->read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(const auto sessions, t.sessions(of.id));
            if (!sessions.empty()) id = sessions.front().id.value;
            return {};
        }));
        return id;
    }

    TestApi api;
    std::string cluster;
    std::string key;
    model::Person bob;
    std::optional<model::Person> person;
    std::optional<Browser> browser;
    Secret key_of_caller;
};

bool is_denied(const Row& row, const Caught& reply) {
    static const std::set<std::string> codes = {"key_missing",
                                                "session_missing",
                                                "scope_too_small",
                                                "person_needed",
                                                "permission_missing",
                                                "administrator_needed",
                                                "owner_needed"};
    const bool old_wire = std::string(row.route).find(" /api") != std::string::npos;
    if (old_wire) return reply.status == 403;
    const json body = reply.json();
    return (reply.status == 401 || reply.status == 403) && body.is_object() &&
           codes.contains(body.value("code", ""));
}

TEST(Authorisation, every_route_has_its_row_and_every_row_its_route) {
    TestApi api;
    std::set<std::string> served, judged;
    for (const Endpoint& endpoint : api.service.endpoints())
        served.insert(endpoint.method + " " + endpoint.pattern);
    for (const Row& row : rows) {
        EXPECT_TRUE(judged.insert(row.route).second) << row.route << " stands twice";
        EXPECT_TRUE(allowed.contains(row.who)) << row.who;
        EXPECT_TRUE(served.contains(row.route)) << row.route << " is not served";
    }
    for (const std::string& route : served)
        EXPECT_TRUE(judged.contains(route)) << route << " has no row in this table";
}

TEST(Authorisation, of_the_own_organisation_is_as_the_table_says) {
    for (std::size_t column = 0; column < std::size(callers); ++column) {
        const Caller& caller = callers[column];
        // What is refused changes nothing, so that one world serves all of it.
        World untouched(caller);
        for (const Row& row : rows) {
            const bool may = allowed.at(row.who)[column] == 'y';
            std::optional<World> fresh;
            if (may) fresh.emplace(caller);
            World& world = may ? *fresh : untouched;
            const auto reply = world.ask(row, *world.browser, world.key_of_caller);
            EXPECT_EQ(is_denied(row, *reply), !may)
                << caller.name << ": " << row.route << ": " << reply->status << reply->body;
            EXPECT_TRUE(!may || reply->status == row.done)
                << caller.name << ": " << row.route << ": " << reply->status << reply->body;
        }
    }
}

/// Everything that names what is ours.
std::vector<std::string> ours_in(World& world) {
    return {world.cluster, world.key, "bob@example.org", "guest@example.org", "Ours", "demo-w1"};
}

TEST(Authorisation, of_another_organisation_sees_and_changes_nothing) {
    const OrganisationId theirs("theirs");
    for (const bool with_key : {false, true})
        for (const Row& row : rows) {
            const bool taken = with_key ? std::string(row.who) != "person"
                                        : std::string(row.who).find("key") == std::string::npos;
            if (row.foreign == 0 || !taken) continue;
            World world(callers[std::size(callers) - 1]);
            const auto stranger = add_person(world.api,
                                             {.role = Role::owner,
                                              .organisation = theirs,
                                              .name = "Mallory",
                                              .email = "mallory@example.org"});
            Browser browser = signed_in(world.api, stranger);
            const auto key =
                make_key(*world.api.store,
                         world.api.random,
                         {.organisation = theirs, .name = "theirs", .scope = Scope::administer},
                         world.api.clock.now());
            const auto before = world.api.get("/v1/clusters/" + world.cluster)->body +
                                world.api.get("/v1/members")->body +
                                world.api.get("/v1/api-keys")->body;
            const auto reply = world.ask(row, browser, with_key ? key->key : Secret());
            EXPECT_EQ(reply->status, row.foreign) << row.route << ": " << reply->body;
            for (const std::string& name : ours_in(world)) {
                // A refusal repeats the id that was asked for.
                const bool shown = reply->body.find(name) != std::string::npos;
                EXPECT_FALSE(reply->status < 300 && shown) << row.route << name;
            }
            EXPECT_EQ(world.api.get("/v1/clusters/" + world.cluster)->body +
                          world.api.get("/v1/members")->body + world.api.get("/v1/api-keys")->body,
                      before)
                << row.route;
        }
}

}  // namespace
}  // namespace hopyard::api
