#include "node/storage/rclone.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "base/read_file.h"
#include "http/message.h"
#include "http/transport.h"
#include "node/system/files.h"

namespace hopyard::node::storage {
namespace {

constexpr const char* remote = "data";

/// $0 is the mount point, $1 the log, the rest the program. Not a pipeline: the program keeps the
/// process number of the shell and so gets its signals.
constexpr const char* wrapper =
    "while grep -q \" $0 fuse.rclone \" /proc/mounts && umount -l \"$0\"; do :; done\n"
    "log=$1; shift\n"
    "exec \"$@\" 2> >(exec sed -u 's/\\(sig=\\)[^&\" ]*/\\1REDACTED/g' >>\"$log\")\n";

}  // namespace

Result<std::string> container_of(const Secret& sas_url) {
    const auto refused = [](const char* why) {
        return fail(ErrorKind::invalid_argument,
                    "storage_grant_malformed",
                    fmt::format("the URL of the container cannot be used: {}", why));
    };
    const auto& text = sas_url.reveal();
    const auto is_plain = [](unsigned char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(text.begin(), text.end(), is_plain)) return refused("it has odd characters");
    const auto url = http::parse_url(text);
    if (!url) return refused("it is no http or https URL");
    auto path = url->target.substr(0, url->target.find('?'));
    while (!path.empty() && path.back() == '/') path.pop_back();
    const auto container = path.substr(path.rfind('/') + 1);
    if (path.empty() || container.empty()) return refused("it names no container");
    return container;
}

Secret configuration(const Secret& sas_url) {
    return Secret(fmt::format("[{}]\ntype = azureblob\nsas_url = {}\n", remote, sas_url.reveal()));
}

system::Command mount_command(const std::string& container, const MountPaths& paths) {
    std::vector<std::string> arguments{"/bin/bash",
                                       "-c",
                                       wrapper,
                                       paths.mount_point,
                                       paths.log,
                                       paths.program,
                                       "mount2",
                                       fmt::format("{}:{}", remote, container),
                                       paths.mount_point,
                                       "--config",
                                       paths.configuration,
                                       "--allow-other",
                                       "--umask",
                                       "022",
                                       "--vfs-cache-mode",
                                       "writes",
                                       "--vfs-write-back",
                                       "1s",
                                       "--cache-dir",
                                       paths.cache,
                                       "--dir-cache-time",
                                       "5s",
                                       "--retries",
                                       "1",
                                       "--low-level-retries",
                                       "3",
                                       "--contimeout",
                                       "3s"};
    if (!paths.authority.empty()) {
        arguments.insert(arguments.end(), {"--ca-cert", paths.authority});
    }
    return {.arguments = std::move(arguments)};
}

bool has_mount(std::string_view mounts, std::string_view mount_point) {
    const auto wanted = fmt::format(" {} fuse.rclone ", mount_point);
    return mounts.find(wanted) != mounts.npos;
}

Result<void> ask_container(const Secret& sas_url, const std::string& ca_pem) {
    http::Client client({.ca_pem = ca_pem, .connect_timeout = Milliseconds(3'000)});
    auto reply = client.send({.url = sas_url.reveal() + "&restype=container&comp=list&maxresults=1",
                              .timeout = Milliseconds(10'000)});
    if (!reply) return with_context("the container does not answer", std::move(reply).error());
    if (reply->status == 200) return {};
    const bool refused = reply->status == 403 || reply->status == 401;
    Error error{
        .kind = refused                ? ErrorKind::permission_denied
                : reply->status == 404 ? ErrorKind::not_found
                                       : ErrorKind::unavailable,
        .code = refused ? "container_refuses" : "container_not_listed",
        .message = fmt::format(
            "the container answers {} {}", reply->status, reply->headers.get("x-ms-error-code")),
        .owner = Owner::administrator,
        .next_action =
            "Look whether the cluster's container is still there, and whether "
            "Hopyard may still hand out a right to it."};
    return pass(std::move(error));
}

std::int64_t PendingWrites::count() {
    namespace fs = std::filesystem;
    ++scan_;
    std::error_code error;
    const auto options = fs::directory_options::skip_permission_denied;
    fs::recursive_directory_iterator each(fs::path(cache_) / "vfsMeta", options, error);
    std::int64_t result = 0;
    for (const fs::recursive_directory_iterator end; !error && each != end; each.increment(error)) {
        struct stat facts {};
        const auto path = each->path().string();
        if (lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
        const auto modified =
            std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec;
        auto& seen = seen_[path];
        if (seen.modified_ns != modified || seen.size != facts.st_size) {
            seen.modified_ns = modified;
            seen.size = facts.st_size;
            // Half written counts as dirty, and is read again the next time.
            if (!read(path, seen)) seen.modified_ns = 0;
        }
        seen.scan = scan_;
        result += seen.dirty ? 1 : 0;
    }
    std::erase_if(seen_, [this](const auto& entry) { return entry.second.scan != scan_; });
    return result;
}

bool PendingWrites::read(const std::string& path, Seen& seen) const {
    const auto parsed = nlohmann::json::parse(read_file(path).value_or(""), nullptr, false);
    const bool whole = parsed.is_object() && parsed.contains("Dirty");
    seen.dirty = !whole || parsed["Dirty"] != false;
    return whole;
}

}  // namespace hopyard::node::storage
