// Everything at once, for the sanitizers: what is asserted is that nothing hangs and that no answer
// is anybody else's.
#include <atomic>
#include <mutex>
#include <thread>

#include "http/certificates.h"
#include "http/test_server.h"
#include "http/transport.h"

namespace hopyard::http {
namespace {

using namespace std::chrono_literals;

/// Answers at once, later from another thread, as a stream, or never, by the target's first letter.
class MixedAnswers {
  public:
    Handler handler() {
        return [this](const Request& request, Responder responder) {
            const auto kind = request.target.substr(0, 2);
            if (kind == "/n") return responder.respond(text_response(200, request.target));
            if (kind == "/d") return;
            if (kind == "/s") {
                auto stream = responder.start(200, {});
                stream.write(request.target.substr(0, 2));
                stream.write(request.target.substr(2));
                return;
            }
            const std::lock_guard lock(mutex_);
            parked_.emplace_back(std::move(responder), request.target);
        };
    }
    void answer_parked() {
        std::vector<std::pair<Responder, std::string>> parked;
        {
            const std::lock_guard lock(mutex_);
            parked.swap(parked_);
        }
        for (auto& [responder, target] : parked) responder.respond(text_response(200, target));
    }

  private:
    std::mutex mutex_;
    std::vector<std::pair<Responder, std::string>> parked_;
};

struct Tally {
    std::atomic<int> right = 0;
    std::atomic<int> wrong = 0;
    std::atomic<int> failed = 0;
};

void ask(Client& client, const std::string& base, int number, Tally& tally) {
    const char kind = "nlsd"[number % 4];
    const auto target = std::string("/") + kind + std::to_string(number);
    const auto reply = client.send({.url = base + target});
    const bool fits = reply && (kind == 'd' ? reply->status == 500 : reply->body == target);
    ++(!reply ? tally.failed : fits ? tally.right : tally.wrong);
}

TEST(Stress, MixedAnswersWhileListenersComeAndGoAndCertificatesChange) {
    const Timestamp now = SystemClock().now();
    const auto authority = make_authority("Stress", now, Seconds(3600));
    const auto certificate = *issue(authority,
                                    {.common_name = "server",
                                     .ip_addresses = {"127.0.0.1"},
                                     .now = now,
                                     .validity = Seconds(3600)});
    const TlsOptions tls{.certificate_chain_pem = certificate.certificate_pem,
                         .private_key_pem = certificate.private_key_pem};
    MixedAnswers answers;
    RunningServer running({}, 3);
    const auto port = running.listen(answers.handler(), {.name = "main", .tls = tls});
    const auto base = "https://127.0.0.1:" + std::to_string(port);
    Client client({.ca_pem = authority.certificate_pem});
    Tally tally;
    std::atomic<int> askers = 8;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 40; ++i) ask(client, base, t * 1000 + i, tally);
            --askers;
        });
    while (askers > 0) {
        answers.answer_parked();
        EXPECT_TRUE(running.server.set_tls("main", tls));
        running.listen(echo(), {.name = "passing"});
        running.server.close_listener("passing");
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(tally.right, 8 * 40);
    EXPECT_EQ(tally.wrong, 0);
    EXPECT_EQ(tally.failed, 0);
}

TEST(Stress, StopUnderLoadEndsEverythingAndMixesNothingUp) {
    for (const auto grace : {0ms, 5ms, 50ms}) {
        MixedAnswers answers;
        RunningServer running({}, 3);
        const auto port = running.listen(answers.handler());
        const auto base = "http://127.0.0.1:" + std::to_string(port);
        Client client({});
        Tally tally;
        std::vector<std::thread> threads;
        for (int t = 0; t < 8; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 1000 && tally.failed < 8; ++i)
                    ask(client, base, t * 1000 + i, tally);
            });
        while (tally.right < 50) answers.answer_parked();
        running.server.stop(grace);
        running.join();
        answers.answer_parked();
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(tally.wrong, 0);
    }
}

TEST(Stress, AClientStoppedUnderLoadEndsEveryCall) {
    MixedAnswers answers;
    RunningServer running({}, 2);
    const auto base = "http://127.0.0.1:" + std::to_string(running.listen(answers.handler()));
    std::stop_source stop;
    Client client({.stop = stop.get_token()});
    std::atomic<int> cancelled = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            // Parked answers that nobody gives: only the stop ends these.
            const auto reply =
                client.send({.url = base + "/l" + std::to_string(t), .timeout = 60s});
            if (!reply && reply.error().kind == ErrorKind::cancelled) ++cancelled;
        });
    stop.request_stop();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(cancelled, 8);
}

}  // namespace
}  // namespace hopyard::http
