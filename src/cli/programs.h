// Other programs of ours as the command line starts and ends them: detached from the terminal, with
// what they say in a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::cli {

struct Outcome {
    int exit_code = -1;
    std::string output;  ///< standard output
};

/// Runs to its end. `input` goes to its standard input. `not_found` when it cannot be started.
Result<Outcome> run_program(const std::vector<std::string>& words, const std::string& input = "");
/// Runs to its end on our own terminal: for programs that ask (sudo).
Result<int> run_on_terminal(const std::vector<std::string>& words);
/// Starts in a session of its own; both outputs are appended to that file (0600). Returns its
/// process id.
Result<pid_t> start_detached(const std::vector<std::string>& words, const std::string& log_file);
/// False once it has ended; reaps it when it is our child.
bool is_running(pid_t process);
/// Asks until `done` says so. `timed_out` after that time; the error of `died` when it is not
/// empty.
Result<void> wait_until(const std::function<bool()>& done,
                        const std::function<bool()>& died,
                        Milliseconds longest,
                        const std::string& what);
/// The last lines of a file, for an error message; empty when there is none.
std::string tail_of(const std::string& path, std::size_t lines);
/// Where a program of ours lies: beside this one, else as found through PATH.
std::string program_beside(const std::string& name);
/// What a person types to run this program from here: its name when it is on PATH, else its path.
std::string name_for_people();
/// These words as root: as they are when we are root, else with sudo in front.
std::vector<std::string> as_root(std::vector<std::string> words);

}  // namespace hopyard::cli
