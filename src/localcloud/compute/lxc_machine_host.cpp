#include "localcloud/compute/lxc_machine_host.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/read_file.h"
#include "localcloud/compute/image.h"
#include "localcloud/compute/machine_config.h"
#include "localcloud/network/namespaces.h"

namespace hopyard::localcloud::compute {
namespace {

namespace fs = std::filesystem;

/// For the log and the disk of a machine that ended before anybody asked.
constexpr std::size_t console_tail_bytes = 4096;

Failure mend(std::string code, std::string message, std::string action) {
    return Failure(Error{.kind = ErrorKind::unavailable,
                         .code = std::move(code),
                         .message = std::move(message),
                         .owner = Owner::administrator,
                         .next_action = std::move(action)});
}

Result<void> check_machine(const MachineSpec& spec) {
    const auto fits = [](const std::string& text, std::size_t limit) {
        return !text.empty() && text.size() <= limit && text.front() != '-' &&
               std::all_of(text.begin(), text.end(), [](unsigned char letter) {
                   return std::isalnum(letter) || letter == '-';
               });
    };
    if (!fits(spec.id, 36))
        return fail(ErrorKind::invalid_argument,
                    "malformed_id",
                    "A machine's id has up to 36 letters, digits and dashes.");
    if (!fits(spec.name, 63))
        return fail(ErrorKind::invalid_argument,
                    "malformed_name",
                    "A machine's name has up to 63 letters, digits and dashes.");
    if (spec.vcpus < 1 || spec.memory_mb < 16 || spec.disk_gb < 1 || spec.disk_gb > 16384)
        return fail(ErrorKind::invalid_argument,
                    "size_out_of_range",
                    "Machine " + spec.name + " asks for a size that cannot be had.");
    return {};
}

}  // namespace

Result<std::unique_ptr<LxcMachineHost>> LxcMachineHost::create(const HostOptions& options) {
    RETURN_IF_ERROR(network::check_short_id("instance", options.instance));
    if (geteuid() != 0)
        return mend("not_root",
                    "Machines, networks and disks can be made by root only.",
                    "Start the program as root.");
    const auto range = network::parse_prefix(options.public_range);
    if (!range || range->length > 30 || range->length < 8)
        return fail(ErrorKind::invalid_argument,
                    "malformed_public_range",
                    "\"" + options.public_range +
                        "\" is not a range for public addresses such as " +
                        std::string(network::default_public_range) + ".");
    RETURN_IF_ERROR(check_image(options.image));

    // LXC knows a container by the text of its path: there must be one way to write it.
    auto resolved = options;
    std::error_code error;
    fs::create_directories(options.state / "machines", error);
    fs::create_directories(options.state / "layers", error);
    if (!error) resolved.state = fs::canonical(options.state, error);
    if (!error) resolved.image = fs::canonical(options.image, error);
    // What machines write is theirs: no other user of the host looks into their disks.
    if (!error) fs::permissions(resolved.state / "machines", fs::perms::owner_all, error);
    if (error)
        return mend("state_unusable",
                    "The state directory " + options.state.string() +
                        " cannot be used: " + error.message() + ".",
                    "Make it writable for root, or name another.");
    for (const auto& path : {resolved.state.string(), resolved.image.string()})
        if (path.find_first_of(": \t\n,\\") != std::string::npos)
            return fail(ErrorKind::invalid_argument,
                        "path_unusable",
                        "The path " + path +
                            " holds a blank, colon, comma or backslash, which overlay "
                            "file systems cannot have.");
    std::unique_ptr<LxcMachineHost> host(new LxcMachineHost(resolved, *range));
    // Written now, so that the first machine need not wait for it. What is wrong with the program
    // is told to whoever wants a machine.
    (void)host->layers_.current();
    return host;
}

LxcMachineHost::LxcMachineHost(HostOptions options, network::Prefix public_range)
    : options_(std::move(options)),
      names_{options_.instance},
      networks_(names_, public_range, options_.outbound),
      layers_(options_.state / "layers", options_.node_program),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

fs::path LxcMachineHost::directory_of(const std::string& id) const {
    return options_.state / "machines" / name_of(id);
}

Result<LxcMachineHost::Machine> LxcMachineHost::machine_of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = machines_.find(id);
    if (found == machines_.end())
        return fail(ErrorKind::not_found, "no_such_machine", "There is no machine " + id + ".");
    return found->second;
}

void LxcMachineHost::change(const std::string& id, MachineState state, std::string detail) {
    const std::lock_guard lock(mutex_);
    auto& machine = machines_[id];
    machine.state = state;
    machine.detail = std::move(detail);
}

void LxcMachineHost::keep(const std::string& id, std::optional<Container> container) {
    const std::lock_guard lock(mutex_);
    machines_[id].container = std::move(container);
}

