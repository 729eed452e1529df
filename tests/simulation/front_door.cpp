#include "simulation/front_door.h"

#include <exception>

namespace hopyard::simulation {
namespace {

/// A socket's other end; no stream is ever asked for here.
class Listener final : public http::ReplySink {
  public:
    Listener(Queue& queue, Answer answer) : queue_(queue), answer_(std::move(answer)) {}
    void reply(http::Response response) override {
        if (std::uncaught_exceptions() > 0 || !answer_) return;
        queue_.after(
            Milliseconds(1),
            [answer = std::move(answer_), response = std::move(response)] { answer(response); });
    }
    void begin(int, http::Headers) override {}
    void append(std::string) override {}
    void end() override {}
    void cut() override {}

  private:
    Queue& queue_;
    Answer answer_;
};

}  // namespace

http::Responder responder(Queue& queue, Answer answer) {
    return http::Responder(
        std::make_shared<http::Exchange>(std::make_shared<Listener>(queue, std::move(answer)),
                                         std::make_shared<http::ReplyProgress>()));
}

}  // namespace hopyard::simulation
