// Enrolment and renewal: a one-time token, bound to one machine, becomes a certificate.
#include <arpa/inet.h>

#include "base/encoding.h"
#include "base/log.h"
#include "control/node_sessions_state.h"
#include "control/reports.h"

namespace hopyard::control {
namespace {

using model::Node;
using model::NodeWanted;

bool is_ipv4(const std::string& text) {
    in_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

/// One answer for every reason: whoever guesses learns nothing. The reason goes to the log.
Failure refused(const nodewire::EnrolRequest& request, const char* why) {
    log::info("an enrolment is refused", {{"node", request.node.substr(0, 80)}, {"why", why}});
    return fail(ErrorKind::unauthenticated,
                "enrolment_refused",
                "the token is not good for this node and machine, was used up, or has run out");
}

/// Why it may not, or null.
const char* objection(const std::optional<Node>& node,
                      const nodewire::EnrolRequest& request,
                      Timestamp now) {
    if (!node || node->cluster.value != request.cluster) return "there is no such node";
    if (node->wanted == NodeWanted::removed && node->phase != model::NodePhase::draining)
        return "the node is not wanted any more";
    const model::Enrolment& enrolment = node->enrolment;
    if (enrolment.closed) return "the node has reported already";
    const std::string hash = to_hex(sha256(request.token.reveal()));
    if (enrolment.token_hash.empty() || !equal_in_constant_time(enrolment.token_hash, hash))
        return "the token is not the node's";
    if (!enrolment.expires_at || *enrolment.expires_at <= now) return "the token has run out";
    if (request.machine_id.empty()) return "the machine has no id";
    // The cloud's word on which machine it is outweighs who came first.
    const bool open = node->machine_id.empty() && enrolment.machine_id.empty();
    if (!open && !is_its_machine(*node, request.machine_id))
        return "another machine holds the node's place";
    return nullptr;
}

/// The address the cloud gave it, when that is known; the machine's own word else.
Result<std::string> address_of(const Node& node, const nodewire::EnrolRequest& request) {
    if (!node.private_ip.empty()) return node.private_ip;
    if (is_ipv4(request.private_ip)) return request.private_ip;
    return refuse("/privateIp",
                  "address_malformed",
                  "must be the machine's IPv4 address",
                  "Read it from the metadata service.");
}

Result<std::string> certify(NodeAuthority& authority,
                            Node& node,
                            const nodewire::EnrolRequest& request,
                            Timestamp now) {
    ASSIGN_OR_RETURN(const std::string address, address_of(node, request));
    ASSIGN_OR_RETURN(auto signed_one,
                     authority.sign(request.signing_request_pem, node.id, address, now));
    node.enrolment.certificate_serial = signed_one.serial;
    node.enrolment.certificate_expires_at = signed_one.expires_at;
    return std::move(signed_one.certificate_pem);
}

}  // namespace

Result<nodewire::EnrolReply> NodeSessions::State::enrol(const nodewire::EnrolRequest& request) {
    const Timestamp now = clock.now();
    nodewire::EnrolReply reply;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(auto node, transaction.node(NodeId(request.node)));
        if (const char* why = objection(node, request, now)) return refused(request, why);
        ASSIGN_OR_RETURN(reply.certificate_pem, certify(authority, *node, request, now));
        node->enrolment.machine_id = request.machine_id;
        return transaction.put(*node);
    };
    RETURN_IF_ERROR(write(body));
    return reply;
}

Result<nodewire::EnrolReply> NodeSessions::State::renew(const NodeId& caller,
                                                        const nodewire::EnrolRequest& request) {
    const Timestamp now = clock.now();
    nodewire::EnrolReply reply;
    const auto body = [&](store::Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const Company company, company_of(transaction, caller));
        ASSIGN_OR_RETURN(auto node, transaction.node(NodeId(request.node)));
        const bool own = node && node->cluster == company.cluster.id &&
                         (node->id == caller || company.self.is_head);
        if (!own)
            return fail(ErrorKind::permission_denied,
                        "not_yours",
                        "a node renews its own certificate, a head also its workers'");
        if (!is_its_machine(*node, request.machine_id)) return wrong_machine();
        ASSIGN_OR_RETURN(reply.certificate_pem, certify(authority, *node, request, now));
        return transaction.put(*node);
    };
    RETURN_IF_ERROR(write(body));
    return reply;
}

}  // namespace hopyard::control