Result<void> LxcMachineHost::ensure_network(const NetworkSpec& network) {
    return networks_.ensure_network(network);
}
Result<void> LxcMachineHost::remove_network(const std::string& id) {
    return networks_.remove_network(id);
}
Result<void> LxcMachineHost::ensure_port(const PortSpec& port) {
    return networks_.ensure_port(port);
}
Result<void> LxcMachineHost::remove_port(const std::string& id) {
    return networks_.remove_port(id);
}
Result<int> LxcMachineHost::open_listener(const std::string& network,
                                          const std::string& address,
                                          std::uint16_t port) {
    return networks_.open_listener(network, address, port);
}

Result<void> LxcMachineHost::ensure_machine(const MachineSpec& machine) {
    RETURN_IF_ERROR(check_machine(machine));
    const auto guard = locks_.hold(machine.id);
    const auto before = machine_of(machine.id);
    const Disk disk(directory_of(machine.id));
    if (before && before->spec == machine && disk.exists()) return {};
    const bool runs = before && before->container && before->container->init.is_alive();
    if (!disk.exists() && free_bytes(options_.state) < options_.disk_floor_gb << 30)
        return Failure(Error{.kind = ErrorKind::capacity_unavailable,
                             .code = "host_disk_full",
                             .message = "This host has less than " +
                                        std::to_string(options_.disk_floor_gb) +
                                        " GB of free disk space left.",
                             .owner = Owner::administrator,
                             .next_action = "Free space on " + options_.state.string() + "."});
    if (!runs || before->spec.disk_gb != machine.disk_gb)
        RETURN_IF_ERROR(disk.ensure(machine.disk_gb));
    const std::lock_guard lock(mutex_);
    machines_[machine.id].spec = machine;
    return {};
}

Result<void> LxcMachineHost::write_config(const std::string& id, const MachineSpec& spec) {
    const auto directory = directory_of(id);
    std::string layer;
    {
        const std::lock_guard lock(layers_mutex_);
        ASSIGN_OR_RETURN(layer, layers_.current());
        const std::lock_guard inner(mutex_);
        machines_[id].layer = layer;
    }
    const auto cores = static_cast<int>(std::thread::hardware_concurrency());
    std::ofstream file(directory / "config", std::ios::trunc);
    file << render({.hostname = spec.name,
                    .program_layer = layer,
                    .base_image = (options_.image / "rootfs").string(),
                    .upper = Disk(directory).upper().string(),
                    .network_namespace = network::namespace_path(names_.port(spec.port)),
                    .console_log = (directory / "console.log").string(),
                    .vcpus = spec.vcpus,
                    .host_cores = cores,
                    .memory_mb = spec.memory_mb,
                    .has_cgroup2_only = has_cgroup2_only()});
    file.close();
    if (!file)
        return fail(ErrorKind::internal,
                    "machine_config_failed",
                    (directory / "config").string() + " cannot be written.");
    return {};
}

Result<Container> LxcMachineHost::bring_up(const std::string& id, const MachineSpec& spec) {
    if (!networks_.has_port(spec.port))
        return fail(ErrorKind::not_found,
                    "no_such_port",
                    "Machine " + spec.name + " has no port " + spec.port + ".");
    const auto number = network::namespace_number(names_.port(spec.port));
    // Whoever still lives there would share the disk with its successor.
    if (!kill_processes(inhabitants_of(number)))
        return fail(
            ErrorKind::internal,
            "machine_does_not_end",
            "Processes of an earlier run of machine " + spec.name + " survive being killed.");
    RETURN_IF_ERROR(Disk(directory_of(id)).mount());
    RETURN_IF_ERROR(write_config(id, spec));
    return start_container(options_.state / "machines", name_of(id), number);
}

Result<void> LxcMachineHost::start_machine(const std::string& id) {
    const auto guard = locks_.hold(id);
    ASSIGN_OR_RETURN(const auto machine, machine_of(id));
    if (machine.container && machine.container->init.is_alive()) return {};
    clear_away(id, machine);
    change(id, MachineState::starting, "");
    auto container = bring_up(id, machine.spec);
    if (!container) {
        (void)Disk(directory_of(id)).unmount();
        change(id, MachineState::failed, container.error().message);
        return pass(container.error());
    }
    keep(id, std::move(*container));
    change(id, MachineState::running, "");
    wake();
    drop_unused_layers();
    return {};
}

/// What an ended machine leaves: LXC's monitor and control groups, the mounted disk.
void LxcMachineHost::clear_away(const std::string& id, const Machine& machine) {
    if (machine.container) {
        settle_container(*machine.container, name_of(id));
        keep(id, std::nullopt);
    }
    if (const auto unmounted = Disk(directory_of(id)).unmount(); !unmounted)
        log::warning("A disk stays mounted",
                     {{"machine", id}, {"cause", unmounted.error().message}});
}

