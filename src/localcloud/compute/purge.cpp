#include "localcloud/compute/purge.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "localcloud/compute/container.h"
#include "localcloud/network/command.h"
#include "localcloud/network/descriptor.h"
#include "localcloud/network/names.h"
#include "localcloud/network/namespaces.h"
#include "localcloud/network/netlink.h"

namespace hopyard::localcloud::compute {
namespace {

namespace fs = std::filesystem;

/// Mount points below a directory of one of the instance's machines, innermost first.
std::vector<std::string> mount_points(const std::string& machine_prefix) {
    std::vector<std::string> found;
    std::ifstream file("/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string skipped, point;
        words >> skipped >> skipped >> skipped >> skipped >> point;
        if (point.find("/machines/" + machine_prefix) != std::string::npos) found.push_back(point);
    }
    std::reverse(found.begin(), found.end());
    return found;
}

void detach_loops(const std::string& machine_prefix) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/sys/block", ignored)) {
        std::string file;
        std::getline(std::ifstream(entry.path() / "loop/backing_file"), file);
        if (file.find("/machines/" + machine_prefix) == std::string::npos) continue;
        const auto path = "/dev/" + entry.path().filename().string();
        const network::Descriptor handle(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (handle.is_open()) ioctl(handle.get(), LOOP_CLR_FD, 0);
    }
}

bool end_processes(const network::Names& names) {
    auto victims = control_group_processes(names.machine(""));
    auto all = inhabitants();
    for (const auto& name : network::list_namespaces(names.prefix())) {
        const auto& living = all[network::namespace_number(name)];
        victims.insert(victims.end(), living.begin(), living.end());
    }
    const bool ended = kill_processes(victims);
    remove_control_groups(names.machine(""));
    return ended;
}

Result<void> clear_host(const network::Names& names) {
    ASSIGN_OR_RETURN(const auto host, network::Netlink::open());
    RETURN_IF_ERROR(host.remove_link(names.host_link()));
    ASSIGN_OR_RETURN(const auto routes, host.routes());
    for (const auto& route : routes)
        if (route.kind == network::Route::Kind::blackhole &&
            route.metric == names.blackhole_metric())
            RETURN_IF_ERROR(host.remove_route(route));
    const auto table = "table ip " + names.host_table() + "\n";
    return network::run_nft(table + "delete " + table);
}

}  // namespace

Result<void> purge(const std::string& instance) {
    RETURN_IF_ERROR(network::check_short_id("instance", instance));
    const network::Names names{instance};
    Result<void> first;
    const auto note = [&](Result<void> outcome) {
        if (!outcome && first) first = std::move(outcome);
    };
    if (!end_processes(names))
        note(fail(ErrorKind::internal,
                  "machine_does_not_end",
                  "Processes of instance " + instance + " survive being killed."));
    for (const auto& point : mount_points(names.machine("")))
        if (umount2(point.c_str(), UMOUNT_NOFOLLOW) != 0) umount2(point.c_str(), MNT_DETACH);
    detach_loops(names.machine(""));

    // Ends of links in the hub first: that takes them away at once, before their namespaces go.
    if (network::namespace_exists(names.hub()))
        note(network::in_namespace(names.hub(), []() -> Result<void> {
            ASSIGN_OR_RETURN(const auto hub, network::Netlink::open());
            ASSIGN_OR_RETURN(const auto links, hub.links());
            for (const auto& link : links)
                if (link.name != "lo") RETURN_IF_ERROR(hub.remove_link(link.name));
            return {};
        }));
    for (const auto& name : network::list_namespaces(names.prefix()))
        note(network::delete_namespace(name));
    note(clear_host(names));
    return first;
}

}  // namespace hopyard::localcloud::compute
