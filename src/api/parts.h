// What the API is given to work with. Everything outlives the service.
#pragma once

#include "base/ids.h"
#include "base/random.h"
#include "base/time.h"
#include "cloud/clouds.h"
#include "control/commands.h"
#include "control/node_sessions.h"
#include "store/store.h"

namespace hopyard::api {

struct Parts {
    store::Store& store;
    control::Commands& commands;
    control::NodeSessions& sessions;
    cloud::Clouds& clouds;
    const Clock& clock;
    Random& random;  ///< thread-safe: keys and request ids are made on many threads
};

}  // namespace hopyard::api