Result<void> LxcMachineHost::stop_machine(const std::string& id, Milliseconds grace) {
    const auto guard = locks_.hold(id);
    ASSIGN_OR_RETURN(const auto machine, machine_of(id));
    if (machine.container && machine.container->init.is_alive()) {
        change(id, MachineState::stopping, "");
        if (auto ended = end_container(*machine.container, grace); !ended) {
            change(id, MachineState::failed, ended.error().message);
            return ended;
        }
    }
    change(id, MachineState::stopped, "");
    clear_away(id, machine);
    return {};
}

Result<void> LxcMachineHost::delete_files(const std::string& id) {
    const Disk disk(directory_of(id));
    RETURN_IF_ERROR(disk.unmount());
    std::error_code error;
    fs::remove_all(directory_of(id), error);
    if (error)
        return fail(ErrorKind::internal,
                    "machine_not_deleted",
                    directory_of(id).string() + " cannot be deleted: " + error.message() + ".");
    return {};
}

Result<void> LxcMachineHost::remove_machine(const std::string& id) {
    const auto guard = locks_.hold(id);
    const auto machine = machine_of(id);
    if (!machine) {
        if (!check_machine({.id = id, .name = "any"})) return {};
        return delete_files(id);
    }
    if (machine->container && machine->container->init.is_alive()) {
        change(id, MachineState::stopping, "");
        RETURN_IF_ERROR(end_container(*machine->container, Milliseconds{0}));
    }
    clear_away(id, *machine);
    RETURN_IF_ERROR(delete_files(id));
    {
        const std::lock_guard lock(mutex_);
        machines_.erase(id);
    }
    drop_unused_layers();
    return {};
}

void LxcMachineHost::drop_unused_layers() {
    const std::lock_guard lock(layers_mutex_);
    std::set<std::string> used;
    {
        const std::lock_guard inner(mutex_);
        for (const auto& [id, machine] : machines_)
            if (machine.state != MachineState::stopped) used.insert(machine.layer);
    }
    layers_.keep_only(used);
}

MachineStatus LxcMachineHost::machine_status(const std::string& id) {
    const auto machine = machine_of(id);
    if (!machine) return {};
    if (machine->state == MachineState::running && machine->container &&
        !machine->container->init.is_alive())
        return {.state = MachineState::stopped, .detail = "The machine ended by itself."};
    return {.state = machine->state, .detail = machine->detail};
}

void LxcMachineHost::on_change(std::function<void(const std::string& machine_id)> callback) {
    const std::lock_guard lock(mutex_);
    on_change_ = std::move(callback);
}

MachineHost::Capacity LxcMachineHost::capacity() {
    const auto cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const auto memory =
        static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    return {.cores = cores * options_.core_overcommit,
            .memory_mb = static_cast<std::int64_t>(memory * options_.memory_share) >> 20,
            .disk_free_gb = std::max<std::int64_t>(
                0, (free_bytes(options_.state) >> 30) - options_.disk_floor_gb)};
}

std::string LxcMachineHost::console_tail(const std::string& id) const {
    const auto text = read_file(directory_of(id) / "console.log").value_or("");
    return text.size() > console_tail_bytes ? text.substr(text.size() - console_tail_bytes) : text;
}

std::vector<std::pair<std::string, Process>> LxcMachineHost::watched() const {
    std::vector<std::pair<std::string, Process>> result;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, machine] : machines_)
        if (machine.state == MachineState::running && machine.container)
            result.emplace_back(id, machine.container->init);
    return result;
}

void LxcMachineHost::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto ignored = write(wake_.get(), &one, sizeof one);
}

void LxcMachineHost::note_end(const std::string& id, pid_t init) {
    std::function<void(const std::string&)> callback;
    {
        const std::lock_guard lock(mutex_);
        const auto found = machines_.find(id);
        // Somebody may have stopped or started it in the meantime.
        if (found == machines_.end() || found->second.state != MachineState::running ||
            !found->second.container || found->second.container->init.pid() != init)
            return;
        found->second.state = MachineState::stopped;
        found->second.detail = "The machine ended by itself.";
        callback = on_change_;
    }
    log::info("A machine ended by itself", {{"machine", id}});
    if (callback) callback(id);
}

void LxcMachineHost::run(std::stop_token stop) {
    const std::stop_callback on_stop(stop, [this] { wake(); });
    while (!stop.stop_requested()) {
        const auto machines = watched();
        std::vector<pollfd> waiting{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
        for (const auto& [id, process] : machines)
            waiting.push_back({.fd = process.handle(), .events = POLLIN, .revents = 0});
        if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
        std::uint64_t count = 0;
        [[maybe_unused]] const auto ignored = read(wake_.get(), &count, sizeof count);
        for (std::size_t index = 0; index < machines.size(); ++index)
            if (waiting[index + 1].revents != 0)
                note_end(machines[index].first, machines[index].second.pid());
    }
}

}  // namespace hopyard::localcloud::compute
