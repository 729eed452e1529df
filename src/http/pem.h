// Inside this module: OpenSSL's objects with owners, and PEM in and out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/secret.h"

namespace hopyard::http {

template <auto function>
struct FreeWith {
    template <class T>
    void operator()(T* object) const {
        function(object);
    }
};
using CertificatePointer = std::unique_ptr<X509, FreeWith<X509_free>>;
using SigningRequestPointer = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using BioPointer = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

/// Every certificate in the text, in order; empty when there is none or one is malformed.
std::vector<CertificatePointer> read_certificates(const std::string& pem);
/// Null when it is no unencrypted private key.
KeyPointer read_private_key(const Secret& pem);
SigningRequestPointer read_signing_request(const std::string& pem);

std::string to_pem(X509* certificate);
std::string to_pem(X509_REQ* request);
Secret to_pem(EVP_PKEY* key);

/// "" when the name has none.
std::string common_name(const X509_NAME* name);

}  // namespace hopyard::http
