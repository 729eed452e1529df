// The API for its own tests: real commands and sessions on a store in memory and a cloud that keeps
// state, called without sockets. What a handler answers, and what it streams, is caught here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/keys.h"
#include "api/service.h"
#include "api/test_catalog.h"
#include "base/random.h"
#include "cloud/one_cloud.h"
#include "control/authority.h"
#include "control/test_cloud.h"
#include "http/exchange.h"
#include "http/mail.h"
#include "store/open.h"

namespace hopyard::api {

/// What came back of one request.
class Caught final : public http::ReplySink {
  public:
    void reply(http::Response response) override {
        answered = true;
        status = response.status;
        headers = std::move(response.headers);
        body = std::move(response.body);
    }
    void begin(int started, http::Headers with) override {
        answered = true;
        status = started;
        headers = std::move(with);
    }
    void append(std::string bytes) override { body += bytes; }
    void end() override { ended = true; }
    void cut() override { ended = true; }

    nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
    /// What streams have sent since the last call.
    std::string take() { return std::exchange(body, {}); }

    bool answered = false, ended = false;
    int status = 0;
    http::Headers headers;
    std::string body;
    std::shared_ptr<http::ReplyProgress> progress = std::make_shared<http::ReplyProgress>();
};

class CountingWake final : public control::Wake {
  public:
    void wake() override { ++count; }
    int count = 0;
};

class TestOrphans final : public Orphans {
  public:
    Result<std::vector<control::Orphan>> list() override { return found; }
    Result<control::OrphanRemoval> remove() override {
        control::OrphanRemoval removal;
        for (const auto& orphan : found)
            (orphan.attached ? removal.waiting : removal.removed).push_back(orphan.name);
        std::erase_if(found, [](const auto& orphan) { return !orphan.attached; });
        return removal;
    }
    std::vector<control::Orphan> found;
};

/// Takes mail, or fails as it is told.
class TestMail final : public http::MailTransport {
  public:
    Result<void> send(const http::Mail& mail, std::stop_token /*stop*/) override {
        ++attempts;
        if (failure) return pass(*failure);
        sent.push_back(mail);
        return {};
    }
    int attempts = 0;
    std::optional<Error> failure;
    std::vector<http::Mail> sent;
};
inline constexpr const char* page_url = "https://hopyard.example.org";
enum class HasMail { yes, no };

struct Ask {
    std::string method = "GET";
    std::string target;
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string certificate_subject = {};
    std::string address = {};
    bool secure = false;
};

/// What a cluster's life takes on the test's cloud.
inline cloud::NeededRights test_rights() {
    return {.always = {{"machines/write", "create machines"}},
            .for_network = {{"networks/write", "create networks"}},
            .for_checks = {{"roles/read", "check the identity's rights"}}};
}

class TestApi {
  public:
    explicit TestApi(HasMail has_mail = HasMail::yes, v1::SimulationLimits simulation = {});

    /// As the administrator, unless a header says otherwise.
    std::shared_ptr<Caught> ask(Ask ask);
    std::shared_ptr<Caught> get(const std::string& target) { return ask({.target = target}); }
    std::shared_ptr<Caught> post(const std::string& target, const std::string& body = "") {
        return ask({.method = "POST", .target = target, .body = body});
    }
    std::shared_ptr<Caught> put(const std::string& target, const std::string& body) {
        return ask({.method = "PUT", .target = target, .body = body});
    }
    std::shared_ptr<Caught> remove(const std::string& target) {
        return ask({.method = "DELETE", .target = target});
    }
    std::shared_ptr<Caught> ask_as_node(Ask ask);
    /// The same on a thread of the caller's, who may have a look at what came and leave.
    void ask_into(const std::shared_ptr<Caught>& caught, Ask ask);

    /// A good specification, to be spoilt by the test.
    static nlohmann::json spec(const std::string& name = "demo");
    /// Creates it and returns its id; fails the test when refused.
    std::string create(const nlohmann::json& spec);
    std::string create() { return create(spec()); }
    /// The cluster's row as the loops would leave it.
    void edit(const std::string& id, const std::function<void(model::Cluster&)>& change);
    void add_node(const std::string& id, model::Node node);
    void write(model::Activity entry);
    Secret key(model::Scope scope);

    control::TestClock clock;
    SystemRandom random;
    std::unique_ptr<store::Store> store = store::open_memory();
    TestCatalog catalog;
    TestPreparation preparation;
    control::TestCloud cloud{clock};
    cloud::OneCloud clouds{catalog, cloud, test_rights(), &preparation};
    TestOrphans orphans;
    CountingWake wake;
    control::InstallationAuthority authority;
    control::Commands commands;
    control::NodeSessions sessions;
    std::vector<v1::Condition> conditions;
    int ticks_wanted = 0;
    TestMail mail;
    Service service;
    Secret administrator;

  private:
    static void call(const http::Handler& handler, Ask ask, const std::shared_ptr<Caught>& caught);
};

}  // namespace hopyard::api
