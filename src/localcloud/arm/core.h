// What every resource provider works with: the call it answers, the reply, and the parts of the
// cloud. A provider is a file of free functions and one function that adds its routes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "http/message.h"
#include "localcloud/arm/executor.h"
#include "localcloud/arm/fault.h"
#include "localcloud/arm/json.h"
#include "localcloud/arm/ledger.h"
#include "localcloud/arm/resource_id.h"

namespace hopyard::localcloud {

class Fabric;
class Access;
class Catalog;
class BlobAccounts;
class TokenIssuer;

struct Core {
    std::string subscription;
    std::string tenant;
    Ledger& ledger;
    Executor& executor;
    Fabric& fabric;
    const Access& access;
    const Catalog& catalog;
    BlobAccounts& blobs;
    const Clock& clock;
    Random& random;

    std::string subscription_id() const { return "/subscriptions/" + subscription; }
};

struct Call {
    const http::Request& request;
    std::map<std::string, std::string> parameters;
    /// The addressed resource, its types in their proper case; for a list, the resource it lies in.
    std::string id;
    std::string base_url;  ///< scheme and host as the client used them
    std::string api_version;
    Document body;         ///< an empty object when there was none
    std::string caller;    ///< object id of the principal
    bool may_wait = true;  ///< false when the reply was held already

    const Json& wanted() const { return *body; }
    const std::string& parameter(const std::string& name) const { return parameters.at(name); }
};

struct Reply {
    int status = 200;
    Document body;  ///< none: an empty reply
    http::Headers headers;
    /// Hold the reply until that operation ends, at most a second, then ask the handler again.
    std::string hold_for;
};

using Outcome = tl::expected<Reply, Fault>;
using Handling = Outcome (*)(Core&, const Call&);

Outcome reply(int status, Json body);
Outcome empty_reply(int status);

/// Makes a running operation on that resource; it still has to be committed and submitted.
Operation new_operation(Core& core,
                        std::string kind,
                        const std::string& target,
                        Operation::Style style,
                        Json arguments);
/// The headers that lead a client to the operation, as that provider sends them.
enum class Announce { status_only, status_and_location, location_only };
void announce(Core& core, const Call& call, const Operation& operation, Announce how, Reply& reply);
/// Commits, submits those that run, and answers 500 when the disk refuses.
tl::expected<void, Fault> apply(Core& core, const Batch& batch);

/// A resource as it is first written, or with new contents.
Resource made(Core& core, const std::string& id, Json body, Json hidden);
Resource changed(Core& core, Resource before, Json body);
Resource changed(Core& core, Resource before, Json body, Json hidden);
/// `W/"guid"`, also stamped into the body and its children.
std::string weak_etag(Core& core);

/// If-Match and If-None-Match against what is there.
tl::expected<void, Fault> check_preconditions(const Call& call,
                                              const std::optional<Resource>& there);
/// `location` of the body, normalised and known, and the same as before when there was one.
tl::expected<std::string, Fault> check_location(Core& core,
                                                const Call& call,
                                                const std::optional<Resource>& there);
/// At most 50 tags, all strings; {} when there are none.
tl::expected<Json, Fault> check_tags(const Call& call);
/// 404 for what does not exist.
tl::expected<Resource, Fault> must_find(Core& core, const std::string& id);
/// 403 LinkedAuthorizationFailed when the caller may not do that to a resource the request refers
/// to.
tl::expected<void, Fault> check_linked(Core& core,
                                       const Call& call,
                                       const std::string& action,
                                       const std::string& linked_id);
/// `{"value": […]}` of the resources of that type, each shown by `show`.
Outcome list_of(Core& core,
                const Call& call,
                const std::string& type,
                const std::function<Json(Core&, const Resource&)>& show);
/// GUID in lower case.
std::string new_guid(Core& core);

}  // namespace hopyard::localcloud

#define OUTCOME_OR_RETURN(declaration, expression)                                    \
    auto HOPYARD_CONCAT(outcome_, __LINE__) = (expression);                           \
    if (!HOPYARD_CONCAT(outcome_, __LINE__))                                          \
        return tl::unexpected(std::move(HOPYARD_CONCAT(outcome_, __LINE__)).error()); \
    declaration = std::move(*HOPYARD_CONCAT(outcome_, __LINE__))

#define RETURN_IF_FAULT(expression)                             \
    do {                                                        \
        if (auto outcome_ = (expression); !outcome_)            \
            return tl::unexpected(std::move(outcome_).error()); \
    } while (false)
