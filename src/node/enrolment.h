// Becoming known: a key that never leaves this machine, a request signed with it, and a one-time
// token out of the user data turn into a certificate of the installation's authority. Repeatable
// until the control plane has the first authenticated report; after that the certificate is enough.
#pragma once

#include <stop_token>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "node/metadata.h"
#include "node/state.h"
#include "node/upstream.h"

namespace hopyard::node {

struct Enrolled {
    Identity identity;
    Credentials credentials;
};

/// The stored credentials when they are this identity's and still valid; nothing otherwise.
std::optional<Enrolled> stored_enrolment(const StateDirectory& state, Timestamp now);

/// Makes or finds the key, asks until it is answered, stores. Waits through what is transient, and
/// through refusals too (more slowly): the machine has nothing else to do. An error when stopped.
Result<Enrolled> enrol(const StateDirectory& state,
                       const MachineFacts& facts,
                       Upstream& upstream,
                       const Clock& clock,
                       Random& random,
                       std::stop_token stop);

/// Two thirds of the certificate's life are over.
bool should_renew(const Credentials& credentials, Timestamp now);
Result<Credentials> renew(const StateDirectory& state,
                          const Enrolled& enrolled,
                          Upstream& upstream,
                          Timestamp now);

Identity identity_of(const MachineFacts& facts);

}  // namespace hopyard::node
