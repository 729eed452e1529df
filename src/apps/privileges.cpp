#include "apps/privileges.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hopyard::apps {
namespace {

Failure refuse_user(const std::string& why, const std::string& remedy) {
    Error error{.kind = ErrorKind::permission_denied,
                .code = "no_unprivileged_user",
                .message = why,
                .owner = Owner::administrator,
                .next_action = remedy};
    return Failure(std::move(error));
}

Result<const passwd*> find_unprivileged(const std::string& state, const std::string& user) {
    const passwd* entry = nullptr;
    if (!user.empty()) {
        entry = ::getpwnam(user.c_str());
        if (entry == nullptr)
            return refuse_user("there is no user '" + user + "'", "Name another with --user.");
    } else {
        struct stat facts {};
        if (::stat(state.c_str(), &facts) == 0 && facts.st_uid != 0)
            entry = ::getpwuid(facts.st_uid);
        for (const char* name : {"hopyard", "nobody"})
            if (entry == nullptr) entry = ::getpwnam(name);
    }
    if (entry == nullptr || entry->pw_uid == 0)
        return refuse_user("the control plane is never root",
                           "Name an unprivileged user with --user.");
    return entry;
}

Result<void> give_away(const std::string& state, uid_t user, gid_t group) {
    std::error_code failed;
    std::filesystem::recursive_directory_iterator all(state, failed);
    bool given = !failed && ::lchown(state.c_str(), user, group) == 0;
    for (const auto& entry : all) given = given && ::lchown(entry.path().c_str(), user, group) == 0;
    if (given) return {};
    return refuse_user("cannot give " + state + " to the unprivileged user",
                       "Check the directory's file system.");
}

}  // namespace

Result<void> leave_root(const std::string& state, const std::string& user) {
    std::error_code failed;
    const bool is_new = std::filesystem::create_directories(state, failed);
    if (failed)
        return refuse_user("cannot make the directory " + state + ": " + failed.message(),
                           "Name a directory of yours with --state, or make it as root.");
    if (is_new) ::chmod(state.c_str(), 0700);
    if (::geteuid() != 0) return {};
    ASSIGN_OR_RETURN(const passwd* entry, find_unprivileged(state, user));
    RETURN_IF_ERROR(give_away(state, entry->pw_uid, entry->pw_gid));
    const bool left = ::setgroups(0, nullptr) == 0 && ::setgid(entry->pw_gid) == 0 &&
                      ::setuid(entry->pw_uid) == 0;
    if (!left || ::setuid(0) == 0)
        return refuse_user(std::string("cannot become ") + entry->pw_name, std::strerror(errno));
    // No core file and no debugger of that user sees our memory.
    ::prctl(PR_SET_DUMPABLE, 0);
    if (::access(state.c_str(), R_OK | W_OK | X_OK) != 0)
        return refuse_user(std::string(entry->pw_name) + " cannot reach " + state,
                           "Put --state where that user may go, for example /var/lib/hopyard.");
    return {};
}

}  // namespace hopyard::apps
