// The node program as a read-only layer over the base image, kept by content hash: a new build of
// the program needs no new image, and a machine gets it at its next start. A layer in use never
// changes.
#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"

namespace hopyard::localcloud::compute {

/// Thread-safe.
class Layers {
  public:
    Layers(std::filesystem::path directory, std::filesystem::path program)
        : directory_(std::move(directory)), program_(std::move(program)) {}

    /// The directory that holds the program of now; made when it is new.
    Result<std::string> current();
    /// Deletes every layer that is neither current nor listed.
    void keep_only(const std::set<std::string>& used);

  private:
    Result<std::string> store(const std::string& content, const std::string& hash) const;

    const std::filesystem::path directory_;
    const std::filesystem::path program_;
    std::mutex mutex_;
    std::string stamp_;  ///< of the file whose hash is known: reading it for each start is slow
    std::string current_;
};

}  // namespace hopyard::localcloud::compute
