#include "cli/doctor.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include <unistd.h>

#include "base/read_file.h"
#include "cli/cli.h"
#include "model/spec_json.h"

namespace hopyard::cli {
namespace {

bool on_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::string rest = std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin:";
    for (std::size_t end; (end = rest.find(':')) != std::string::npos; rest.erase(0, end + 1))
        if (::access((rest.substr(0, end) + "/" + program).c_str(), X_OK) == 0) return true;
    return false;
}

bool file_system_known(const std::string& name) {
    const auto text = read_file("/proc/filesystems").value_or("");
    return text.find("\t" + name + "\n") != std::string::npos;
}

Check program(const std::string& name, const std::string& package) {
    return {"program " + name, on_path(name), "Install the package " + package + "."};
}

}  // namespace

int print_version() {
    std::printf("hopyard %s\n", HOPYARD_VERSION);
    return exit_ok;
}

int print_example() {
    std::fputs(model::spec_example().c_str(), stdout);
    return exit_ok;
}

std::vector<Check> check_machine() {
    return {
        program("lxc-start", "lxc"),
        program("nft", "nftables"),
        program("ip", "iproute2"),
        program("mkfs.ext4", "e2fsprogs"),
        program("ssh", "openssh-client"),
        program("node", "nodejs, version 20 or later"),
        {"file system overlay", file_system_known("overlay"), "Load it: modprobe overlay"},
        {"file system fuse", file_system_known("fuse"), "Load it: modprobe fuse"},
        {"device /dev/loop-control",
         ::access("/dev/loop-control", F_OK) == 0,
         "Load it: modprobe loop"},
        {"device /dev/fuse", ::access("/dev/fuse", F_OK) == 0, "Load it: modprobe fuse"},
        {"root or sudo", ::geteuid() == 0 || on_path("sudo"), "Run as root, or install sudo."},
    };
}

int doctor() {
    bool good = true;
    for (const Check& check : check_machine()) {
        std::printf("%-8s%s\n", check.good ? "ok" : "MISSING", check.what.c_str());
        if (!check.good) std::printf("        next: %s\n", check.remedy.c_str());
        good = good && check.good;
    }
    return good ? exit_ok : exit_failed;
}

}  // namespace hopyard::cli
