#include "specifications/plane.h"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include <unistd.h>

#include "api/test_rig.h"
#include "cli/cli.h"
#include "control/test_subscription.h"
#include "model/spec_json.h"

namespace hopyard::specifications {
namespace {

using nlohmann::json;

control::InstallationAuthority& authority() {
    static control::InstallationAuthority made(
        http::make_authority("test authority", control::ManualClock().now(), Seconds(86'400)));
    return made;
}

}  // namespace

struct Plane::Installation {
    control::ManualClock clock;
    SeededRandom random{7};
    std::unique_ptr<store::Store> store = store::open_memory();
    control::TestSubscription cloud;
    api::TestPreparation preparation;
    control::CountingWake wake;
    cloud::OneCloud clouds{cloud, cloud, control::TestSubscription::needed(), &preparation};
    control::Commands commands{*store,
                               clouds,
                               wake,
                               clock,
                               random,
                               {.installation = InstallationId("inst"), .run_all = {}}};
    control::NodeSessions sessions{*store, authority(), wake, clock, random, {}};
    api::Service service{{.store = *store,
                          .commands = commands,
                          .sessions = sessions,
                          .clouds = clouds,
                          .clock = clock,
                          .random = random},
                         {.version = "1"}};
    Secret key{**api::make_first_key(*store, random, clock.now())};
    std::string refusal;

    std::string stored() {
        std::string text;
        (void)store->read([&](store::Transaction& transaction) -> Result<void> {
            ASSIGN_OR_RETURN(const auto clusters, transaction.clusters());
            for (const model::Cluster& cluster : clusters)
                text += model::spec_to_json(cluster.spec) + "\n";
            return {};
        });
        return text;
    }
};

Plane::Plane() {
    const auto port = server_.listen(
        {.name = "test"}, [this](const http::Request& request, http::Responder responder) {
            const std::lock_guard lock(mutex_);
            now_->service.people()(request, std::move(responder));
        });
    url_ = "http://127.0.0.1:" + std::to_string(*port);
    threads_.emplace_back([this] { server_.run_io(); });
    threads_.emplace_back([this] { server_.run_worker(); });
}

Plane::~Plane() {
    server_.stop(Milliseconds(0));
    threads_.clear();
}

Outcome Plane::outcome() {
    const std::lock_guard lock(mutex_);
    return {.stored = now_->stored(), .refusal = now_->refusal};
}

Outcome Plane::post(const std::string& content_type, const std::string& body) {
    {
        const std::lock_guard lock(mutex_);
        now_ = std::make_unique<Installation>();
        http::Request request{
            .method = "POST",
            .target = "/v1/clusters",
            .headers = {{"x-api-key", now_->key.reveal()}, {"Content-Type", content_type}},
            .body = body};
        const auto caught = std::make_shared<api::Caught>();
        now_->service.people()(
            request, http::Responder(std::make_shared<http::Exchange>(caught, caught->progress)));
        if (caught->status != 202)
            now_->refusal = caught->json().value("code", "") + " " +
                            caught->json().value("field", "") + " " +
                            caught->json().value("detail", "");
    }
    return outcome();
}

Outcome Plane::command(const std::vector<std::string>& words, const std::string& input) {
    {
        const std::lock_guard lock(mutex_);
        now_ = std::make_unique<Installation>();
    }
    return run(words, input);
}

Outcome Plane::another_command(const std::vector<std::string>& words) {
    return run(words, "");
}

Outcome Plane::run(const std::vector<std::string>& words, const std::string& input) {
    {
        const std::lock_guard lock(mutex_);
        ::setenv("HOPYARD_API_KEY", now_->key.reveal().c_str(), 1);
    }
    ::setenv("HOPYARD_URL", url_.c_str(), 1);
    const std::string path = "/tmp/hopyard-input-" + std::to_string(::getpid());
    std::ofstream(path, std::ios::binary) << input;
    if (std::freopen(path.c_str(), "r", stdin) == nullptr) std::abort();
    std::cin.clear();
    std::vector<std::string> all = {"hopyard"};
    all.insert(all.end(), words.begin(), words.end());
    std::vector<char*> arguments;
    for (std::string& word : all) arguments.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    (void)cli::run(static_cast<int>(arguments.size()), arguments.data());
    (void)testing::internal::GetCapturedStdout();
    const std::string said = testing::internal::GetCapturedStderr();
    ::unlink(path.c_str());
    {
        const std::lock_guard lock(mutex_);
        now_->refusal = said;
    }
    return outcome();
}

}  // namespace hopyard::specifications
