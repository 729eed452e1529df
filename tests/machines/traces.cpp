#include "traces.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <poll.h>

#include "localcloud/compute/container.h"
#include "localcloud/network/command.h"
#include "localcloud/network/names.h"
#include "localcloud/network/namespaces.h"

namespace hopyard::tests {

namespace fs = std::filesystem;
using namespace localcloud;

namespace {

void add_matching(std::vector<std::string>& found,
                  const std::vector<std::string>& command,
                  const std::string& word) {
    const auto output = network::run_command({.arguments = command});
    std::istringstream lines(output ? *output : "");
    for (std::string line; std::getline(lines, line);)
        if (line.find(word) != std::string::npos) found.push_back(command[0] + ": " + line);
}

void add_lines_of(std::vector<std::string>& found,
                  const std::string& path,
                  const std::string& word) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.find(word) != std::string::npos) found.push_back(path + ": " + line);
}

}  // namespace

std::vector<std::string> traces_of(const std::string& instance) {
    const network::Names names{instance};
    std::vector<std::string> found;
    for (const auto& name : network::list_namespaces(names.prefix()))
        found.push_back("namespace " + name);
    add_matching(found, {"ip", "-o", "link"}, names.prefix());
    add_matching(found, {"ip", "route"}, std::to_string(names.blackhole_metric()));
    add_matching(found, {"ip", "route"}, names.host_link());
    add_matching(found, {"losetup", "-a"}, names.machine(""));
    add_matching(found, {"nft", "list", "tables"}, names.host_table());
    add_matching(found, {"ps", "-eo", "pid,args"}, names.machine(""));
    add_lines_of(found, "/proc/self/mountinfo", names.prefix());
    for (const pid_t pid : compute::control_group_processes(names.machine("")))
        found.push_back("process " + std::to_string(pid));
    std::error_code ignored;
    for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup", ignored))
        for (const auto& group : fs::directory_iterator(hierarchy, ignored))
            if (group.path().string().find(names.machine("")) != std::string::npos)
                found.push_back("control group " + group.path().string());
    return found;
}

bool eventually(const std::function<bool()>& is_so, Milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > end) return false;
        poll(nullptr, 0, 5);
    }
    return true;
}

}  // namespace hopyard::tests
