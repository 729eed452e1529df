// What a child sees of the file system: a fresh root with some places of the host bound into it,
// and nothing else. So an unprivileged child can run a program from a directory that its user could
// not reach (a checkout in somebody's home), and holds no mount of the host: a machine's disk that
// is mounted while the child lives can be unmounted for good.
#pragma once

#include <string>
#include <vector>

namespace hopyard::localcloud {

struct Place {
    std::string source;  ///< on the host; a place that is not there is left out
    std::string target;  ///< as the child names it; absolute
    bool writable = false;
};

/// Made before the fork, entered after it.
class View {
  public:
    View() = default;
    /// `root`: an existing directory that nobody else uses; the view is mounted there for the child
    /// only, so nothing of it is seen outside.
    View(std::string root, std::vector<Place> places);

    bool is_empty() const { return steps_.empty(); }
    /// Changes the calling process; only calls that are safe between fork and exec. Needs root.
    bool enter() const;

  private:
    struct Step {
        std::string source;
        std::vector<std::string> folders;  ///< to be made, outermost first
        std::string target;
        bool is_file = false;
        bool writable = false;
    };
    std::string root_;
    std::vector<Step> steps_;
};

}  // namespace hopyard::localcloud
