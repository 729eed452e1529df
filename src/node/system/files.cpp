#include "node/system/files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"

namespace hopyard::node::system {
namespace {

Failure failed(std::string_view what, const std::string& path) {
    return fail(ErrorKind::unavailable,
                "file_not_written",
                fmt::format("cannot {} {}: {}", what, path, strerror(errno)));
}

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto put = write(file, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

bool has(const std::string& path, std::string_view contents, const FileOptions& options) {
    struct stat facts {};
    if (lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return false;
    if ((facts.st_mode & 07777) != options.mode) return false;
    if (geteuid() == 0 && (facts.st_uid != options.owner || facts.st_gid != options.group)) {
        return false;
    }
    if (static_cast<std::size_t>(facts.st_size) != contents.size()) return false;
    return read_file(path) == contents;
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view contents, FileOptions options) {
    if (has(path, contents, options)) return {};
    const auto fresh = path + ".new";
    unlink(fresh.c_str());
    const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return failed("create", fresh);
    const bool good = write_all(file, contents) &&
                      (geteuid() != 0 || fchown(file, options.owner, options.group) == 0) &&
                      fchmod(file, options.mode) == 0 && fdatasync(file) == 0;
    close(file);
    if (!good || rename(fresh.c_str(), path.c_str()) != 0) return failed("write", path);
    return {};
}

Result<void> write_in_place(const std::string& path, std::string_view contents) {
    if (read_file(path) == contents) return {};
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return failed("open", path);
    const bool good =
        write_all(file, contents) && ftruncate(file, static_cast<off_t>(contents.size())) == 0;
    close(file);
    if (!good) return failed("write", path);
    return {};
}

Result<void> make_directory(const std::string& path, FileOptions options) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error || chmod(path.c_str(), options.mode) != 0) return failed("make", path);
    if (geteuid() == 0 && chown(path.c_str(), options.owner, options.group) != 0) {
        return failed("give away", path);
    }
    return {};
}

std::optional<AccountIds> find_account(const std::string& name) {
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(name.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return AccountIds{entry.pw_uid, entry.pw_gid};
}

}  // namespace hopyard::node::system
