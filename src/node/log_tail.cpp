#include "node/log_tail.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace hopyard::node {
namespace {

/// Shorter ones are no secrets of ours, and would blacken innocent text.
constexpr std::size_t secret_bytes_least = 12;
/// So that a secret that begins before the cut is seen whole and goes.
constexpr std::size_t margin = 16u << 10;

void add_signature(const std::string& url, std::vector<std::string>& secrets) {
    constexpr std::string_view key = "sig=";
    const auto at = url.find(key);
    if (at == std::string::npos) return;
    const auto begin = at + key.size();
    secrets.push_back(url.substr(begin, std::min(url.find('&', begin), url.size()) - begin));
}

/// A key in PEM is also known by each of its lines.
void add_lines(const std::string& pem, std::vector<std::string>& secrets) {
    std::istringstream lines(pem);
    for (std::string line; std::getline(lines, line);)
        if (!line.starts_with("-----")) secrets.push_back(line);
}

std::vector<std::string> secrets_of(const nodewire::Orders& orders) {
    std::vector<std::string> secrets = {orders.workload_key.reveal()};
    for (const auto& user : orders.users) secrets.push_back(user.password_hash);
    if (orders.storage) {
        secrets.push_back(orders.storage->sas_url.reveal());
        add_signature(orders.storage->sas_url.reveal(), secrets);
    }
    add_lines(orders.page_key_pem.reveal(), secrets);
    std::erase_if(secrets, [](const auto& each) { return each.size() < secret_bytes_least; });
    return secrets;
}

std::string end_of_log(const std::string& path,
                       int lines,
                       std::size_t most,
                       const nodewire::Orders& orders) {
    const auto text = without_secrets(end_of_file(path, most + margin), orders);
    return last_lines(tail_of(text, most), lines);
}

}  // namespace

std::string tail_of(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    auto from = text.size() - most;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
    return text.substr(from);
}

std::string end_of_file(const std::string& path, std::size_t most) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) return "";
    const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg()));
    file.seekg(static_cast<std::streamoff>(size - std::min(size, most)));
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return tail_of(bytes.str(), most);
}

std::string last_lines(const std::string& text, int lines) {
    auto at = text.size();
    if (at > 0 && text.back() == '\n') --at;
    for (; lines > 0 && at != std::string::npos; --lines)
        at = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    return at == std::string::npos ? text : text.substr(at + 1);
}

std::string without_secrets(std::string text, const nodewire::Orders& orders) {
    constexpr std::string_view instead = "[secret]";
    for (const std::string& secret : secrets_of(orders))
        for (auto at = text.find(secret); at != std::string::npos;
             at = text.find(secret, at + instead.size()))
            text.replace(at, secret.size(), instead);
    return text;
}

nodewire::LogReply read_log(const nodewire::LogRequest& request,
                            const nodewire::Orders& orders,
                            const LogFiles& files) {
    return {.node = request.node,
            .program = end_of_log(files.program, request.lines, nodewire::program_log_max, orders),
            .init_script = end_of_log(
                files.init_script, request.lines, nodewire::init_script_log_max, orders)};
}

}  // namespace hopyard::node
