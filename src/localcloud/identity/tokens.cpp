#include "localcloud/identity/tokens.h"

#include <nlohmann/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "base/encoding.h"
#include "localcloud/arm/json.h"

namespace hopyard::localcloud {

namespace {

using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using MemoryPointer = std::unique_ptr<BIO, decltype(&BIO_free)>;
using DigestPointer = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::optional<std::string> from_base64url(std::string text) {
    for (char& c : text) {
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    while (text.size() % 4 != 0) text += '=';
    return from_base64(text);
}

std::string number_of(const EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(number);
    return to_base64url(bytes);
}

}  // namespace

struct TokenIssuer::Key {
    KeyPointer pair{nullptr, &EVP_PKEY_free};
    std::string id;

    std::string sign(const std::string& text) const {
        const DigestPointer context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
        std::size_t size = 0;
        const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
        CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, pair.get()) == 1);
        CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
        std::string signature(size, '\0');
        auto* out = reinterpret_cast<unsigned char*>(signature.data());
        CHECK(EVP_DigestSign(context.get(), out, &size, bytes, text.size()) == 1);
        signature.resize(size);
        return signature;
    }

    bool verifies(const std::string& text, const std::string& signature) const {
        const DigestPointer context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
        CHECK(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, pair.get()) == 1);
        return EVP_DigestVerify(context.get(),
                                reinterpret_cast<const unsigned char*>(signature.data()),
                                signature.size(),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                text.size()) == 1;
    }
};

TokenIssuer::TokenIssuer(std::unique_ptr<Key> key, std::string tenant)
    : key_(std::move(key)), tenant_(std::move(tenant)) {}
TokenIssuer::~TokenIssuer() = default;

Secret TokenIssuer::make_key() {
    const KeyPointer pair(EVP_RSA_gen(2048), &EVP_PKEY_free);
    CHECK(pair != nullptr);
    const MemoryPointer memory(BIO_new(BIO_s_mem()), &BIO_free);
    CHECK(PEM_write_bio_PrivateKey(
              memory.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &bytes);
    return Secret(std::string(bytes, static_cast<std::size_t>(size)));
}

Result<std::unique_ptr<TokenIssuer>> TokenIssuer::from_key(const Secret& key_pem,
                                                           std::string tenant) {
    const std::string& pem = key_pem.reveal();
    const MemoryPointer memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                               &BIO_free);
    auto key = std::make_unique<Key>();
    key->pair.reset(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
    if (!key->pair)
        return fail(
            ErrorKind::internal, "bad_token_key", "the token key in the state is unreadable");
    key->id = to_hex(sha256(number_of(key->pair.get(), OSSL_PKEY_PARAM_RSA_N))).substr(0, 27);
    return std::unique_ptr<TokenIssuer>(new TokenIssuer(std::move(key), std::move(tenant)));
}

Secret TokenIssuer::issue(const TokenRequest& request) const {
    const std::int64_t now = to_unix_seconds(request.now);
    const Json head = {{"typ", "JWT"}, {"alg", "RS256"}, {"kid", key_->id}};
    const Json claims = {{"aud", request.audience},
                         {"iss", issuer()},
                         {"iat", now},
                         {"nbf", now - 300},
                         {"exp", now + lifetime.count()},
                         {"appid", request.client_id},
                         {"idtyp", "app"},
                         {"oid", request.object_id},
                         {"sub", request.object_id},
                         {"tid", tenant_},
                         {"ver", "1.0"}};
    const std::string text = to_base64url(to_text(head)) + "." + to_base64url(to_text(claims));
    return Secret(text + "." + to_base64url(key_->sign(text)));
}

std::optional<TokenClaims> TokenIssuer::verify(const std::string& token, Timestamp now) const {
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    if (first == std::string::npos || first == last) return std::nullopt;
    const auto signature = from_base64url(token.substr(last + 1));
    const auto text = from_base64url(token.substr(first + 1, last - first - 1));
    if (!signature || !text || !key_->verifies(token.substr(0, last), *signature))
        return std::nullopt;
    const auto claims = parse_json(*text);
    if (!claims || text_at(*claims, "/iss") != issuer()) return std::nullopt;
    const Timestamp expiry{Seconds(number_at(*claims, "/exp"))};
    if (expiry <= now) return std::nullopt;
    return TokenClaims{text_at(*claims, "/oid"), text_at(*claims, "/aud"), expiry};
}

std::string TokenIssuer::key_set() const {
    const Json key = {{"kty", "RSA"},
                      {"use", "sig"},
                      {"alg", "RS256"},
                      {"kid", key_->id},
                      {"n", number_of(key_->pair.get(), OSSL_PKEY_PARAM_RSA_N)},
                      {"e", number_of(key_->pair.get(), OSSL_PKEY_PARAM_RSA_E)}};
    return to_text(Json{{"keys", Json::array({key})}});
}

}  // namespace hopyard::localcloud
