#include "node/state.h"

#include <nlohmann/json.hpp>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// A file of ours that is damaged counts as absent: all of it can be had again.
std::optional<json> read_object(const std::string& path) {
    const auto bytes = read_file(path);
    if (!bytes) return std::nullopt;
    auto parsed = json::parse(*bytes, nullptr, false);
    if (!parsed.is_object()) return std::nullopt;
    return parsed;
}

}  // namespace

Result<StateDirectory> StateDirectory::open(std::string path) {
    RETURN_IF_ERROR(system::make_directory(path, {.mode = 0700}));
    return StateDirectory(std::move(path));
}

Result<void> StateDirectory::keep(const std::string& name, const std::string& bytes) const {
    return system::write_file(file(name), bytes, {.mode = 0600});
}

std::optional<Identity> StateDirectory::identity() const {
    const auto object = read_object(file("identity.json"));
    if (!object) return std::nullopt;
    Identity result{.cluster = text(*object, "cluster"),
                    .node = text(*object, "node"),
                    .is_head = text(*object, "role") == "head",
                    .url = text(*object, "url"),
                    .ca_pem = text(*object, "ca_pem"),
                    .machine_id = text(*object, "machine_id"),
                    .private_ip = text(*object, "private_ip")};
    if (result.node.empty() || result.url.empty()) return std::nullopt;
    return result;
}

Result<void> StateDirectory::keep_identity(const Identity& identity) const {
    const json object{{"cluster", identity.cluster},
                      {"node", identity.node},
                      {"role", identity.is_head ? "head" : "worker"},
                      {"url", identity.url},
                      {"ca_pem", identity.ca_pem},
                      {"machine_id", identity.machine_id},
                      {"private_ip", identity.private_ip}};
    return keep("identity.json", object.dump());
}

Secret StateDirectory::private_key() const {
    return Secret(read_file(file("key.pem")).value_or(""));
}

Result<void> StateDirectory::keep_private_key(const Secret& pem) const {
    return keep("key.pem", pem.reveal());
}

std::optional<Credentials> StateDirectory::credentials() const {
    const auto object = read_object(file("certificate.json"));
    auto key = private_key();
    if (!object || key.empty() || text(*object, "pem").empty()) return std::nullopt;
    return Credentials{
        .private_key_pem = std::move(key),
        .certificate_pem = text(*object, "pem"),
        .obtained_at = from_rfc3339(text(*object, "obtained_at")).value_or(Timestamp{})};
}

Result<void> StateDirectory::keep_certificate(const std::string& pem, Timestamp obtained_at) const {
    return keep("certificate.json",
                json{{"pem", pem}, {"obtained_at", to_rfc3339(obtained_at)}}.dump());
}

std::optional<nodewire::Orders> StateDirectory::orders() const {
    const auto bytes = read_file(file("orders.json"));
    if (!bytes) return std::nullopt;
    auto parsed = nodewire::orders_from_json(*bytes);
    if (!parsed) return std::nullopt;
    return std::move(*parsed);
}

Result<void> StateDirectory::keep_orders(const nodewire::Orders& orders) const {
    return keep("orders.json", nodewire::to_json(orders));
}

std::optional<nodewire::InitScriptResult> StateDirectory::init_script_result() const {
    const auto object = read_object(file("init-script.json"));
    if (!object || !object->contains("exit_code") || !(*object)["exit_code"].is_number_integer()) {
        return std::nullopt;
    }
    return nodewire::InitScriptResult{.exit_code = (*object)["exit_code"].get<int>(),
                                      .output_tail = text(*object, "output")};
}

Result<void> StateDirectory::keep_init_script_result(
    const nodewire::InitScriptResult& result) const {
    const json object{{"exit_code", result.exit_code}, {"output", result.output_tail}};
    return keep("init-script.json", object.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace hopyard::node
