#include "node/storage/storage.h"

#include <filesystem>

#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/log.h"
#include "base/read_file.h"
#include "node/init_script/init_script.h"
#include "node/metadata.h"
#include "node/system/files.h"

namespace hopyard::node {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Milliseconds look_for_mount{20}, look_after_failure{2'000}, look_at_writes{1'000};
/// A mount takes a tenth of a second; after this long nobody waits for that tenth.
constexpr Seconds mounts_soon{10};
constexpr Milliseconds end_grace{5'000};
constexpr std::uintmax_t log_bytes_max = 8u << 20;

}  // namespace

Storage::Storage(Parts parts, Options options)
    : parts_(parts), options_(std::move(options)), pending_(options_.cache) {}

void Storage::run(std::stop_token stop) {
    std::int64_t revision = 0;
    auto rest = look_at_writes;
    while (!stop.stop_requested()) {
        const auto orders = parts_.board.wait_for_orders(Part::storage, revision, rest, stop);
        if (stop.stop_requested()) return;
        if (!orders) continue;
        revision = orders->revision;
        if (!may_start(parts_.board)) continue;
        pending_now_ = pending_.count();
        const auto outcome = carry_out(*orders);
        publish(outcome, revision);
        rest = rest_after(outcome);
        bound_log();
    }
}

Result<Storage::Step> Storage::carry_out(const nodewire::Orders& orders) {
    if (orders.storage) return mount(*orders.storage);
    if (mounted_) {
        if (!may_take_away()) return Step::remount_later;
        take_away();
    }
    return Step::settled;
}

Result<Storage::Step> Storage::mount(const nodewire::StorageGrant& grant) {
    const Mounted wanted{storage::configuration(grant.sas_url), grant.ca_pem};
    if (mounted_ && *mounted_ != wanted) {
        if (!may_take_away()) return Step::remount_later;
        log::info("the right to the container changed: mounting again");
        take_away();
    }
    remount_wanted_since_.reset();
    if (!mounted_) RETURN_IF_ERROR(start(grant, wanted));
    if (!is_mounted()) {
        const auto service = parts_.processes.state(options_.service);
        if (service.running || service.unexpected_exits == 0) return Step::mounting;
        return fail(ErrorKind::unavailable,
                    "mount_ended",
                    fmt::format("the mount of the container ended with {}; {} says why",
                                service.last_exit,
                                options_.log_file));
    }
    if (!answered_) {
        RETURN_IF_ERROR(storage::ask_container(grant.sas_url, grant.ca_pem));
        answered_ = true;
        log::info("the container is mounted", {{"at", options_.mount_point}});
    }
    return Step::settled;
}

Result<void> Storage::start(const nodewire::StorageGrant& grant, const Mounted& wanted) {
    ASSIGN_OR_RETURN(const auto container, storage::container_of(grant.sas_url));
    storage::MountPaths paths{.program = options_.program,
                              .mount_point = options_.mount_point,
                              .configuration = parts_.state.file("data.conf"),
                              .cache = options_.cache,
                              .log = options_.log_file};
    RETURN_IF_ERROR(
        system::write_file(paths.configuration, wanted.configuration.reveal(), {.mode = 0600}));
    if (!grant.ca_pem.empty()) {
        paths.authority = parts_.state.file("data-ca.pem");
        RETURN_IF_ERROR(system::write_file(paths.authority, grant.ca_pem));
    }
    RETURN_IF_ERROR(system::make_directory(options_.cache, {.mode = 0700}));
    if (!read_file(options_.log_file)) {
        RETURN_IF_ERROR(system::write_file(options_.log_file, "", {.mode = 0600}));
    }
    std::error_code exists_already;
    std::filesystem::create_directories(options_.mount_point, exists_already);
    RETURN_IF_ERROR(parts_.processes.start(
        {.name = options_.service, .command = storage::mount_command(container, paths)}));
    mounted_ = wanted;
    started_ = Steady::now();
    return {};
}

void Storage::publish(const Result<Step>& outcome, std::int64_t revision) {
    const bool serves = mounted_ && answered_ && is_mounted();
    parts_.board.set_mount(serves, pending_now_);
    PartStatus status;
    if (outcome == Step::settled) applied_ = revision;
    status.applied_revision = applied_;
    status.ready = serves || outcome == Step::settled;
    if (!outcome) status.failure = outcome.error();
    if (outcome == Step::mounting) status.stage = "mounting the container";
    if (outcome == Step::remount_later) status.stage = "waiting for writes before mounting again";
    parts_.board.set_status(Part::storage, std::move(status));
}

Milliseconds Storage::rest_after(const Result<Step>& outcome) {
    if (!outcome) return look_after_failure;
    const bool soon = started_ && Steady::now() - *started_ < mounts_soon;
    return outcome == Step::mounting && soon ? look_for_mount : look_at_writes;
}

bool Storage::is_mounted() const {
    const auto mounts = read_file("/proc/self/mounts").value_or("");
    return storage::has_mount(mounts, options_.mount_point);
}

bool Storage::may_take_away() {
    if (pending_now_ == 0) return true;
    if (!remount_wanted_since_) remount_wanted_since_ = Steady::now();
    return Steady::now() - *remount_wanted_since_ >= options_.remount_patience;
}

void Storage::take_away() {
    parts_.processes.stop(options_.service, end_grace);
    // Somebody inside of it keeps it busy: then it goes when they leave.
    while (is_mounted() && umount2(options_.mount_point.c_str(), MNT_DETACH) == 0) {
    }
    mounted_.reset();
    answered_ = false;
    remount_wanted_since_.reset();
}

std::int64_t Storage::unmount(Milliseconds patience) {
    if (!mounted_) return 0;
    const auto deadline = Steady::now() + patience;
    auto left = pending_.count();
    while (left > 0 && Steady::now() < deadline) {
        sleep_for(Milliseconds(50), {});
        left = pending_.count();
    }
    if (left > 0)
        log::warning("writes to the container are left for the next start", {{"files", left}});
    take_away();
    parts_.board.set_mount(false, left);
    return left;
}

void Storage::refresh() {
    if (answered_ && is_mounted()) parts_.processes.signal(options_.service, SIGHUP);
}

void Storage::bound_log() const {
    // Its writers append, so what they write next begins the file anew.
    std::error_code none_there;
    if (std::filesystem::file_size(options_.log_file, none_there) > log_bytes_max && !none_there) {
        std::filesystem::resize_file(options_.log_file, 0, none_there);
    }
}

}  // namespace hopyard::node
