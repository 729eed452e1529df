#include "node/access/access.h"

#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <shadow.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/read_file.h"
#include "node/access/accounts.h"
#include "node/init_script/init_script.h"
#include "node/system/files.h"
#include "node/system/hosts_file.h"

namespace hopyard::node::access {
namespace {

namespace fs = std::filesystem;
using nodewire::User;

constexpr const char* keys_directory = "/etc/ssh/authorized_keys.d";
constexpr const char* host_key = "/etc/ssh/ssh_host_ed25519_key";
constexpr Backoff failure_backoff{.first = Milliseconds(100), .most = Milliseconds(10'000)};
constexpr Milliseconds look_period{60'000};
constexpr Milliseconds command_timeout{20'000};

// Keys that orders bring lie outside of the homes, where their owners cannot lead us astray.
constexpr std::string_view ssh_options =
    "HostKey /etc/ssh/ssh_host_ed25519_key\n"
    "AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u .ssh/authorized_keys\n"
    "PasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\n"
    "PermitRootLogin no\n"
    "UseDNS no\n";

/// Holds the lock that passwd(5)'s tools take.
class AccountLock {
  public:
    AccountLock() : held_(lckpwdf() == 0) {}
    ~AccountLock() {
        if (held_) ulckpwdf();
    }
    AccountLock(const AccountLock&) = delete;
    AccountLock& operator=(const AccountLock&) = delete;

  private:
    bool held_;
};

Result<void> put_back(const std::string& path, const std::string& contents) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0) {
        return fail(ErrorKind::unavailable, "file_missing", path + " is missing");
    }
    return system::write_file(
        path,
        contents,
        {.mode = facts.st_mode & 07777, .owner = facts.st_uid, .group = facts.st_gid});
}

Result<void> make_accounts(const std::vector<User>& users) {
    const AccountLock lock;
    const AccountFiles now{.passwd = read_file("/etc/passwd").value_or(""),
                           .group = read_file("/etc/group").value_or(""),
                           .shadow = Secret(read_file("/etc/shadow").value_or(""))};
    ASSIGN_OR_RETURN(const auto wanted, with_users(now, users));
    // The group first: no account may be there whose group is not.
    RETURN_IF_ERROR(put_back("/etc/group", wanted.group));
    RETURN_IF_ERROR(put_back("/etc/shadow", wanted.shadow.reveal()));
    return put_back("/etc/passwd", wanted.passwd);
}

Result<void> make_home(const User& user) {
    const auto home = home_of(user.name);
    struct stat facts {};
    const bool is_there = lstat(home.c_str(), &facts) == 0;
    if (is_there && facts.st_uid == static_cast<uid_t>(user.uid)) return {};
    std::error_code error;
    if (!is_there) {
        fs::create_directories("/home", error);
        if (fs::exists("/etc/skel", error)) {
            fs::copy("/etc/skel", home, fs::copy_options::recursive, error);
        } else {
            fs::create_directory(home, error);
        }
        if (error) {
            return fail(ErrorKind::unavailable,
                        "home_not_made",
                        fmt::format("{} cannot be made: {}", home, error.message()));
        }
    }
    const auto id = static_cast<uid_t>(user.uid);
    bool given = true;
    for (const auto& entry : fs::recursive_directory_iterator(home, error)) {
        given = lchown(entry.path().c_str(), id, id) == 0 && given;
    }
    if (!given || chmod(home.c_str(), 0700) != 0 || lchown(home.c_str(), id, id) != 0) {
        return fail(ErrorKind::unavailable, "home_not_made", home + " cannot be given away");
    }
    return {};
}

Result<void> write_keys(const std::vector<User>& users) {
    std::set<std::string> names;
    for (const auto& user : users) {
        names.insert(user.name);
        std::string keys;
        for (const auto& key : user.ssh_keys) {
            keys += key;
            if (!key.ends_with('\n')) keys += '\n';
        }
        RETURN_IF_ERROR(system::write_file(fmt::format("{}/{}", keys_directory, user.name), keys));
    }
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(keys_directory, error)) {
        if (!names.contains(entry.path().filename().string())) fs::remove(entry.path(), error);
    }
    return {};
}

/// Machines by their names. Slurm itself needs none but the head's; people do.
Result<void> write_names(const nodewire::Orders& orders) {
    std::vector<system::HostsEntry> entries{{"127.0.0.1", {"localhost"}},
                                            {"::1", {"localhost", "ip6-localhost"}}};
    for (const auto& member : orders.members) {
        const bool is_gone = member.state == nodewire::Member::State::removed;
        if (!is_gone && !member.address.empty()) entries.push_back({member.address, {member.name}});
    }
    return system::set_hosts_block(system::hosts_path, "members", entries);
}

/// Administrators may become root where the machine has the means.
Result<void> write_sudoers(const std::vector<User>& users) {
    if (::access("/etc/sudoers.d", F_OK) != 0) return {};
    std::string lines;
    for (const auto& user : users) {
        if (user.administrator) lines += fmt::format("{} ALL=(ALL:ALL) NOPASSWD: ALL\n", user.name);
    }
    return system::write_file("/etc/sudoers.d/hopyard", lines, {.mode = 0440});
}

}  // namespace

Result<void> Access::prepare() {
    if (prepared_) return {};
    RETURN_IF_ERROR(system::make_directory(keys_directory, {.mode = 0755}));
    RETURN_IF_ERROR(system::make_directory("/etc/ssh/sshd_config.d", {.mode = 0755}));
    RETURN_IF_ERROR(system::write_file("/etc/ssh/sshd_config.d/10-hopyard.conf", ssh_options));
    if (::access(host_key, F_OK) != 0) {
        RETURN_IF_ERROR(parts_.processes.output_of(
            {.arguments = {"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key}},
            command_timeout));
    }
    RETURN_IF_ERROR(start_ssh());
    prepared_ = true;
    return {};
}

Result<void> Access::start_ssh() {
    if (!options_.runs_services) {
        return parts_.processes
            .output_of({.arguments = {"/usr/bin/systemctl", "reload-or-restart", "ssh.service"}},
                       command_timeout)
            .map([](const std::string&) {});
    }
    RETURN_IF_ERROR(system::make_directory("/run/sshd", {.mode = 0755}));
    return parts_.processes.start(
        {"sshd",
         {.arguments = {"/usr/sbin/sshd", "-D", "-e"}, .output_file = "/var/log/sshd.log"}});
}

Result<void> Access::carry_out(const nodewire::Orders& orders, const std::stop_token& stop) {
    RETURN_IF_ERROR(write_names(orders));
    RETURN_IF_ERROR(parts_.guard.outcome(stop));
    RETURN_IF_ERROR(make_accounts(orders.users));
    for (const auto& user : orders.users) RETURN_IF_ERROR(make_home(user));
    RETURN_IF_ERROR(write_keys(orders.users));
    return write_sudoers(orders.users);
}

void Access::run(std::stop_token stop) {
    int failures = 0;
    std::int64_t applied = 0;
    auto wait = Milliseconds(0);
    while (!stop.stop_requested()) {
        auto outcome = prepare();
        const auto orders = parts_.board.wait_for_orders(Part::access, applied, wait, stop);
        if (stop.stop_requested()) return;
        // A script that comes first pokes this part when it has ended.
        if (orders && !may_start(parts_.board)) {
            wait = look_period;
            continue;
        }
        if (orders && outcome) outcome = carry_out(*orders, stop);
        if (!outcome) {
            wait = wait_before(failure_backoff, failures++, parts_.random);
            log::warning("access is not as ordered yet", {{"cause", outcome.error().message}});
            parts_.board.set_status(Part::access,
                                    {.applied_revision = applied,
                                     .ready = applied > 0,
                                     .stage = "making accounts",
                                     .failure = outcome.error()});
            continue;
        }
        failures = 0;
        wait = look_period;
        if (!orders) continue;
        applied = orders->revision;
        parts_.board.set_status(Part::access, {.applied_revision = applied, .ready = true});
    }
}

void Access::stop() {
    parts_.processes.stop("sshd", Milliseconds(2'000));
}

}  // namespace hopyard::node::access
