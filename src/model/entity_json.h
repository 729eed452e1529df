// The entities as JSON text, for the store. Readers accept what older versions wrote: a missing
// field takes its default, an unknown one is ignored; a malformed document is an `internal` error.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/access.h"
#include "model/activity.h"
#include "model/cloud_account.h"
#include "model/cluster.h"
#include "model/outgoing_mail.h"
#include "model/resource.h"

namespace hopyard::model {

std::string to_json(const Cluster&);
std::string to_json(const Node&);
std::string to_json(const Resource&);
std::string to_json(const Activity&);
std::string to_json(const ApiKey&);
std::string to_json(const Organisation&);
std::string to_json(const Person&);
std::string to_json(const Session&);
std::string to_json(const Invitation&);
std::string to_json(const OutgoingMail&);
std::string to_json(const CloudAccount&);
std::string to_json(const Error&);
Result<Cluster> cluster_from_json(std::string_view);
Result<Node> node_from_json(std::string_view);
Result<Resource> resource_from_json(std::string_view);
Result<Activity> activity_from_json(std::string_view);
Result<ApiKey> api_key_from_json(std::string_view);
Result<Organisation> organisation_from_json(std::string_view);
Result<Person> person_from_json(std::string_view);
Result<Session> session_from_json(std::string_view);
Result<Invitation> invitation_from_json(std::string_view);
Result<OutgoingMail> outgoing_mail_from_json(std::string_view);
Result<CloudAccount> cloud_account_from_json(std::string_view);
Result<Error> error_from_json(std::string_view);

}  // namespace hopyard::model
