// The ends of this machine's logs as they leave it: cut to a number of lines and bytes, and without
// the secrets that its orders hold, whoever may have printed them.
#pragma once

#include <string>

#include "nodewire/wire.h"

namespace hopyard::node {

/// Every log of the node program, and all that the init script printed. Both are root's alone.
inline constexpr const char* program_log = "/var/log/hopyard-node.log";
inline constexpr const char* init_script_log = "/var/log/hopyard-init-script.log";

/// The end of a text, at most that many bytes, not beginning inside of a UTF-8 character.
std::string tail_of(const std::string& text, std::size_t most);
/// The same of a file; empty when there is none.
std::string end_of_file(const std::string& path, std::size_t most);
/// The last lines of a text.
std::string last_lines(const std::string& text, int lines);
/// Passwords' hashes, keys and rights that the orders hold are replaced by "[secret]".
std::string without_secrets(std::string text, const nodewire::Orders& orders);

struct LogFiles {
    std::string program = program_log;
    std::string init_script = init_script_log;
};
nodewire::LogReply read_log(const nodewire::LogRequest& request,
                            const nodewire::Orders& orders,
                            const LogFiles& files);

}  // namespace hopyard::node
