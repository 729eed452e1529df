#include "localcloud/compute/disk.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "localcloud/network/command.h"
#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::compute {
namespace {

namespace fs = std::filesystem;
using network::Descriptor;
using network::run_command;

Failure failed(const std::string& what) {
    return fail(ErrorKind::internal, "disk_failed", what + ": " + std::strerror(errno) + ".");
}

/// The loop device that already shows this file. Two devices on one file would be two file systems
/// that do not know of each other, and destroy it.
std::optional<std::string> existing_loop(const fs::path& image) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/sys/block", ignored)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with("loop")) continue;
        std::string file;
        std::getline(std::ifstream(entry.path() / "loop/backing_file"), file);
        if (file == image.string()) return "/dev/" + name;
    }
    return std::nullopt;
}

struct Loop {
    Descriptor handle;  ///< keeps the device until it is mounted
    std::string path;
};

Result<Loop> attach(const fs::path& image) {
    if (auto path = existing_loop(image)) {
        Descriptor handle(open(path->c_str(), O_RDWR | O_CLOEXEC));
        if (handle.is_open()) return Loop{.handle = std::move(handle), .path = *path};
    }
    const Descriptor control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    const Descriptor file(open(image.c_str(), O_RDWR | O_CLOEXEC));
    if (!control.is_open()) return failed("/dev/loop-control cannot be opened");
    if (!file.is_open()) return failed(image.string() + " cannot be opened");
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    std::strncpy(
        reinterpret_cast<char*>(config.info.lo_file_name), image.c_str(), LO_NAME_SIZE - 1);
    // Another program may take the free device first.
    for (int attempt = 0; attempt < 64; ++attempt) {
        const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) return failed("There is no free loop device");
        auto path = "/dev/loop" + std::to_string(number);
        Descriptor handle(open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!handle.is_open()) return failed(path + " cannot be opened");
        if (ioctl(handle.get(), LOOP_CONFIGURE, &config) == 0)
            return Loop{.handle = std::move(handle), .path = std::move(path)};
        if (errno != EBUSY) return failed(path + " cannot show " + image.string());
    }
    return fail(ErrorKind::unavailable, "disk_failed", "No loop device could be had.");
}

}  // namespace

std::int64_t free_bytes(const fs::path& directory) {
    struct statvfs info {};
    if (statvfs(directory.c_str(), &info) != 0) return 0;
    return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

bool Disk::exists() const {
    std::error_code ignored;
    return fs::exists(image(), ignored);
}

bool Disk::is_mounted() const {
    struct stat inner {
    }, outer{};
    return stat(mount_point().c_str(), &inner) == 0 && stat(directory_.c_str(), &outer) == 0 &&
           inner.st_dev != outer.st_dev;
}

Result<void> Disk::ensure(std::int64_t size_gb) const {
    const auto bytes = size_gb << 30;
    std::error_code error;
    fs::create_directories(mount_point(), error);
    if (error)
        return fail(ErrorKind::internal,
                    "disk_failed",
                    mount_point().string() + " cannot be made: " + error.message() + ".");
    if (!exists()) return make(bytes);
    const auto size = fs::file_size(image(), error);
    if (!error && static_cast<std::int64_t>(size) >= bytes) return {};
    return grow(bytes);
}

Result<void> Disk::make(std::int64_t bytes) const {
    const auto partial = image().string() + ".partial";
    const Descriptor file(open(partial.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open() || ftruncate(file.get(), bytes) != 0)
        return failed(partial + " cannot be made");
    // No reserved blocks: for lack of a capability the limit would differ between root and others.
    const auto made = run_command({.arguments = {"mkfs.ext4",
                                                 "-q",
                                                 "-F",
                                                 "-m",
                                                 "0",
                                                 "-E",
                                                 "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
                                                 partial}});
    if (!made) return pass(made.error());
    if (rename(partial.c_str(), image().c_str()) != 0)
        return failed(partial + " cannot be renamed");
    return {};
}

Result<void> Disk::grow(std::int64_t bytes) const {
    if (is_mounted() || existing_loop(image()))
        return fail(ErrorKind::conflict,
                    "disk_in_use",
                    "A disk is made larger only when its machine is stopped.");
    const auto checked = run_command(
        {.arguments = {"e2fsck", "-fp", image().string()}, .timeout = Milliseconds{120000}});
    if (!checked) return pass(checked.error());
    if (truncate(image().c_str(), bytes) != 0) return failed(image().string() + " cannot grow");
    const auto grown = run_command(
        {.arguments = {"resize2fs", image().string()}, .timeout = Milliseconds{120000}});
    if (!grown) return pass(grown.error());
    return {};
}

Result<void> Disk::mount() const {
    if (!is_mounted()) {
        ASSIGN_OR_RETURN(const auto loop, attach(image()));
        if (::mount(loop.path.c_str(),
                    mount_point().c_str(),
                    "ext4",
                    MS_NOATIME,
                    "noinit_itable,discard") != 0)
            return failed(image().string() + " cannot be mounted");
    }
    if (mkdir(upper().c_str(), 0755) != 0 && errno != EEXIST)
        return failed(upper().string() + " cannot be made");
    return {};
}

Result<void> Disk::unmount() const {
    if (!is_mounted()) return {};
    if (umount2(mount_point().c_str(), UMOUNT_NOFOLLOW) == 0) return {};
    if (errno != EBUSY) return failed(mount_point().string() + " cannot be unmounted");
    // Somebody looks into it; it goes when they leave.
    if (umount2(mount_point().c_str(), MNT_DETACH) != 0)
        return failed(mount_point().string() + " cannot be unmounted");
    return {};
}

}  // namespace hopyard::localcloud::compute
