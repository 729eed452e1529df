// Every recorded exchange with the real Azure goes through our client, and what comes out is
// compared with a table. Resources of our kinds go through cloud::Cloud itself, polls through its
// poller; what else we call goes through the pipeline and the reading of operations.
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "azure/errors.h"
#include "azure/operations.h"
#include "azure/resource_ids.h"
#include "base/encoding.h"
#include "replay.h"

namespace hopyard::recordings {
namespace {

std::string word(cloud::Provisioning state) {
    switch (state) {
        case cloud::Provisioning::creating:
            return "creating";
        case cloud::Provisioning::updating:
            return "updating";
        case cloud::Provisioning::succeeded:
            return "succeeded";
        case cloud::Provisioning::failed:
            return "failed";
        case cloud::Provisioning::deleting:
            return "deleting";
    }
    return "?";
}

std::string word(cloud::Power power) {
    switch (power) {
        case cloud::Power::unknown:
            return "";
        case cloud::Power::starting:
            return "starting";
        case cloud::Power::running:
            return "running";
        case cloud::Power::stopping:
            return "stopping";
        case cloud::Power::stopped:
            return "stopped";
        case cloud::Power::deallocating:
            return "deallocating";
        case cloud::Power::deallocated:
            return "deallocated";
    }
    return "?";
}

std::string show(const Error& error) {
    std::string text = fmt::format("error {} {}", to_string(error.kind), error.code);
    if (error.retry_after) text += fmt::format(" wait {}", error.retry_after->count());
    return text;
}

std::string show(const cloud::Seen& seen) {
    std::string text = word(seen.provisioning);
    const auto add = [&](const std::string& name, const std::string& value) {
        if (!value.empty()) text += fmt::format(" {}={}", name, value);
    };
    add("power", word(seen.power));
    add("id", seen.machine_id);
    add("size", seen.size);
    add("disk", seen.disk);
    add("ip", seen.private_ip);
    add("public", seen.public_ip);
    add("on", azure::last_segment(seen.attached_to));
    add("made", seen.created_at ? "known" : "");
    add("tags", seen.tags.empty() ? "" : std::to_string(seen.tags.size()));
    if (seen.failure) text += " failure " + show(*seen.failure);
    return text;
}

std::string show_way(const std::optional<cloud::Operation>& operation) {
    if (!operation) return "done";
    std::string text = operation->url.substr(0, operation->url.find(':'));
    if (operation->look_after) text += fmt::format(" after {}", operation->look_after->count());
    return text;
}

std::string show(const Result<cloud::Accepted>& accepted) {
    if (!accepted) return show(accepted.error());
    std::string text = show_way(accepted->operation);
    if (accepted->seen) text += ", " + show(*accepted->seen);
    return text;
}

std::string show(const Result<cloud::OperationState>& state) {
    if (!state) return show(state.error());
    using Status = cloud::OperationState::Status;
    std::string text = state->status == Status::running     ? "running"
                       : state->status == Status::succeeded ? "succeeded"
                                                            : "failed";
    if (state->look_after) text += fmt::format(" after {}", state->look_after->count());
    if (state->failure) text += " " + show(*state->failure);
    return text;
}

cloud::Wanted wanted_of(model::ResourceKind kind) {
    using model::ResourceKind;
    switch (kind) {
        case ResourceKind::virtual_network:
            return cloud::WantedNetwork{};
        case ResourceKind::subnet:
            return cloud::WantedSubnet{};
        case ResourceKind::security_group:
            return cloud::WantedSecurityGroup{};
        case ResourceKind::security_rule:
            return cloud::WantedSecurityRule{};
        case ResourceKind::public_address:
            return cloud::WantedAddress{};
        case ResourceKind::network_interface:
            return cloud::WantedInterface{};
        default:
            return cloud::WantedMachine{};
    }
}

std::string path_of(const std::string& url) {
    const auto parsed = http::parse_url(url);
    return parsed ? to_lower(parsed->target.substr(0, parsed->target.find('?'))) : url;
}

bool is_poll(const std::string& path) {
    for (const char* part : {"/operations/",
                             "/diskoperations/",
                             "/asyncoperations/",
                             "/operationresults/",
                             "operationstatuses/"})
        if (path.find(part) != std::string::npos) return true;
    return false;
}

/// The poller is told by the header of the reply before; its two ways differ in these words.
std::string stored_url(const Exchange& exchange) {
    const std::string url = to_lower(exchange.url);
    const bool by_location = url.find("monitor=true") != std::string::npos ||
                             url.find("/operationresults/") != std::string::npos ||
                             url.find("/asyncoperations/") != std::string::npos;
    return (by_location ? "location:" : "status:") + exchange.url;
}

std::string outcome_of_resource(const Exchange& exchange,
                                const cloud::ResourceName& name,
                                Replayed& replayed) {
    cloud::Cloud& cloud = replayed.connection->cloud();
    std::string text;
    if (exchange.method == "GET") {
        const auto seen = cloud.read(name);
        text = !seen ? show(seen.error()) : *seen ? show(**seen) : "absent";
    } else if (exchange.method == "DELETE") {
        text = show(cloud.remove(name));
    } else if (exchange.method == "PUT") {
        text = show(cloud.put({name, "westeurope", {}, wanted_of(name.kind)}));
    } else {
        text = show(cloud.resize(name, "Standard_D2s_v3"));
    }
    if (replayed.transport.requests.size() != 1) return "requests: not one";
    const auto& request = replayed.transport.requests.front();
    if (request.method != exchange.method || path_of(request.url) != path_of(exchange.url))
        return "another request: " + request.method + " " + path_of(request.url);
    return text;
}

std::string outcome_of_action(const Exchange& exchange,
                              const cloud::ResourceName& machine,
                              Replayed& replayed) {
    const std::string path = path_of(exchange.url);
    // What we do not send has the same replies as what we do.
    const auto action = path.ends_with("/start")     ? cloud::PowerAction::start
                        : path.ends_with("/restart") ? cloud::PowerAction::restart
                                                     : cloud::PowerAction::deallocate;
    return show(replayed.connection->cloud().power(machine, action));
}

std::string outcome_of_other(const Exchange& exchange, Replayed& replayed) {
    const azure::Options given = options();
    azure::Pipeline pipeline(given, replayed.transport, replayed.clock, replayed.random);
    azure::Operations operations(pipeline);
    const azure::Call call{.doing = "doing", .method = exchange.method, .url = exchange.url};
    const auto reply = pipeline.send(call);
    if (!reply) return show(reply.error());
    return show(operations.accepted(call, *reply));
}

template <class T, class Show>
std::string show_list(const Result<std::vector<T>>& list, Show one) {
    if (!list) return show(list.error());
    std::string text = fmt::format("{}:", list->size());
    for (const T& item : *list) text += " " + one(item);
    return text;
}

std::string show(const cloud::Size& size) {
    return fmt::format("{} {} {}c {}m {}g{}{}{};",
                       size.name,
                       size.family,
                       size.vcpus,
                       size.memory_mb,
                       size.gpus,
                       size.nvme ? " nvme" : "",
                       size.unavailable.empty() ? "" : " - ",
                       size.unavailable);
}

std::string show(const Result<cloud::Listing>& listing) {
    if (!listing) return show(listing.error());
    std::string text;
    for (const auto& seen : listing->resources)
        text += std::string(azure::type_of(seen.name.kind).word) + " " + seen.name.name + "; ";
    return text;
}

/// Lists, through the look-up that reads them; nothing for what is no such list.
std::optional<std::string> outcome_of_list(const std::string& path, Replayed& replayed) {
    cloud::Catalog& catalog = replayed.connection->catalog();
    const std::string name = azure::last_segment(path);
    if (name == "skus")
        return show_list(catalog.sizes("eastus"), [](const auto& one) { return show(one); });
    if (name == "locations")
        return show_list(catalog.locations(), [](const auto& one) { return one.name; });
    if (name == "usages")  // asked of two providers, so each entry comes twice here
        return show_list(catalog.usages("westus"), [](const auto& one) {
            return fmt::format("{} {}/{};", one.name, one.used, one.limit);
        });
    if (name == "permissions")
        return show_list(catalog.own_permissions("group"), [](const auto& one) {
            return fmt::format("{}-{};", one.actions.size(), one.not_actions.size());
        });
    if (name == "sshpublickeys")
        return show_list(catalog.ssh_keys("group"), [](const auto& one) { return one.name; });
    if (name == "userassignedidentities")
        return show_list(catalog.identities("group"),
                         [](const auto& one) { return one.name + " " + one.principal_id; });
    if (name == "resources") return show(replayed.connection->cloud().list(InstallationId("i")));
    return std::nullopt;
}

std::string outcome(const Exchange& exchange) {
    Replayed replayed({exchange.reply});
    const std::string path = path_of(exchange.url);
    if (is_poll(path)) return show(replayed.connection->cloud().poll(stored_url(exchange)));
    if (exchange.method == "GET")
        if (const auto text = outcome_of_list(path, replayed)) return *text;
    const auto name = azure::name_of(path);
    const bool is_other = path.ends_with("/virtualmachines") ||
                          path.find("/providers/microsoft.authorization/") != std::string::npos;
    if (!name || is_other) return outcome_of_other(exchange, replayed);
    // Names keep their case in the reply; take them from the URL as it was written.
    const auto parsed = http::parse_url(exchange.url);
    const auto exact = azure::name_of(parsed->target.substr(0, parsed->target.find('?')));
    if (exchange.method == "POST") return outcome_of_action(exchange, *exact, replayed);
    if (exact->kind == model::ResourceKind::disk && exchange.method == "PUT")
        return outcome_of_other(exchange, replayed);
    return outcome_of_resource(exchange, *exact, replayed);
}

bool recordings_are_there() {
    return std::filesystem::is_directory(folder());
}

TEST(Recordings, AreThereWhereTestsMustNotBeSkipped) {
    if (recordings_are_there()) return;
    ASSERT_EQ(std::getenv("CI"), nullptr) << folder() << " is missing";
    std::cout << "SKIPPED: no recordings at " << folder() << "\n";
}

TEST(Recordings, EveryFileIsEitherExpectedOrNamedAsUnused) {
    if (!recordings_are_there()) return;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
        if (entry.path().extension() != ".json") continue;
        const std::string file = entry.path().filename();
        ++files;
        const bool expected = expected_outcomes().contains(file);
        const bool unused = unused_files().contains(file);
        EXPECT_TRUE(expected != unused) << file;
    }
    EXPECT_EQ(files, expected_outcomes().size() + unused_files().size());
}

TEST(Recordings, EveryExchangeHasTheExpectedOutcome) {
    if (!recordings_are_there()) return;
    const bool print = std::getenv("HOPYARD_PRINT_OUTCOMES") != nullptr;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder()))
        if (entry.path().extension() == ".json") files.push_back(entry.path().filename());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
        if (unused_files().contains(file)) continue;
        std::vector<std::string> outcomes;
        for (const Exchange& exchange : load(file)) outcomes.push_back(outcome(exchange));
        if (print) {
            fmt::print("        {{\"{}\",\n         {{", file);
            for (std::size_t i = 0; i < outcomes.size(); ++i)
                fmt::print("{}\"{}\"", i ? ",\n          " : "", outcomes[i]);
            fmt::print("}}}},\n");
            continue;
        }
        const auto found = expected_outcomes().find(file);
        if (found == expected_outcomes().end()) continue;
        EXPECT_EQ(outcomes, found->second) << file;
    }
}

}  // namespace
}  // namespace hopyard::recordings
