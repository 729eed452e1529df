#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/machines.h"

namespace hopyard::localcloud {

namespace {

constexpr std::int64_t image_gb = 30;
constexpr std::int64_t disk_gb_most = 4095;

/// Keeps the strings of `from` that are named, without those it lacks.
Json only(const Json& from, std::initializer_list<const char*> names) {
    Json kept = Json::object();
    for (const char* name : names)
        if (const Json* value = find(from, "/" + std::string(name))) kept[name] = *value;
    return kept;
}

tl::expected<Json, Fault> read_storage(Core& core,
                                       const Call& call,
                                       const std::optional<Resource>& before,
                                       const std::string& name) {
    const Json& given = object_at(call.wanted(), "/properties/storageProfile");
    const Json& image = object_at(given, "/imageReference");
    if (text_at(image, "/id").empty() && text_at(image, "/publisher").empty())
        return tl::unexpected(invalid_parameter(
            "imageReference", "Required parameter 'imageReference' is missing (null)."));
    if (!array_at(given, "/dataDisks").empty())
        return refuse_with(
            400,
            "NotSupported",
            "Machines of this cloud have one disk; leave out storageProfile.dataDisks.");
    Json reference = only(image, {"id", "publisher", "offer", "sku", "version"});
    if (text_at(image, "/id").empty()) reference["exactVersion"] = "1.0.0";
    const Json& disk = object_at(given, "/osDisk");
    const std::int64_t size = number_at(disk, "/diskSizeGB", image_gb);
    if (size < image_gb || size > disk_gb_most)
        return tl::unexpected(invalid_parameter(
            "osDisk.diskSizeGB",
            fmt::format(
                "The specified disk size {} GB is smaller than the size of the corresponding disk "
                "in "
                "the VM image: {} GB, or larger than {} GB. This is not allowed. Please choose "
                "another size.",
                size,
                image_gb,
                disk_gb_most)));
    const std::string option = text_at(disk, "/deleteOption", "Detach");
    if (option != "Delete" && option != "Detach")
        return tl::unexpected(
            invalid_parameter("osDisk.deleteOption", "It must be Delete or Detach."));
    std::string disk_name = text_at(disk, "/name");
    if (before) {
        const std::string present =
            text_at(before->shown(), "/properties/storageProfile/osDisk/name");
        if (disk_name.empty()) disk_name = present;
    } else if (disk_name.empty()) {
        disk_name = name + "_OsDisk_1_" + to_hex(random_bytes(core.random, 16));
    }
    ResourceId id = ResourceId::parse(call.id)->parent();
    id.provider = "Microsoft.Compute";
    id.types = {"disks"};
    id.names = {disk_name};
    const Json kept = {
        {"osType", "Linux"},
        {"name", disk_name},
        {"createOption", "FromImage"},
        {"caching", text_at(disk, "/caching", "ReadWrite")},
        {"managedDisk",
         {{"storageAccountType", text_at(disk, "/managedDisk/storageAccountType", "Standard_LRS")},
          {"id", id.text()}}},
        {"deleteOption", option},
        {"diskSizeGB", size}};
    return Json{{"imageReference", reference}, {"osDisk", kept}, {"dataDisks", Json::array()}};
}

tl::expected<Json, Fault> read_keys(const Json& linux_part, const std::string& user) {
    Json keys = Json::array();
    const std::string path = "/home/" + user + "/.ssh/authorized_keys";
    for (const Json& key : array_at(linux_part, "/ssh/publicKeys")) {
        const std::string data = text_at(key, "/keyData");
        if (text_at(key, "/path", path) != path)
            return tl::unexpected(invalid_parameter(
                "linuxConfiguration.ssh.publicKeys.path",
                "Destination path for SSH public keys is currently limited to its default value " +
                    path + " due to a known issue in Linux provisioning agent."));
        if (!data.starts_with("ssh-") && !data.starts_with("ecdsa-"))
            return tl::unexpected(
                invalid_parameter("linuxConfiguration.ssh.publicKeys.keyData",
                                  "The SSH public key is not in a known format."));
        keys.push_back({{"path", path}, {"keyData", data}});
    }
    return keys;
}

tl::expected<Json, Fault> read_profile(const Call& call, const std::string& name) {
    const Json& given = object_at(call.wanted(), "/properties/osProfile");
    const std::string user = text_at(given, "/adminUsername");
    const std::string computer = text_at(given, "/computerName", name);
    static const std::set<std::string> reserved = {"administrator",
                                                   "admin",
                                                   "user",
                                                   "user1",
                                                   "test",
                                                   "root",
                                                   "guest",
                                                   "sys",
                                                   "support",
                                                   "console"};
    if (user.empty())
        return tl::unexpected(invalid_parameter(
            "adminUsername", "Required parameter 'adminUsername' is missing (null)."));
    if (reserved.contains(to_lower(user)) || user.size() > 64 ||
        user.find_first_of("/\\:\"[]|<>+=;,?*@& ") != std::string::npos)
        return tl::unexpected(
            invalid_parameter("adminUsername", "The Admin Username specified is not allowed."));
    const bool plain = computer.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789-") == std::string::npos;
    if (computer.empty() || computer.size() > 64 || !plain || computer.front() == '-' ||
        computer.back() == '-')
        return tl::unexpected(
            invalid_parameter("computerName",
                              "Linux host name cannot exceed 64 characters and can hold "
                              "letters, digits and hyphens only, not at its ends."));
    const Json& linux_part = object_at(given, "/linuxConfiguration");
    OUTCOME_OR_RETURN(const Json keys, read_keys(linux_part, user));
    if (keys.empty() && text_at(given, "/adminPassword").empty())
        return tl::unexpected(
            invalid_parameter("osProfile",
                              "Authentication using either SSH or by user name and "
                              "password must be enabled in Linux profile."));
    Json shown = {
        {"disablePasswordAuthentication",
         flag_at(linux_part,
                 "/disablePasswordAuthentication",
                 text_at(given, "/adminPassword").empty())},
        {"provisionVMAgent", true},
        {"patchSettings", {{"patchMode", "ImageDefault"}, {"assessmentMode", "ImageDefault"}}}};
    if (!keys.empty()) shown["ssh"] = {{"publicKeys", keys}};
    return Json{{"computerName", computer},
                {"adminUsername", user},
                {"linuxConfiguration", shown},
                {"secrets", Json::array()},
                {"allowExtensionOperations", true},
                {"requireGuestProvisionSignal", true}};
}

tl::expected<Json, Fault> read_network(Core& core, const Call& call) {
    const Json& given = object_at(call.wanted(), "/properties/networkProfile");
    if (find(given, "/networkInterfaceConfigurations"))
        return refuse_with(
            400,
            "NotSupported",
            "This cloud takes interfaces by id; leave out networkInterfaceConfigurations.");
    const Json& listed = array_at(given, "/networkInterfaces");
    if (listed.size() != 1)
        return tl::unexpected(invalid_parameter(
            "networkProfile", "A machine must have exactly one network interface here."));
    const std::string id = text_at(listed[0], "/id");
    const auto interface = core.ledger.find(id);
    if (!interface) return refuse_with(404, "NotFound", fmt::format("Resource {} not found.", id));
    RETURN_IF_FAULT(
        check_linked(core, call, "Microsoft.Network/networkInterfaces/join/action", interface->id));
    const std::string user = machine_of(core.ledger, interface->id);
    if (!user.empty() && !same_id(user, call.id))
        return refuse_with(
            400,
            "NicInUse",
            fmt::format("Network interface {} is already in use by virtual machine {}.",
                        interface->id,
                        user));
    Json properties = {{"primary", true}};
    const std::string option = text_at(listed[0], "/properties/deleteOption");
    if (!option.empty()) properties["deleteOption"] = option;
    return Json{{"networkInterfaces", {{{"id", interface->id}, {"properties", properties}}}}};
}

/// What a second PUT must repeat: property name and value, secrets as digests.
Json create_only(const Json& wanted, const Json& body) {
    const Json& properties = object_at(body, "/properties");
    Json disk = object_at(properties, "/storageProfile/osDisk");
    disk.erase("deleteOption");
    disk.erase("caching");
    return Json{
        {"osProfile.customData",
         to_hex(sha256(text_at(wanted, "/properties/osProfile/customData")))},
        {"osProfile.computerName", text_at(properties, "/osProfile/computerName")},
        {"osProfile.adminUsername", text_at(properties, "/osProfile/adminUsername")},
        {"linuxConfiguration.ssh.publicKeys",
         array_at(properties, "/osProfile/linuxConfiguration/ssh/publicKeys")},
        {"imageReference", object_at(properties, "/storageProfile/imageReference")},
        {"osDisk", disk},
        {"networkProfile", to_lower(text_at(properties, "/networkProfile/networkInterfaces/0/id"))},
        {"zones", array_at(body, "/zones")}};
}

tl::expected<void, Fault> check_unchanged(const Json& before, const Json& now) {
    for (const auto& [name, value] : now.items()) {
        const auto old = before.find(name);
        if (old == before.end() || *old == value) continue;
        Fault fault{.status = 409,
                    .code = "PropertyChangeNotAllowed",
                    .message = fmt::format("Changing property '{}' is not allowed.", name),
                    .target = name};
        return tl::unexpected(std::move(fault));
    }
    return {};
}

tl::expected<Json, Fault> build_properties(Core& core,
                                           const Call& call,
                                           const std::optional<Resource>& before,
                                           const std::string& location) {
    const std::string name = ResourceId::parse(call.id)->name();
    const Json& wanted = call.wanted();
    OUTCOME_OR_RETURN(
        const Size size,
        check_size(core, text_at(wanted, "/properties/hardwareProfile/vmSize"), location));
    RETURN_IF_FAULT(check_quota(core, call, size, location));
    Json properties = {{"hardwareProfile", {{"vmSize", size.name}}},
                       {"provisioningState", before ? "Updating" : "Creating"}};
    properties["vmId"] = before ? text_at(before->shown(), "/properties/vmId") : new_guid(core);
    OUTCOME_OR_RETURN(properties["storageProfile"], read_storage(core, call, before, name));
    OUTCOME_OR_RETURN(properties["osProfile"], read_profile(call, name));
    OUTCOME_OR_RETURN(properties["networkProfile"], read_network(core, call));
    OUTCOME_OR_RETURN(const Json spot, read_spot(core, call, before, size));
    properties.update(spot);
    properties["timeCreated"] =
        before ? text_at(before->shown(), "/properties/timeCreated") : to_rfc3339(core.clock.now());
    return properties;
}

}  // namespace

tl::expected<void, Fault> check_base64(const std::string& property, const std::string& text) {
    constexpr std::size_t most = 64u << 10;
    const auto bytes = from_base64(text);
    if (!bytes)
        return tl::unexpected(invalid_parameter(property, property + " is not in Base64 format."));
    if (bytes->size() > most)
        return tl::unexpected(invalid_parameter(
            property, property + " must be at most 65536 bytes before encoding."));
    return {};
}

Fault no_capacity(const Size& size, const std::string& location) {
    return {.status = 409,
            .code = "SkuNotAvailable",
            .message =
                fmt::format("The requested VM size for resource 'Following SKUs have failed for "
                            "Capacity Restrictions: {}' is currently not available in location "
                            "'{}'. Please try another size or deploy to a different location or "
                            "different zone. See https://aka.ms/azureskunotavailable for details.",
                            size.name,
                            location)};
}

tl::expected<Size, Fault> check_size(Core& core,
                                     const std::string& name,
                                     const std::string& location) {
    const auto size = core.catalog.size(name);
    if (!size) {
        std::string known;
        for (const auto& one : core.catalog.sizes())
            if (!core.catalog.restricted(one)) known += (known.empty() ? "" : ",") + one.name;
        return tl::unexpected(invalid_parameter(
            "vmSize",
            fmt::format(
                "The value {} provided for the VM size is not valid. The valid sizes in the "
                "current region are: {}. Find out more on the available VM sizes in each "
                "region at https://aka.ms/azure-regions.",
                name,
                known)));
    }
    if (core.catalog.restricted(*size) || core.catalog.scarce(*size))
        return tl::unexpected(no_capacity(*size, location));
    return *size;
}

tl::expected<void, Fault> check_quota(Core& core,
                                      const Call& call,
                                      const Size& size,
                                      const std::string& location) {
    std::int64_t cores = 0;
    std::int64_t memory = 0;
    std::int64_t count = 0;
    for (const auto& machine : core.ledger.list(machine_type)) {
        if (same_id(machine.id, call.id)) continue;
        const auto other =
            core.catalog.size(text_at(machine.shown(), "/properties/hardwareProfile/vmSize"));
        if (!other) continue;
        cores += other->vcpus;
        memory += other->counted_mb();
        ++count;
    }
    struct Quota {
        const char* name;
        std::int64_t limit, used, more;
    };
    for (const Quota& quota :
         {Quota{"Total Regional Cores", core.catalog.core_quota(), cores, size.vcpus},
          Quota{"Total Regional Memory (MB)",
                core.catalog.memory_quota_mb(),
                memory,
                size.counted_mb()},
          Quota{"Virtual Machines", Catalog::machine_quota, count, 1}}) {
        if (quota.used + quota.more <= quota.limit) continue;
        return refuse_with(
            409,
            "OperationNotAllowed",
            fmt::format(
                "Operation could not be completed as it results in exceeding approved {} quota. "
                "Additional details - Deployment Model: Resource Manager, Location: {}, Current "
                "Limit: {}, Current Usage: {}, Additional Required: {}, (Minimum) New Limit "
                "Required: {}. The limit follows from this machine's cores and memory: choose a "
                "smaller size, or delete machines.",
                quota.name,
                location,
                quota.limit,
                quota.used,
                quota.more,
                quota.used + quota.more));
    }
    return {};
}

tl::expected<Json, Fault> read_machine_identity(Core& core, const Call& call, const Json& wanted) {
    const Json* given = find(wanted, "/identity");
    const std::string type = given ? text_at(*given, "/type", "None") : "None";
    if (type == "None") return Json();
    if (type != "UserAssigned")
        return refuse_with(
            400, "NotSupported", "Machines of this cloud take user-assigned identities only.");
    Json assigned = Json::object();
    for (const auto& [id, value] : object_at(*given, "/userAssignedIdentities").items()) {
        const auto identity = core.ledger.find(id);
        if (!identity)
            return refuse_with(
                400,
                "FailedIdentityOperation",
                fmt::format("Identity operation for resource '{}' failed with error 'Failed to "
                            "perform resource identity operation. Status: 'BadRequest'. "
                            "Response: 'Resource {} was not found.''.",
                            call.id,
                            id));
        RETURN_IF_FAULT(
            check_linked(core,
                         call,
                         "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
                         identity->id));
        assigned[identity->id] = {
            {"principalId", text_at(identity->shown(), "/properties/principalId")},
            {"clientId", text_at(identity->shown(), "/properties/clientId")}};
    }
    return Json{{"type", "UserAssigned"}, {"userAssignedIdentities", assigned}};
}

tl::expected<Resource, Fault> build_machine(Core& core,
                                            const Call& call,
                                            const std::optional<Resource>& before) {
    const auto id = ResourceId::parse(call.id);
    if (id->name().size() > 64)
        return tl::unexpected(
            invalid_parameter("vmName", "The name of a machine has at most 64 characters."));
    OUTCOME_OR_RETURN(const std::string location, check_location(core, call, before));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    const Json& wanted = call.wanted();
    const std::string user_data = text_at(wanted, "/properties/userData");
    RETURN_IF_FAULT(check_base64("userData", user_data));
    RETURN_IF_FAULT(
        check_base64("customData", text_at(wanted, "/properties/osProfile/customData")));
    Json body = {{"name", before ? before->shown()["name"] : Json(id->name())},
                 {"id", before ? before->id : call.id},
                 {"type", machine_type},
                 {"location", location}};
    if (!tags.empty()) body["tags"] = tags;
    if (const Json& zones = array_at(wanted, "/zones"); !zones.empty()) body["zones"] = zones;
    OUTCOME_OR_RETURN(const Json identity, read_machine_identity(core, call, wanted));
    if (!identity.is_null()) body["identity"] = identity;
    OUTCOME_OR_RETURN(body["properties"], build_properties(core, call, before, location));

    const Json fixed = create_only(wanted, body);
    Json hidden = before ? before->secret() : Json{{"power", "running"}, {"onHost", false}};
    if (before) RETURN_IF_FAULT(check_unchanged(object_at(hidden, "/createOnly"), fixed));
    hidden["createOnly"] = fixed;
    // Azure keeps the user data of a PUT that does not name it.
    if (find(wanted, "/properties/userData") || !before) hidden["userData"] = user_data;
    hidden["transition"] = before ? text_at(before->secret(), "/transition") : "creating";
    hidden["failure"] = nullptr;
    return before ? changed(core, *before, std::move(body), std::move(hidden))
                  : made(core, call.id, std::move(body), std::move(hidden));
}

}  // namespace hopyard::localcloud
