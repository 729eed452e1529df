#include "node/system/hosts_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node::system {
namespace {

/// Held while one writer reads and writes the file.
class FileLock {
  public:
    explicit FileLock(const std::string& path)
        : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
        while (file_ >= 0 && flock(file_, LOCK_EX) != 0 && errno == EINTR) {
        }
    }
    ~FileLock() {
        if (file_ >= 0) close(file_);
    }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    bool is_held() const { return file_ >= 0; }

  private:
    int file_;
};

std::string begin_mark(std::string_view block) {
    return fmt::format("# hopyard {} begin\n", block);
}

std::string end_mark(std::string_view block) {
    return fmt::format("# hopyard {} end\n", block);
}

}  // namespace

std::string with_hosts_block(std::string_view contents,
                             std::string_view block,
                             const std::vector<HostsEntry>& entries) {
    const auto begin = begin_mark(block), end = end_mark(block);
    std::string fresh;
    if (!entries.empty()) {
        fresh = begin;
        for (const auto& entry : entries) {
            fresh += fmt::format("{} {}\n", entry.address, fmt::join(entry.names, " "));
        }
        fresh += end;
    }
    const auto from = contents.find(begin);
    const auto to = from == contents.npos ? from : contents.find(end, from);
    if (to == contents.npos) {
        std::string result(contents);
        if (!fresh.empty() && !result.empty() && result.back() != '\n') result += '\n';
        return result + fresh;
    }
    return std::string(contents.substr(0, from)) + fresh +
           std::string(contents.substr(to + end.size()));
}

Result<void> set_hosts_block(const std::string& path,
                             std::string_view block,
                             const std::vector<HostsEntry>& entries) {
    const FileLock lock(path);
    if (!lock.is_held()) {
        return fail(ErrorKind::unavailable,
                    "file_not_written",
                    fmt::format("cannot open {}: {}", path, strerror(errno)));
    }
    const auto before = read_file(path).value_or("");
    return write_in_place(path, with_hosts_block(before, block, entries));
}

}  // namespace hopyard::node::system
