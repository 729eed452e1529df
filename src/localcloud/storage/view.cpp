#include "localcloud/storage/view.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hopyard::localcloud {

namespace fs = std::filesystem;

View::View(std::string root, std::vector<Place> places) : root_(std::move(root)) {
    for (auto& place : places) {
        std::error_code error;
        if (!fs::exists(place.source, error)) continue;
        Step step{.source = place.source,
                  .target = root_ + place.target,
                  .is_file = !fs::is_directory(place.source, error),
                  .writable = place.writable};
        for (std::size_t at = place.target.find('/', 1); at != std::string::npos;
             at = place.target.find('/', at + 1))
            step.folders.push_back(root_ + place.target.substr(0, at));
        if (!step.is_file) step.folders.push_back(step.target);
        steps_.push_back(std::move(step));
    }
}

bool View::enter() const {
    if (unshare(CLONE_NEWNS) != 0) return false;
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    const char* root = root_.c_str();
    if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") != 0) return false;
    for (const auto& step : steps_) {
        for (const auto& folder : step.folders)
            if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return false;
        const char* target = step.target.c_str();
        if (step.is_file) {
            const int file = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
            if (file < 0) return false;
            close(file);
        }
        if (mount(step.source.c_str(), target, nullptr, MS_BIND, nullptr) != 0) return false;
        if (!step.writable &&
            mount(nullptr, target, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
            return false;
    }
    // The old root comes to lie on top of the new one, and goes with all that is mounted below it.
    return chdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
           umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

}  // namespace hopyard::localcloud
