#include "api/test_rig.h"

#include "api/test_schema.h"

namespace hopyard::api {

TestApi::TestApi(HasMail has_mail, v1::SimulationLimits simulation)
    : authority(http::make_authority("test authority", clock.now(), Seconds(86'400))),
      commands(*store,
               clouds,
               wake,
               clock,
               random,
               {.installation = InstallationId("11111111-2222-4333-8444-555555555555")}),
      sessions(*store, authority, wake, clock, random, {}),
      service(
          {.store = *store,
           .commands = commands,
           .sessions = sessions,
           .clouds = clouds,
           .clock = clock,
           .random = random},
          {.version = "9.9.9",
           .conditions = [this] { return conditions; },
           .want_tick = [this] { ++ticks_wanted; },
           .orphans = &orphans,
           .password_cost = people::HashCost::least,
           .mail = {.transport = has_mail == HasMail::yes ? &mail : nullptr, .page_url = page_url},
           .simulation = simulation}),
      administrator(**make_first_key(*store, random, clock.now())) {}

void TestApi::call(const http::Handler& handler, Ask ask, const std::shared_ptr<Caught>& caught) {
    http::Request request{.method = std::move(ask.method),
                          .target = std::move(ask.target),
                          .body = std::move(ask.body),
                          .peer = {.address = std::move(ask.address),
                                   .certificate_subject = std::move(ask.certificate_subject)},
                          .secure = ask.secure};
    for (const auto& [name, value] : ask.headers) request.headers.add(name, value);
    handler(request, http::Responder(std::make_shared<http::Exchange>(caught, caught->progress)));
}

void TestApi::ask_into(const std::shared_ptr<Caught>& caught, Ask ask) {
    const bool named = std::any_of(ask.headers.begin(), ask.headers.end(), [](const auto& header) {
        return header.first == "Authorization" || header.first == "x-api-key";
    });
    if (!named) ask.headers.emplace_back("Authorization", "Bearer " + administrator.reveal());
    call(service.people(), std::move(ask), caught);
}

std::shared_ptr<Caught> TestApi::ask(Ask ask) {
    auto caught = std::make_shared<Caught>();
    ask_into(caught, std::move(ask));
    return caught;
}

std::shared_ptr<Caught> TestApi::ask_as_node(Ask ask) {
    auto caught = std::make_shared<Caught>();
    call(service.nodes(), std::move(ask), caught);
    return caught;
}

nlohmann::json TestApi::spec(const std::string& name) {
    return {{"name", name},
            {"resourceGroup", "lab"},
            {"head", {{"instanceType", "Standard_D8_v3"}, {"diskGb", 64}}},
            {"workers", {{{"instanceType", "Standard_D4_v3"}, {"diskGb", 30}, {"count", 2}}}},
            {"storage", {{"account", "labstore"}}},
            {"sshKey", "ops-key"},
            {"identity", "lab-identity"}};
}

std::string TestApi::create(const nlohmann::json& spec) {
    const auto made = post("/v1/clusters", spec.dump());
    EXPECT_EQ(made->status, 202) << made->body;
    return made->status == 202 ? made->json().value("id", "") : "";
}

void TestApi::edit(const std::string& id, const std::function<void(model::Cluster&)>& change) {
    const auto written = store->write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto row, t.cluster(ClusterId(id)));
        if (!row) return fail(ErrorKind::not_found, "gone", "the cluster is gone");
        change(*row);
        return t.put(*row);
    });
    EXPECT_TRUE(written) << written.error().message;
}

void TestApi::add_node(const std::string& id, model::Node node) {
    node.cluster = ClusterId(id);
    const auto written = store->write([&](store::Transaction& t) {
        model::Node row = node;
        return t.put(row);
    });
    EXPECT_TRUE(written) << written.error().message;
}

void TestApi::write(model::Activity entry) {
    const auto written = store->write([&](store::Transaction& t) {
        model::Activity row = entry;
        return t.append(row);
    });
    EXPECT_TRUE(written) << written.error().message;
}

Secret TestApi::key(model::Scope scope) {
    const auto made = make_key(*store,
                               random,
                               {.organisation = default_organisation(),
                                .name = "test " + random_word(random, 8),
                                .scope = scope},
                               clock.now());
    EXPECT_TRUE(made);
    return made->key;
}

}  // namespace hopyard::api
