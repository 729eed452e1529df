// X.509 for machines that are ours: a private authority, certificates it signs, requests made by
// nodes. Keys on P-256, those of nodes of Ed25519; PEM in and out (OpenSSL).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace hopyard::http {

struct KeyAndCertificate {
    Secret private_key_pem;
    std::string certificate_pem;
};

/// A self-signed authority that may sign leaf certificates only.
KeyAndCertificate make_authority(const std::string& common_name, Timestamp now, Seconds validity);

struct CertificateRequest {
    std::string common_name;
    std::vector<std::string> dns_names;
    std::vector<std::string> ip_addresses;
    bool server = true;  ///< extended key usage
    bool client = false;
    Timestamp now;
    Seconds validity{0};
};

/// Makes a key and a certificate for it.
Result<KeyAndCertificate> issue(const KeyAndCertificate& authority,
                                const CertificateRequest& wanted);
/// Signs the public key of a PEM certificate signing request. Only the key is taken from it: names
/// and usage come from `wanted`. `invalid_argument` when the request is malformed or not signed by
/// its key.
Result<std::string> sign(const KeyAndCertificate& authority,
                         const std::string& signing_request_pem,
                         const CertificateRequest& wanted);

struct KeyAndRequest {
    Secret private_key_pem;
    std::string signing_request_pem;
};
/// With a new key of Ed25519: a server holds the parsed certificate of every client that is
/// connected, and one with a key on a curve of NIST takes 6 KiB more in OpenSSL 3.0.
KeyAndRequest make_signing_request(const std::string& common_name);

struct CertificateFacts {
    std::string common_name;
    std::string serial;  ///< hex
    Timestamp not_after;
    std::vector<std::string> dns_names;
    std::vector<std::string> ip_addresses;
};
Result<CertificateFacts> read_certificate(const std::string& certificate_pem);

}  // namespace hopyard::http
