// What one installation of the control plane is for good: its id, which every cloud resource bears,
// and its own authority, which signs what nodes and listeners show. Kept in the store, so that
// several replicas are one installation.
#pragma once

#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "http/certificates.h"
#include "store/store.h"

namespace hopyard::apps {

struct Installation {
    InstallationId id;
    http::KeyAndCertificate authority;
};

/// Reads what is there and makes what is missing. Repeatable; of two that start at once one makes
/// it and both read the same.
Result<Installation> load_installation(store::Store& store, const Clock& clock, Random& random);

}  // namespace hopyard::apps
