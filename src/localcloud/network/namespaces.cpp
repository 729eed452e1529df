#include "localcloud/network/namespaces.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "localcloud/network/netlink.h"

namespace hopyard::localcloud::network {
namespace {

constexpr const char* directory = "/run/netns";
constexpr long namespace_magic = 0x6e736673;  // NSFS_MAGIC of linux/magic.h

Failure failed(const std::string& what) {
    return fail(ErrorKind::internal, "namespace_failed", what + ": " + std::strerror(errno) + ".");
}

/// As `ip netns add` does it: shared, so that names added and removed are seen by other programs.
Result<void> prepare_directory() {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    if (mkdir(directory, 0755) != 0 && errno != EEXIST) return failed("/run/netns cannot be made");
    if (mount("", directory, "none", MS_SHARED | MS_REC, nullptr) == 0) return {};
    if (errno != EINVAL) return failed("/run/netns cannot be shared");
    if (mount(directory, directory, "none", MS_BIND | MS_REC, nullptr) != 0)
        return failed("/run/netns cannot be mounted");
    if (mount("", directory, "none", MS_SHARED | MS_REC, nullptr) != 0)
        return failed("/run/netns cannot be shared");
    return {};
}

/// `work` must not throw; a thread is the only thing that can be elsewhere.
Result<void> in_thread(const std::function<Result<void>()>& work) {
    Result<void> result;
    try {
        std::thread([&] { result = work(); }).join();
    } catch (const std::exception& problem) {
        return fail(
            ErrorKind::unavailable, "no_thread", std::string("No thread: ") + problem.what());
    }
    return result;
}

Result<void> set_up_new_namespace() {
    RETURN_IF_ERROR(set_network_option("ipv6/conf/all/disable_ipv6", "1"));
    RETURN_IF_ERROR(set_network_option("ipv6/conf/default/disable_ipv6", "1"));
    ASSIGN_OR_RETURN(const auto link, Netlink::open());
    return link.set_up("lo");
}

}  // namespace

std::string namespace_path(std::string_view name) {
    return std::string(directory) + "/" + std::string(name);
}

bool namespace_exists(const std::string& name) {
    struct statfs info {};
    return statfs(namespace_path(name).c_str(), &info) == 0 && info.f_type == namespace_magic;
}

std::uint64_t namespace_number(const std::string& name) {
    struct stat info {};
    if (!namespace_exists(name) || stat(namespace_path(name).c_str(), &info) != 0) return 0;
    return info.st_ino;
}

std::vector<std::string> list_namespaces(std::string_view prefix) {
    std::vector<std::string> names;
    DIR* open = opendir(directory);
    if (open == nullptr) return names;
    while (const dirent* entry = readdir(open))
        if (std::string_view(entry->d_name).starts_with(prefix)) names.emplace_back(entry->d_name);
    closedir(open);
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> create_namespace(const std::string& name) {
    if (namespace_exists(name)) return {};
    RETURN_IF_ERROR(prepare_directory());
    const auto path = namespace_path(name);
    // A file without a mount is what an interrupted attempt left; it serves as well as a new one.
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0));
    if (!file.is_open()) return failed(path + " cannot be made");
    return in_thread([&]() -> Result<void> {
        if (unshare(CLONE_NEWNET) != 0) return failed("No network namespace can be made");
        RETURN_IF_ERROR(set_up_new_namespace());
        if (mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
            return failed(path + " cannot be mounted");
        return {};
    });
}

Result<void> delete_namespace(const std::string& name) {
    const auto path = namespace_path(name);
    while (umount2(path.c_str(), MNT_DETACH) == 0) {
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path + " cannot be removed");
    return {};
}

Result<Descriptor> open_namespace(const std::string& name) {
    if (!namespace_exists(name))
        return fail(ErrorKind::not_found,
                    "no_such_namespace",
                    "There is no network namespace " + name + ".");
    Descriptor file(open(namespace_path(name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return failed(namespace_path(name) + " cannot be opened");
    return file;
}

Result<void> in_namespace(const std::string& name, const std::function<Result<void>()>& work) {
    ASSIGN_OR_RETURN(const auto there, open_namespace(name));
    return in_thread([&]() -> Result<void> {
        if (setns(there.get(), CLONE_NEWNET) != 0) return failed("setns to " + name);
        return work();
    });
}

Result<void> set_network_option(const std::string& name, std::string_view value) {
    const auto path = "/proc/sys/net/" + name;
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.is_open() && errno == ENOENT) return {};
    if (!file.is_open() || write(file.get(), value.data(), value.size()) < 0)
        return failed(path + " cannot be set");
    return {};
}

}  // namespace hopyard::localcloud::network
