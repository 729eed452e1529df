// Waiting for files, without looking at them again and again (inotify).
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/time.h"

namespace hopyard::node::system {

/// Returns true as soon as the path is there, false at the end of the time or when stopped. Its
/// directory must be there.
bool wait_for_path(const std::string& path, Milliseconds timeout, std::stop_token stop);

/// Calls back whenever a file of that directory was made or written, until stopped. Several changes
/// in a row may make one call.
void watch_directory(const std::string& directory,
                     const std::function<void()>& on_change,
                     std::stop_token stop);

}  // namespace hopyard::node::system
