#include "localcloud/installation.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/read_file.h"
#include "localcloud/arm/access.h"
#include "localcloud/storage/child.h"

namespace hopyard::localcloud {

namespace {

constexpr Seconds authority_validity{10LL * 365 * 24 * 3600};

/// A note that is made when it is missing.
Result<std::string> note_or_make(Ledger& ledger,
                                 const std::string& name,
                                 const std::string& fresh) {
    if (auto kept = ledger.note(name)) return *kept;
    RETURN_IF_ERROR(ledger.set_note(name, fresh));
    return fresh;
}

Result<http::KeyAndCertificate> load_authority(const std::string& folder, const Clock& clock) {
    const std::string key_path = folder + "/ca.key", path = folder + "/ca.pem";
    const auto key = read_state_file(key_path);
    const auto certificate = read_state_file(path);
    if (key && certificate)
        return http::KeyAndCertificate{.private_key_pem = Secret(*key),
                                       .certificate_pem = *certificate};
    auto made = http::make_authority("Hopyard local cloud", clock.now(), authority_validity);
    RETURN_IF_ERROR(write_state_file({.path = key_path, .text = made.private_key_pem.reveal()}));
    RETURN_IF_ERROR(write_state_file({.path = path, .text = made.certificate_pem, .mode = 0644}));
    return made;
}

/// The first principal owns the subscription.
Result<void> ensure_owner(Ledger& ledger,
                          const Installation& made,
                          const Clock& clock,
                          Random& random) {
    if (ledger.note("owner_assigned")) return {};
    const std::string scope = "/subscriptions/" + made.subscription;
    const std::string guid = random_uuid(random);
    const std::string id = scope + "/providers/Microsoft.Authorization/roleAssignments/" + guid;
    const std::string now = to_rfc3339(clock.now());
    const std::string role =
        scope + "/providers/Microsoft.Authorization/roleDefinitions/" + owner_role;
    const Json body = {{"id", id},
                       {"type", "Microsoft.Authorization/roleAssignments"},
                       {"name", guid},
                       {"properties",
                        {{"roleDefinitionId", role},
                         {"principalId", made.principal.object_id},
                         {"principalType", "ServicePrincipal"},
                         {"scope", scope},
                         {"createdOn", now},
                         {"updatedOn", now},
                         {"createdBy", ""},
                         {"updatedBy", ""}}}};
    const Resource assignment{.id = id,
                              .type = "Microsoft.Authorization/roleAssignments",
                              .body = document(body),
                              .hidden = document(Json::object()),
                              .etag = "\"1\"",
                              .created = clock.now(),
                              .changed = clock.now()};
    RETURN_IF_ERROR(ledger.commit(Batch{.put = {assignment}}));
    return ledger.set_note("owner_assigned", "yes");
}

}  // namespace

Result<void> write_state_file(const StateFile& file) {
    const std::string fresh = file.path + ".new";
    const int handle = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = handle >= 0;
    good = good && write(handle, file.text.data(), file.text.size()) ==
                       static_cast<ssize_t>(file.text.size());
    if (good && !file.owner.empty()) {
        const auto user = find_user(file.owner);
        if (!user) {
            close(handle);
            return pass(user.error());
        }
        good = fchown(handle, user->user, user->group) == 0;
    }
    good = good && fchmod(handle, file.mode) == 0 && fsync(handle) == 0;
    if (handle >= 0) close(handle);
    good = good && rename(fresh.c_str(), file.path.c_str()) == 0;
    if (good) return {};
    Error error{.kind = ErrorKind::unavailable,
                .code = "state_not_written",
                .message = fmt::format("{}: {}", file.path, std::strerror(errno)),
                .owner = Owner::administrator,
                .next_action = "make the state directory writable, or name another with --state"};
    return Failure(std::move(error));
}

Result<std::string> read_state_file(const std::string& path) {
    auto text = read_file(path);
    if (!text) return fail(ErrorKind::not_found, "no_such_file", path + " cannot be read");
    return std::move(*text);
}

Result<std::string> read_instance(const std::string& folder) {
    ASSIGN_OR_RETURN(std::string text, read_state_file(folder + "/instance"));
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    const bool plain =
        !text.empty() && text.size() <= 8 &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
    if (!plain)
        return Failure(Error{.kind = ErrorKind::conflict,
                             .code = "state_unusable",
                             .message = folder + "/instance holds no instance id",
                             .field = "/state",
                             .owner = Owner::administrator,
                             .next_action = "restore the file from a copy, or start with another "
                                            "--state directory"});
    return text;
}

Result<std::string> load_instance(const std::string& folder, Random& random) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return fail(ErrorKind::unavailable,
                    "state_not_written",
                    fmt::format("{}: {}", folder, error.message()));
    auto present = read_instance(folder);
    if (present || present.error().kind != ErrorKind::not_found) return present;
    const std::string fresh = random_word(random, 6);
    RETURN_IF_ERROR(
        write_state_file({.path = folder + "/instance", .text = fresh + "\n", .mode = 0644}));
    return fresh;
}

Result<Installation> load_installation(const std::string& folder,
                                       Ledger& ledger,
                                       const Clock& clock,
                                       Random& random) {
    Installation made{.folder = folder};
    ASSIGN_OR_RETURN(made.subscription, note_or_make(ledger, "subscription", random_uuid(random)));
    ASSIGN_OR_RETURN(made.principal.tenant, note_or_make(ledger, "tenant", random_uuid(random)));
    ASSIGN_OR_RETURN(made.principal.client_id, note_or_make(ledger, "client", random_uuid(random)));
    ASSIGN_OR_RETURN(made.principal.object_id,
                     note_or_make(ledger, "principal", random_uuid(random)));
    ASSIGN_OR_RETURN(const std::string secret,
                     note_or_make(ledger, "client_secret", random_word(random, 40)));
    made.principal.client_secret = Secret(secret);
    std::string key_text = ledger.note("token_key").value_or("");
    if (key_text.empty()) {
        key_text = TokenIssuer::make_key().reveal();
        RETURN_IF_ERROR(ledger.set_note("token_key", key_text));
    }
    ASSIGN_OR_RETURN(made.issuer, TokenIssuer::from_key(Secret(key_text), made.principal.tenant));
    ASSIGN_OR_RETURN(made.authority, load_authority(folder, clock));
    RETURN_IF_ERROR(ensure_owner(ledger, made, clock, random));
    return made;
}

namespace {

std::string port_note(const std::string& name) {
    return "port:" + name;
}

}  // namespace

Result<std::uint16_t> choose_port(const Ledger& ledger,
                                  const std::string& name,
                                  std::uint16_t wanted) {
    std::uint16_t port = wanted;
    if (port == 0)
        port = static_cast<std::uint16_t>(
            std::atoi(ledger.note(port_note(name)).value_or("0").c_str()));
    if (port == 0) {
        const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        const bool good = probe >= 0 &&
                          bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                          getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
        if (probe >= 0) close(probe);
        if (!good) return fail(ErrorKind::unavailable, "no_free_port", "no free port on loopback");
        port = ntohs(address.sin_port);
    }
    return port;
}

Result<void> remember_port(Ledger& ledger, const std::string& name, std::uint16_t port) {
    return ledger.set_note(port_note(name), std::to_string(port));
}

}  // namespace hopyard::localcloud
