#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/machines.h"

namespace hopyard::localcloud {

namespace {

Json status(const std::string& code, const std::string& text) {
    return Json{{"code", code}, {"level", "Info"}, {"displayStatus", text}};
}

Json provisioning_status(const Resource& machine) {
    const std::string state = text_at(machine.shown(), "/properties/provisioningState");
    Json shown = status("ProvisioningState/" + to_lower(state), "Provisioning " + to_lower(state));
    if (state == "Creating" || state == "Updating" || state == "Deleting")
        shown["displayStatus"] = state;
    const Json& failure = object_at(machine.secret(), "/failure");
    if (state == "Failed") {
        shown["code"] =
            "ProvisioningState/failed/" + text_at(failure, "/code", "InternalExecutionError");
        shown["level"] = "Error";
        shown["message"] = text_at(failure, "/message");
    }
    shown["time"] = to_rfc3339(machine.changed);
    return shown;
}

/// "running", "starting", …; "" while the machine is being made and has no power state yet.
std::string power_of(const Resource& machine) {
    const std::string transition = text_at(machine.secret(), "/transition");
    if (transition == "creating") return "";
    if (transition == "starting" || transition == "stopping" || transition == "deallocating")
        return transition;
    return text_at(machine.secret(), "/power");
}

}  // namespace

Json instance_view(Core&, const Resource& machine) {
    const Json& properties = object_at(machine.shown(), "/properties");
    const std::string time = to_rfc3339(machine.changed);
    const std::string power = power_of(machine);
    Json view = {{"hyperVGeneration", "V2"}};
    Json disk_status = status("ProvisioningState/succeeded", "Provisioning succeeded");
    disk_status["time"] = time;
    view["disks"] = Json::array({Json{{"name", text_at(properties, "/storageProfile/osDisk/name")},
                                      {"statuses", Json::array({disk_status})}}});
    view["statuses"] = Json::array({provisioning_status(machine)});
    if (!power.empty()) view["statuses"].push_back(status("PowerState/" + power, "VM " + power));
    if (power == "running") {
        Json ready = status("ProvisioningState/succeeded", "Ready");
        ready["message"] = "Guest Agent is running";
        ready["time"] = time;
        view["computerName"] = text_at(properties, "/osProfile/computerName");
        view["osName"] = "debian";
        view["osVersion"] = "12";
        view["vmAgent"] = {{"vmAgentVersion", "2.9.0.4"},
                           {"statuses", Json::array({ready})},
                           {"extensionHandlers", Json::array()}};
    }
    return view;
}

Json show_machine(Core& core, const Resource& machine, Shows shows) {
    Json shown = machine.shown();
    shown["etag"] = machine.etag;
    if (shows == Shows::with_view)
        shown["properties"]["instanceView"] = instance_view(core, machine);
    return shown;
}

Outcome machine_reply(Core& core,
                      const Call& call,
                      int status_code,
                      const Resource* shown,
                      const Operation& operation) {
    Outcome answer = shown ? reply(status_code, show_machine(core, *shown, Shows::model))
                           : empty_reply(status_code);
    announce(core,
             call,
             operation,
             shown ? Announce::status_only : Announce::status_and_location,
             *answer);
    return answer;
}

}  // namespace hopyard::localcloud
