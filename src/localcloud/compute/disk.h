// A machine's disk: a sparse file with an ext4 file system of the size asked for, mounted through a
// loop device as the place of the overlay's upper directory. `df` in the machine shows its size, it
// takes what is written and no more, and it cannot fill the host beyond that.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace hopyard::localcloud::compute {

class Disk {
  public:
    /// Lies in that directory: "disk.img", mounted on "disk".
    explicit Disk(std::filesystem::path directory) : directory_(std::move(directory)) {}

    bool exists() const;
    /// Makes the image, or makes it larger; a disk never shrinks. Not while it is mounted.
    Result<void> ensure(std::int64_t size_gb) const;
    /// Nothing happens when it is mounted.
    Result<void> mount() const;
    /// Nothing happens when it is not mounted.
    Result<void> unmount() const;
    bool is_mounted() const;

    /// The overlay's upper directory, there once it is mounted.
    std::filesystem::path upper() const { return mount_point() / "delta0"; }

  private:
    std::filesystem::path image() const { return directory_ / "disk.img"; }
    std::filesystem::path mount_point() const { return directory_ / "disk"; }
    Result<void> make(std::int64_t bytes) const;
    Result<void> grow(std::int64_t bytes) const;

    std::filesystem::path directory_;
};

/// Free bytes of the file system that holds `directory`, as an ordinary file may use them.
std::int64_t free_bytes(const std::filesystem::path& directory);

}  // namespace hopyard::localcloud::compute
