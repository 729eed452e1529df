// The base image of machines as tools/build-image made it: a directory with `rootfs` and
// `manifest`. The manifest holds a hash over the whole tree's names, types, modes, owners, link
// targets and sizes, so an image that lost a file, or half of one, is found before a machine starts
// from it. Contents are not read: that takes seconds, and `build-image --check` does it.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace hopyard::localcloud::compute {

/// `unavailable` with `image_missing` or `image_damaged`, and the remedy. Takes some 50 ms.
Result<void> check_image(const std::filesystem::path& image);

}  // namespace hopyard::localcloud::compute
