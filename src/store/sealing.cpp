#include "store/sealing.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encoding.h"
#include "store/open.h"

namespace hopyard::store {
namespace {

constexpr std::size_t key_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

const unsigned char* raw(const std::string& bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

Error key_error(ErrorKind kind, std::string code, std::string message, std::string remedy) {
    return Error{.kind = kind,
                 .code = std::move(code),
                 .message = std::move(message),
                 .owner = Owner::administrator,
                 .next_action = std::move(remedy)};
}

}  // namespace

std::string seal(const Secret& key, const std::string& name, const Secret& value) {
    CHECK(key.reveal().size() == key_bytes);
    std::string out(nonce_bytes + value.reveal().size() + tag_bytes, '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    randombytes_buf(bytes, nonce_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + nonce_bytes,
                                               nullptr,
                                               raw(value.reveal()),
                                               value.reveal().size(),
                                               raw(name),
                                               name.size(),
                                               nullptr,
                                               bytes,
                                               raw(key.reveal()));
    return to_base64(out);
}

Result<Secret> unseal(const Secret& key, const std::string& name, const std::string& sealed) {
    CHECK(key.reveal().size() == key_bytes);
    const auto bytes = from_base64(sealed);
    if (bytes && bytes->size() >= nonce_bytes + tag_bytes) {
        std::string out(bytes->size() - nonce_bytes - tag_bytes, '\0');
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(out.data()),
                                                       nullptr,
                                                       nullptr,
                                                       raw(*bytes) + nonce_bytes,
                                                       bytes->size() - nonce_bytes,
                                                       raw(name),
                                                       name.size(),
                                                       raw(*bytes),
                                                       raw(key.reveal())) == 0)
            return Secret(std::move(out));
    }
    return pass(key_error(ErrorKind::permission_denied,
                          "sealed_with_another_key",
                          "the secret '" + name + "' does not open with this sealing key",
                          "Give the sealing key that belongs to this database."));
}

Result<Secret> open_sealing_key(const std::string& path, Random& random) {
    if (::access(path.c_str(), F_OK) != 0) {
        const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        const std::string key = random_bytes(random, key_bytes);
        const bool written =
            file >= 0 &&
            ::write(file, key.data(), key.size()) == static_cast<ssize_t>(key.size()) &&
            ::fsync(file) == 0;
        if (file >= 0) ::close(file);
        if (!written)
            return pass(key_error(ErrorKind::unavailable,
                                  "sealing_key_unwritable",
                                  "cannot write the sealing key " + path,
                                  "Make its directory writable for this user."));
    }
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    if (file < 0 || ::fstat(file, &facts) != 0) {
        if (file >= 0) ::close(file);
        return pass(key_error(ErrorKind::unavailable,
                              "sealing_key_unreadable",
                              "cannot read the sealing key " + path,
                              "Check its owner and mode."));
    }
    std::string key(key_bytes + 1, '\0');
    const ssize_t length = ::read(file, key.data(), key.size());
    ::close(file);
    if ((facts.st_mode & 0077) != 0)
        return pass(key_error(ErrorKind::permission_denied,
                              "sealing_key_readable",
                              "the sealing key " + path + " can be read by others",
                              "Run: chmod 600 " + path));
    if (length != static_cast<ssize_t>(key_bytes))
        return pass(key_error(ErrorKind::internal,
                              "sealing_key_malformed",
                              "the sealing key " + path + " does not have 32 bytes",
                              "Restore it from its backup; without it no secret opens."));
    key.resize(key_bytes);
    return Secret(std::move(key));
}

}  // namespace hopyard::store
