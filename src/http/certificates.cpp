#include "http/certificates.h"

#include <algorithm>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/encoding.h"
#include "http/pem.h"

namespace hopyard::http {

namespace {

/// Clocks of machines that just started may be behind ours.
constexpr Seconds not_before_slack{3600};
/// RFC 5280, upper bound of a common name.
constexpr std::size_t common_name_max = 64;

using ExtensionPointer = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using NamesPointer = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using NumberPointer = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;

struct OpensslText {
    void operator()(void* text) const { OPENSSL_free(text); }
};

KeyPointer make_key() {
    KeyPointer key(EVP_EC_gen("P-256"));
    CHECK(key);
    return key;
}

void set_common_name(X509_NAME* name, const std::string& text) {
    CHECK(X509_NAME_add_entry_by_txt(name,
                                     "CN",
                                     MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()),
                                     -1,
                                     0) == 1);
}

/// 127 random bits, positive (RFC 5280 section 4.1.2.2).
void set_random_serial(X509* certificate) {
    unsigned char bytes[16];
    CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
    const NumberPointer number(BN_bin2bn(bytes, sizeof bytes, nullptr));
    CHECK(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)));
}

void set_validity(X509* certificate, Timestamp now, Seconds validity) {
    CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), to_unix_seconds(now - not_before_slack)));
    CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), to_unix_seconds(now + validity)));
}

/// `value` is OpenSSL's configuration syntax: only texts of ours go in, never a name from outside.
void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPointer extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    CHECK(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

CertificatePointer new_certificate(Timestamp now, Seconds validity, EVP_PKEY* key) {
    CertificatePointer certificate(X509_new());
    CHECK(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
    set_random_serial(certificate.get());
    set_validity(certificate.get(), now, validity);
    CHECK(X509_set_pubkey(certificate.get(), key) == 1);
    return certificate;
}

Result<std::string> address_bytes(const std::string& text) {
    in6_addr bytes;
    if (inet_pton(AF_INET, text.c_str(), &bytes) == 1)
        return std::string(reinterpret_cast<char*>(&bytes), 4);
    if (inet_pton(AF_INET6, text.c_str(), &bytes) == 1)
        return std::string(reinterpret_cast<char*>(&bytes), 16);
    return fail(ErrorKind::invalid_argument,
                "address_malformed",
                "\"" + text + "\" in a certificate's names is no IP address.");
}

void add_name(GENERAL_NAMES* names, int type, const std::string& bytes) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_STRING* value = type == GEN_DNS ? static_cast<ASN1_STRING*>(ASN1_IA5STRING_new())
                                         : static_cast<ASN1_STRING*>(ASN1_OCTET_STRING_new());
    CHECK(name && value &&
          ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1);
    GENERAL_NAME_set0_value(name, type, value);
    CHECK(sk_GENERAL_NAME_push(names, name) > 0);
}

bool is_dns_name(const std::string& text) {
    return !text.empty() && text.size() <= 253 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '*';
           });
}

Result<void> add_names(X509* certificate, const CertificateRequest& wanted) {
    if (wanted.dns_names.empty() && wanted.ip_addresses.empty()) return {};
    const NamesPointer names(GENERAL_NAMES_new());
    CHECK(names);
    for (const auto& name : wanted.dns_names) {
        if (!is_dns_name(name))
            return fail(ErrorKind::invalid_argument,
                        "name_malformed",
                        "\"" + name + "\" in a certificate's names is no DNS name.");
        add_name(names.get(), GEN_DNS, name);
    }
    for (const auto& address : wanted.ip_addresses) {
        ASSIGN_OR_RETURN(const auto bytes, address_bytes(address));
        add_name(names.get(), GEN_IPADD, bytes);
    }
    CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1);
    return {};
}

struct Authority {
    KeyPointer key;
    CertificatePointer certificate;
};

Result<Authority> open_authority(const KeyAndCertificate& pem) {
    Authority authority{read_private_key(pem.private_key_pem), nullptr};
    auto certificates = read_certificates(pem.certificate_pem);
    if (!certificates.empty()) authority.certificate = std::move(certificates.front());
    const bool fits = authority.key && authority.certificate &&
                      X509_check_private_key(authority.certificate.get(), authority.key.get()) == 1;
    ERR_clear_error();
    if (!fits)
        return fail(ErrorKind::invalid_argument,
                    "authority_malformed",
                    "The authority's key and certificate are malformed or do not belong together.");
    return authority;
}

