// The way in for people: requests over HTTP to whichever replica answers, as the server would hand
// them to the API, and their answers, which come later or never.
#pragma once

#include <functional>

#include "http/exchange.h"
#include "http/server.h"
#include "simulation/ground.h"

namespace hopyard::simulation {

using Answer = std::function<void(const http::Response&)>;

class FrontDoor {
  public:
    virtual ~FrontDoor() = default;
    /// `answer` is called later, from outside of all fibers, unless the request, the replica or the
    /// answer is lost. False: nobody listens, so nothing was asked.
    virtual bool ask(http::Request request, Answer answer) = 0;
};

/// The responder of one request. What a dying program says while its frames are undone reaches
/// nobody.
http::Responder responder(Queue& queue, Answer answer);

}  // namespace hopyard::simulation
