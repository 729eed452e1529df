// One draft of the wizard in every form, as tests/specifications/forms.mjs writes it.
#pragma once

#include <string>
#include <vector>

namespace hopyard::specifications {

struct Forms {
    long seed = 0;
    std::string body;     ///< what the wizard sends
    std::string yaml;     ///< what it shows as a file
    std::string command;  ///< … as a command line
    std::string curl;     ///< … as a command for curl
};

/// Of the file that HOPYARD_FORMS names.
std::vector<Forms> read_forms();

/// A command as a shell reads it: its words, and what it is given to read.
struct Invocation {
    std::vector<std::string> words;  ///< without the program
    std::string input;
};
/// Lets sh run `script`, in which `program` is replaced by one that tells how it was called.
Invocation invoked(const std::string& program, const std::string& script);

/// The same request as flags, and as a file what no flag says. `file` is written.
std::vector<std::string> as_flags(const std::string& body, const std::string& file);

/// The policy of that request as flags of `hopyard autoscale set CLUSTER`; nothing when it has
/// none.
std::vector<std::string> as_autoscale_flags(const std::string& body, const std::string& cluster);

}  // namespace hopyard::specifications
