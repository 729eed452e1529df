// Where a cluster's secrets lie in the store. All of them begin with secret_prefix(), so that one
// call erases them with the cluster.
#pragma once

#include <string>

#include "base/ids.h"

namespace hopyard::control {

inline std::string secret_prefix(const ClusterId& cluster) {
    return "cluster/" + cluster.value + "/";
}
/// 128 random bytes that Slurm's munge shares; made when the cluster is accepted.
inline std::string workload_key_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "workload-key";
}
/// Password of the first administrator (product.md D10); made when the cluster is accepted.
inline std::string first_administrator_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "first-administrator";
}
/// The crypt(5) form of that password, as the machines get it: made once, so that orders stay the
/// same.
inline std::string first_administrator_hash_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "first-administrator-hash";
}
/// The address of the container with its signature: what a machine needs to mount it. Written by
/// the loops after Storage::grant.
inline std::string storage_grant_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "storage-grant";
}
/// Certificate and key of the head's page.
inline std::string page_certificate_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "page-certificate";
}
inline std::string page_key_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "page-key";
}
/// A machine's one-time token, until its first authenticated report is stored: a put that is
/// repeated says the same. The last word keeps this from being the beginning of another node's.
inline std::string token_secret(const ClusterId& cluster, const NodeId& node) {
    return secret_prefix(cluster) + "token/" + node.value + "/once";
}
/// Which revision of its orders each node was given last, and their digest. Here because it goes
/// with the cluster, and because a digest of secrets is nobody's business.
inline std::string order_revisions_secret(const ClusterId& cluster) {
    return secret_prefix(cluster) + "order-revisions";
}

}  // namespace hopyard::control
