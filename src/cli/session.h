// One server, one key: where commands go, and how their failures end.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "http/transport.h"

namespace hopyard::cli {

/// Where the server is and who we are; from flags, environment, then the user's file.
struct Target {
    std::string url;
    Secret api_key;
    std::string ca_file;  ///< empty: the system's authorities
};

/// $XDG_CONFIG_HOME/hopyard/config.json, else ~/.config/hopyard/config.json.
std::string configuration_path();
/// `invalid_argument` when the file is malformed or readable by others; an absent one is empty.
Result<Target> read_configuration(const std::string& path);
/// Written 0600, whole or not at all.
Result<void> write_configuration(const std::string& path, const Target& target);

class Session {
  public:
    explicit Session(const Target& target);
    /// Sends one request; a reply of 400 or more becomes the error its problem document tells.
    Result<std::string> call(const std::string& method,
                             const std::string& path,
                             const std::string& body = "",
                             Milliseconds timeout = Seconds(30));
    /// Reads the server-sent events of that path until `on_event` returns false.
    Result<void> events(const std::string& path,
                        const std::function<bool(const std::string& data)>& on_event);

  private:
    http::OutgoingRequest request(const std::string& method, const std::string& path) const;
    Target target_;
    http::Client client_;
};

/// The exit code of a failure.
ExitCode exit_code_of(const Error& error);
/// Prints cause, field, owner and next action to standard error, and returns the exit code.
int report(const Error& error);

}  // namespace hopyard::cli