Result<std::string> sign_key(const Authority& authority,
                             EVP_PKEY* key,
                             const CertificateRequest& wanted) {
    if (wanted.common_name.empty() || wanted.common_name.size() > common_name_max)
        return fail(ErrorKind::invalid_argument,
                    "common_name_length",
                    "The common name of a certificate has 1 to 64 characters.");
    auto certificate = new_certificate(wanted.now, wanted.validity, key);
    X509* leaf = certificate.get();
    X509* issuer = authority.certificate.get();
    set_common_name(X509_get_subject_name(leaf), wanted.common_name);
    CHECK(X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) == 1);
    add_extension(leaf, issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(leaf, issuer, NID_key_usage, "critical,digitalSignature");
    if (wanted.server || wanted.client)
        add_extension(leaf,
                      issuer,
                      NID_ext_key_usage,
                      wanted.server && wanted.client ? "serverAuth,clientAuth"
                      : wanted.server                ? "serverAuth"
                                                     : "clientAuth");
    add_extension(leaf, issuer, NID_subject_key_identifier, "hash");
    add_extension(leaf, issuer, NID_authority_key_identifier, "keyid");
    RETURN_IF_ERROR(add_names(leaf, wanted));
    CHECK(X509_sign(leaf, authority.key.get(), EVP_sha256()) > 0);
    return to_pem(leaf);
}

Result<CertificatePointer> open_certificate(const std::string& pem) {
    auto certificates = read_certificates(pem);
    if (certificates.empty())
        return fail(ErrorKind::invalid_argument,
                    "certificate_malformed",
                    "The text is no PEM certificate.");
    return std::move(certificates.front());
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
    char text[INET6_ADDRSTRLEN] = "";
    const int length = ASN1_STRING_length(bytes);
    if (length == 4 || length == 16)
        inet_ntop(
            length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
    return text;
}

void read_names(X509* certificate, CertificateFacts& facts) {
    const NamesPointer names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS)
            facts.dns_names.emplace_back(
                reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
        if (name->type == GEN_IPADD) facts.ip_addresses.push_back(address_text(name->d.iPAddress));
    }
}

}  // namespace

KeyAndCertificate make_authority(const std::string& name, Timestamp now, Seconds validity) {
    CHECK(!name.empty() && name.size() <= common_name_max);
    const auto key = make_key();
    const auto certificate = new_certificate(now, validity, key.get());
    X509* self = certificate.get();
    set_common_name(X509_get_subject_name(self), name);
    CHECK(X509_set_issuer_name(self, X509_get_subject_name(self)) == 1);
    // A path length of 0: what it signs cannot sign again.
    add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(self, self, NID_subject_key_identifier, "hash");
    CHECK(X509_sign(self, key.get(), EVP_sha256()) > 0);
    return {to_pem(key.get()), to_pem(self)};
}

Result<KeyAndCertificate> issue(const KeyAndCertificate& authority,
                                const CertificateRequest& wanted) {
    ASSIGN_OR_RETURN(const auto opened, open_authority(authority));
    const auto key = make_key();
    ASSIGN_OR_RETURN(auto certificate, sign_key(opened, key.get(), wanted));
    return KeyAndCertificate{to_pem(key.get()), std::move(certificate)};
}

Result<std::string> sign(const KeyAndCertificate& authority,
                         const std::string& signing_request_pem,
                         const CertificateRequest& wanted) {
    ASSIGN_OR_RETURN(const auto opened, open_authority(authority));
    const auto request = read_signing_request(signing_request_pem);
    const KeyPointer key(request ? X509_REQ_get_pubkey(request.get()) : nullptr);
    const bool proved = key && X509_REQ_verify(request.get(), key.get()) == 1;
    ERR_clear_error();
    if (!proved)
        return fail(ErrorKind::invalid_argument,
                    "signing_request_malformed",
                    "The certificate signing request is malformed or not signed by its own key.");
    // Small or odd keys are not let in by the back door.
    if (EVP_PKEY_is_a(key.get(), "ED25519") != 1)
        return fail(ErrorKind::invalid_argument,
                    "signing_request_key",
                    "The key of a certificate signing request must be of Ed25519.");
    return sign_key(opened, key.get(), wanted);
}

KeyAndRequest make_signing_request(const std::string& name) {
    CHECK(!name.empty() && name.size() <= common_name_max);
    const KeyPointer key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    CHECK(key);
    const SigningRequestPointer request(X509_REQ_new());
    CHECK(request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1);
    set_common_name(X509_REQ_get_subject_name(request.get()), name);
    CHECK(X509_REQ_set_pubkey(request.get(), key.get()) == 1);
    CHECK(X509_REQ_sign(request.get(), key.get(), nullptr) > 0);
    return {to_pem(key.get()), to_pem(request.get())};
}

Result<CertificateFacts> read_certificate(const std::string& certificate_pem) {
    ASSIGN_OR_RETURN(const auto certificate, open_certificate(certificate_pem));
    CertificateFacts facts;
    facts.common_name = common_name(X509_get_subject_name(certificate.get()));
    const NumberPointer serial(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
    const std::unique_ptr<char, OpensslText> hex(serial ? BN_bn2hex(serial.get()) : nullptr);
    std::tm end{};
    if (!hex || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1)
        return fail(ErrorKind::invalid_argument,
                    "certificate_malformed",
                    "The certificate has no readable serial number or end of validity.");
    facts.serial = to_lower(hex.get());
    facts.not_after = Timestamp(Seconds(timegm(&end)));
    read_names(certificate.get(), facts);
    return facts;
}

}  // namespace hopyard::http
