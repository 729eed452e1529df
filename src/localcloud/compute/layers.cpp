#include "localcloud/compute/layers.h"

#include <cerrno>
#include <cstring>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/read_file.h"
#include "localcloud/compute/machine_config.h"
#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::compute {
namespace {

namespace fs = std::filesystem;

std::string stamp_of(const struct stat& info) {
    return std::to_string(info.st_dev) + " " + std::to_string(info.st_ino) + " " +
           std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
           std::to_string(info.st_mtim.tv_nsec);
}

Result<void> write_program(const fs::path& path, const std::string& content) {
    const network::Descriptor file(
        open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
    std::size_t written = 0;
    while (file.is_open() && written < content.size()) {
        const auto count = write(file.get(), content.data() + written, content.size() - written);
        if (count <= 0) break;
        written += static_cast<std::size_t>(count);
    }
    if (!file.is_open() || written < content.size() || fchmod(file.get(), 0755) != 0 ||
        fsync(file.get()) != 0)
        return fail(ErrorKind::internal,
                    "program_layer_failed",
                    path.string() + " cannot be written: " + std::strerror(errno) + ".");
    return {};
}

}  // namespace

Result<std::string> Layers::current() {
    const std::lock_guard lock(mutex_);
    struct stat info {};
    if (stat(program_.c_str(), &info) != 0)
        return Failure(Error{.kind = ErrorKind::unavailable,
                             .code = "node_program_missing",
                             .message = "The node program " + program_.string() + " is missing.",
                             .owner = Owner::administrator,
                             .next_action = "Build or install hopyard-node."});
    std::error_code ignored;
    if (stamp_of(info) == stamp_ && fs::exists(current_, ignored)) return current_;

    const auto content = read_file(program_).value_or("");
    if (content.empty() || static_cast<std::int64_t>(content.size()) != info.st_size)
        return fail(ErrorKind::unavailable,
                    "node_program_unreadable",
                    "The node program " + program_.string() + " cannot be read whole.");
    ASSIGN_OR_RETURN(current_, store(content, to_hex(sha256(content))));
    stamp_ = stamp_of(info);
    return current_;
}

Result<std::string> Layers::store(const std::string& content, const std::string& hash) const {
    const auto layer = directory_ / hash;
    std::error_code error;
    if (fs::exists(layer, error)) return layer.string();
    const auto partial = directory_ / (hash + ".partial");
    fs::remove_all(partial, error);
    const auto program = partial / fs::path(init_path).relative_path();
    fs::create_directories(program.parent_path(), error);
    RETURN_IF_ERROR(write_program(program, content));
    fs::rename(partial, layer, error);
    if (error)
        return fail(ErrorKind::internal,
                    "program_layer_failed",
                    layer.string() + " cannot be made: " + error.message() + ".");
    return layer.string();
}

void Layers::keep_only(const std::set<std::string>& used) {
    const std::lock_guard lock(mutex_);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(directory_, ignored)) {
        const auto path = entry.path().string();
        if (path != current_ && !used.contains(path)) fs::remove_all(entry.path(), ignored);
    }
}

}  // namespace hopyard::localcloud::compute
