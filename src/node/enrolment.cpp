#include "node/enrolment.h"

#include "base/backoff.h"
#include "base/log.h"
#include "base/read_file.h"
#include "http/certificates.h"
#include "node/system/files.h"

namespace hopyard::node {
namespace {

constexpr Backoff transient_backoff{.first = Milliseconds(50), .most = Milliseconds(1'000)};
constexpr Backoff refused_backoff{.first = Milliseconds(500), .most = Milliseconds(15'000)};

Result<http::KeyAndRequest> request_for(const StateDirectory& state, const std::string& node) {
    const auto kept = state.private_key();
    if (!kept.empty()) {
        // The request must be signed by the key we keep. A key without one is of an interrupted
        // attempt that nobody has heard of: both are made anew.
        const auto request = read_file(state.file("request.pem"));
        if (request && !request->empty()) return http::KeyAndRequest{kept, *request};
    }
    auto made = http::make_signing_request(node);
    RETURN_IF_ERROR(state.keep_private_key(made.private_key_pem));
    RETURN_IF_ERROR(
        system::write_file(state.file("request.pem"), made.signing_request_pem, {.mode = 0600}));
    return made;
}

Result<Credentials> store(const StateDirectory& state,
                          const nodewire::EnrolReply& reply,
                          const std::string& node,
                          const Secret& key,
                          Timestamp now) {
    ASSIGN_OR_RETURN(const auto facts, http::read_certificate(reply.certificate_pem));
    if (facts.common_name != node) {
        return fail(ErrorKind::invalid_argument,
                    "foreign_certificate",
                    "the certificate that came is for another node");
    }
    RETURN_IF_ERROR(state.keep_certificate(reply.certificate_pem, now));
    return Credentials{
        .private_key_pem = key, .certificate_pem = reply.certificate_pem, .obtained_at = now};
}

}  // namespace

Identity identity_of(const MachineFacts& facts) {
    return Identity{.cluster = facts.user_data.cluster,
                    .node = facts.user_data.node,
                    .is_head = facts.user_data.is_head,
                    .url = facts.user_data.url,
                    .ca_pem = facts.user_data.ca_pem,
                    .machine_id = facts.machine_id,
                    .private_ip = facts.private_ip};
}

std::optional<Enrolled> stored_enrolment(const StateDirectory& state, Timestamp now) {
    auto identity = state.identity();
    auto credentials = state.credentials();
    if (!identity || !credentials) return std::nullopt;
    const auto facts = http::read_certificate(credentials->certificate_pem);
    if (!facts || facts->common_name != identity->node || facts->not_after <= now) {
        return std::nullopt;
    }
    return Enrolled{std::move(*identity), std::move(*credentials)};
}

Result<Enrolled> enrol(const StateDirectory& state,
                       const MachineFacts& facts,
                       Upstream& upstream,
                       const Clock& clock,
                       Random& random,
                       std::stop_token stop) {
    const auto identity = identity_of(facts);
    if (identity.node.empty() || identity.node.size() > 63) {
        return fail(ErrorKind::invalid_argument,
                    "user_data_malformed",
                    "the node's name in the user data is not a host name");
    }
    ASSIGN_OR_RETURN(const auto request, request_for(state, identity.node));
    const nodewire::EnrolRequest body{.cluster = identity.cluster,
                                      .node = identity.node,
                                      .token = facts.user_data.token,
                                      .machine_id = identity.machine_id,
                                      .private_ip = identity.private_ip,
                                      .signing_request_pem = request.signing_request_pem};
    for (int attempt = 0;; ++attempt) {
        auto reply = upstream.enrol(body);
        if (reply) {
            ASSIGN_OR_RETURN(
                auto credentials,
                store(state, *reply, identity.node, request.private_key_pem, clock.now()));
            RETURN_IF_ERROR(state.keep_identity(identity));
            return Enrolled{identity, std::move(credentials)};
        }
        const bool passing = is_transient(reply.error().kind);
        if (attempt % 8 == 4 || !passing) {
            log::warning("enrolment is not accepted yet", {{"cause", reply.error().message}});
        }
        const auto& backoff = passing ? transient_backoff : refused_backoff;
        if (!sleep_for(wait_before(backoff, attempt, random), stop)) return pass(reply.error());
    }
}

bool should_renew(const Credentials& credentials, Timestamp now) {
    const auto facts = http::read_certificate(credentials.certificate_pem);
    if (!facts) return true;
    return now - credentials.obtained_at >= (facts->not_after - credentials.obtained_at) * 2 / 3;
}

Result<Credentials> renew(const StateDirectory& state,
                          const Enrolled& enrolled,
                          Upstream& upstream,
                          Timestamp now) {
    const auto request = read_file(state.file("request.pem"));
    if (!request) {
        return fail(ErrorKind::not_found, "request_missing", "the signing request is gone");
    }
    ASSIGN_OR_RETURN(const auto reply,
                     upstream.renew({.cluster = enrolled.identity.cluster,
                                     .node = enrolled.identity.node,
                                     .machine_id = enrolled.identity.machine_id,
                                     .private_ip = enrolled.identity.private_ip,
                                     .signing_request_pem = *request}));
    return store(state, reply, enrolled.identity.node, enrolled.credentials.private_key_pem, now);
}

}  // namespace hopyard::node
