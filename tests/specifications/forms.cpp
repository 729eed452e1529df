#include "specifications/forms.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/yaml.h"

namespace hopyard::specifications {
namespace {

using nlohmann::ordered_json;

std::string run(const std::string& script) {
    std::string path = "/tmp/hopyard-script-XXXXXX";
    const int handle = ::mkstemp(path.data());
    if (handle < 0) throw std::runtime_error("no temporary file");
    ::close(handle);
    std::ofstream(path, std::ios::binary) << script;
    std::string out;
    {
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("sh " + path).c_str(), "r"),
                                                         ::pclose);
        char buffer[4096];
        for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;)
            out.append(buffer, n);
    }
    ::unlink(path.c_str());
    return out;
}

/// Takes the member out, as the flag's value; false when there is none that a flag could say.
bool take(ordered_json& from, const char* member, const char* flag, std::vector<std::string>& to) {
    if (!from.contains(member) || from[member].is_null()) return false;
    const ordered_json value = from[member];
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.empty() || (value.is_number() && value.get<long>() <= 0)) return false;
    to.push_back(std::string(flag) + "=" + text);
    from.erase(member);
    return true;
}

void take_workers(ordered_json& spec, std::vector<std::string>& to) {
    const ordered_json& groups = spec["workers"];
    if (groups.size() != 1 || groups[0]["count"].get<long>() < 0) return;
    to.push_back(fmt::format("--workers={}", groups[0]["count"].get<long>()));
    to.push_back("--worker-type=" + groups[0]["instanceType"].get<std::string>());
    to.push_back(fmt::format("--worker-disk={}", groups[0]["diskGb"].get<long>()));
    spec.erase("workers");
}

/// "name=value" cannot say a name with an equals sign.
void take_tags(ordered_json& spec, std::vector<std::string>& to) {
    ordered_json left = ordered_json::object();
    for (const auto& [name, value] : spec["tags"].items()) {
        if (name.find('=') == std::string::npos) {
            to.push_back("--tag=" + name + "=" + value.get<std::string>());
        } else {
            left[name] = value;
        }
    }
    spec["tags"] = std::move(left);
}

std::string shape_of(const ordered_json& shape) {
    std::string text;
    for (const auto& [name, value] : shape.items())
        text += (text.empty() ? "" : ",") + name + "=" + value.dump();
    return text;
}

std::string hours_of(const ordered_json& entry) {
    std::string days;
    for (const std::string day : entry["days"]) days += (days.empty() ? "" : ",") + day;
    if (days == "mon,tue,wed,thu,fri") days = "mon-fri";
    return fmt::format("{}{}{}-{} min={}",
                       days,
                       days.empty() ? "" : " ",
                       entry["from"].get<std::string>(),
                       entry["to"].get<std::string>(),
                       entry["minWorkers"].dump());
}

/// Each member by its flag; one that has none makes the test fail.
void add_group(const ordered_json& group, const std::string& prefix, std::vector<std::string>& to) {
    const std::map<std::string, std::string> flags = {{"instanceType", "type"},
                                                      {"diskGb", "disk"},
                                                      {"minWorkers", "min"},
                                                      {"maxWorkers", "max"},
                                                      {"standbyWorkers", "standby"},
                                                      {"downscaleWaitSeconds", "wait"}};
    const auto add = [&](const std::string& flag, const std::string& value) {
        to.push_back(prefix + flag + "=" + value);
    };
    for (const auto& [name, value] : group.items()) {
        if (name == "fallbackTypes") {
            for (const std::string type : value) add("fallback", type);
        } else if (name == "spot") {
            add("spot", value["maxPricePercent"].dump());
            add("spot-fallback", value["fallBackOnDemand"].get<bool>() ? "yes" : "no");
        } else if (name == "standbyShape") {
            add("standby-shape", shape_of(value));
        } else if (name == "schedule") {
            for (const ordered_json& entry : value) add("schedule", hours_of(entry));
        } else {
            add(flags.at(name), value.is_string() ? value.get<std::string>() : value.dump());
        }
    }
}

}  // namespace

std::vector<Forms> read_forms() {
    const char* path = std::getenv("HOPYARD_FORMS");
    if (path == nullptr)
        throw std::runtime_error("HOPYARD_FORMS names no file; use the script run");
    std::vector<Forms> all;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        const auto each = ordered_json::parse(line);
        all.push_back({.seed = each["seed"],
                       .body = each["body"],
                       .yaml = each["yaml"],
                       .command = each["command"],
                       .curl = each["curl"]});
    }
    return all;
}

Invocation invoked(const std::string& program, const std::string& script) {
    const std::string out = run(program +
                                "() { for word; do printf '%s\\0' \"$word\"; done; printf '\\0'; "
                                "cat; }\nexec </dev/null\nHOPYARD_API_KEY=key\n" +
                                script);
    Invocation found;
    std::size_t at = 0;
    for (;;) {
        const auto end = out.find('\0', at);
        if (end == std::string::npos) throw std::runtime_error(program + " was not called");
        const std::string word = out.substr(at, end - at);
        at = end + 1;
        if (word.empty()) break;
        found.words.push_back(word);
    }
    found.input = out.substr(at);
    return found;
}

std::vector<std::string> as_flags(const std::string& body, const std::string& file) {
    auto spec = ordered_json::parse(body);
    std::vector<std::string> words = {"cluster", "create", "-f", file};
    if (const std::string name = spec["name"]; !name.empty()) {
        words.push_back(name);
        spec.erase("name");
    }
    take(spec, "resourceGroup", "--resource-group", words);
    take(spec["head"], "instanceType", "--head-type", words);
    take(spec["head"], "diskGb", "--head-disk", words);
    take(spec["storage"], "account", "--account", words);
    take(spec["storage"], "container", "--container", words);
    take(spec, "sshKey", "--ssh-key", words);
    take(spec, "identity", "--identity", words);
    take_workers(spec, words);
    take_tags(spec, words);
    std::ofstream(file, std::ios::binary) << json_to_yaml(spec.dump());
    return words;
}

std::vector<std::string> as_autoscale_flags(const std::string& body, const std::string& cluster) {
    const auto spec = ordered_json::parse(body);
    if (!spec.contains("autoscale")) return {};
    const ordered_json& policy = spec["autoscale"];
    std::vector<std::string> words = {
        "autoscale", "set", cluster, "--mode=" + policy["mode"].get<std::string>()};
    add_group(policy["general"], "--", words);
    if (policy.contains("gpu")) add_group(policy["gpu"], "--gpu-", words);
    return words;
}

}  // namespace hopyard::specifications
