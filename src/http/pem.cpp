#include "http/pem.h"

#include <openssl/err.h>

#include "base/check.h"

namespace hopyard::http {

namespace {

BioPointer reader(const std::string& text) {
    BioPointer bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    CHECK(bio);
    return bio;
}

BioPointer writer() {
    BioPointer bio(BIO_new(BIO_s_mem()));
    CHECK(bio);
    return bio;
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(length)};
}

/// OpenSSL asks the terminal for a pass phrase when it is given no answer.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

std::vector<CertificatePointer> read_certificates(const std::string& pem) {
    const auto bio = reader(pem);
    std::vector<CertificatePointer> certificates;
    while (true) {
        CertificatePointer next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
        if (!next) break;
        certificates.push_back(std::move(next));
    }
    // The end of the text reads as "no start line"; anything else is a broken certificate.
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end) certificates.clear();
    return certificates;
}

KeyPointer read_private_key(const Secret& pem) {
    const auto bio = reader(pem.reveal());
    KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return key;
}

SigningRequestPointer read_signing_request(const std::string& pem) {
    const auto bio = reader(pem);
    SigningRequestPointer request(
        PEM_read_bio_X509_REQ(bio.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return request;
}

std::string to_pem(X509* certificate) {
    const auto bio = writer();
    CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
    return text_of(bio.get());
}

std::string to_pem(X509_REQ* request) {
    const auto bio = writer();
    CHECK(PEM_write_bio_X509_REQ(bio.get(), request) == 1);
    return text_of(bio.get());
}

Secret to_pem(EVP_PKEY* key) {
    const BioPointer bio(BIO_new(BIO_s_secmem()));
    CHECK(bio);
    CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
          1);
    return Secret(text_of(bio.get()));
}

std::string common_name(const X509_NAME* name) {
    const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0) return {};
    unsigned char* text = nullptr;
    const int length =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
    if (length < 0) return {};
    std::string value(reinterpret_cast<char*>(text), static_cast<std::size_t>(length));
    OPENSSL_free(text);
    return value;
}

}  // namespace hopyard::http
