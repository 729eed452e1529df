// What the node keeps on its own disk, all of it 0600 in a directory only root can enter: who it
// is, its key and certificate, the last orders and what came of the init script. With these it
// comes up again after a restart of the program or of the machine, also when nobody answers.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "nodewire/wire.h"

namespace hopyard::node {

/// Who this machine is: the user data without its token, and what the metadata service said.
struct Identity {
    std::string cluster;
    std::string node;
    bool is_head = false;
    std::string url;
    std::string ca_pem;
    std::string machine_id;
    std::string private_ip;
    bool operator==(const Identity&) const = default;
};

struct Credentials {
    Secret private_key_pem;
    std::string certificate_pem;
    Timestamp obtained_at;
};

class StateDirectory {
  public:
    /// Made with mode 0700 when it is not there.
    static Result<StateDirectory> open(std::string path);

    std::optional<Identity> identity() const;
    Result<void> keep_identity(const Identity& identity) const;

    /// The key is there before a certificate is; it is made once and kept.
    Secret private_key() const;
    Result<void> keep_private_key(const Secret& pem) const;
    std::optional<Credentials> credentials() const;
    Result<void> keep_certificate(const std::string& pem, Timestamp obtained_at) const;

    std::optional<nodewire::Orders> orders() const;
    Result<void> keep_orders(const nodewire::Orders& orders) const;

    std::optional<nodewire::InitScriptResult> init_script_result() const;
    Result<void> keep_init_script_result(const nodewire::InitScriptResult& result) const;

    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    explicit StateDirectory(std::string path) : path_(std::move(path)) {}
    Result<void> keep(const std::string& name, const std::string& bytes) const;
    std::string path_;
};

}  // namespace hopyard::node
