#include "wrong_setups/table.h"

#include <set>

#include <fmt/format.h>

#include "base/yaml.h"

namespace hopyard::wrong_setups {
namespace {

using nlohmann::json;

constexpr std::size_t refused_at_least = 60;

Failure malformed(const std::string& name, const std::string& what) {
    return refuse("", "table_malformed", name + ": " + what, "Mend the table.");
}

Result<Setting> setting_of(const json& from, const std::string& name) {
    for (const auto& [key, value] : from.items())
        if (!value.is_object()) return malformed(name, key + " is no patch");
    return Setting{from.value("cloud", json::object()), from.value("spec", json::object())};
}

Result<void> read_findings(const json& from, const std::string& weight, Entry& entry) {
    const json list = from.is_array() ? from : json::array({from});
    for (const json& each : list) {
        Finding finding{.weight = weight};
        for (const auto& [key, value] : each.items()) {
            if (key == "made" && value.is_boolean()) {
                finding.made = value;
                continue;
            }
            std::string* const text = key == "field"    ? &finding.field
                                      : key == "code"   ? &finding.code
                                      : key == "cause"  ? &finding.cause
                                      : key == "remedy" ? &finding.remedy
                                                        : nullptr;
            if (text == nullptr || !value.is_string())
                return malformed(entry.name, "'" + key + "' is not of a finding");
            *text = value;
        }
        if (finding.code.empty() || finding.cause.empty() || finding.remedy.empty())
            return malformed(entry.name, "a finding has code, cause and remedy");
        entry.findings.push_back(std::move(finding));
    }
    return {};
}

Result<Entry> entry_of(const json& from) {
    if (!from.is_object() || !from.contains("name")) return malformed("an entry", "has no name");
    Entry entry{.name = from["name"].get<std::string>(), .given = {}, .fault = {}, .findings = {}};
    json fault = json::object();
    json given = json::object();
    for (const auto& [key, value] : from.items()) {
        if (key == "name") continue;
        if (key == "given") {
            given = value;
        } else if (key == "cloud" || key == "spec") {
            fault[key] = value;
        } else if (key == "refused") {
            RETURN_IF_ERROR(read_findings(value, "blocking", entry));
        } else if (key == "unchecked") {
            RETURN_IF_ERROR(read_findings(value, "unchecked", entry));
        } else if (key == "warned") {
            RETURN_IF_ERROR(read_findings(value, "warning", entry));
        } else {
            return malformed(entry.name, "what is '" + key + "'?");
        }
    }
    ASSIGN_OR_RETURN(entry.given, setting_of(given, entry.name));
    ASSIGN_OR_RETURN(entry.fault, setting_of(fault, entry.name));
    return entry;
}

}  // namespace

Result<Table> read_table(const std::string& yaml) {
    ASSIGN_OR_RETURN(const std::string text, yaml_to_json(yaml));
    const json document = json::parse(text, nullptr, false);
    Table table;
    ASSIGN_OR_RETURN(table.base, setting_of(document.value("base", json::object()), "base"));
    for (const json& each : document.value("wrong", json::array())) {
        ASSIGN_OR_RETURN(Entry entry, entry_of(each));
        table.entries.push_back(std::move(entry));
    }
    return table;
}

std::vector<std::string> faults_of(const Table& table) {
    std::vector<std::string> faults;
    std::set<std::string> names;
    std::size_t refused = 0;
    for (const Entry& entry : table.entries) {
        if (!names.insert(entry.name).second) faults.push_back(entry.name + ": stands twice");
        if (entry.findings.empty()) faults.push_back(entry.name + ": expects nothing");
        if (entry.fault.cloud.empty() && entry.fault.spec.empty())
            faults.push_back(entry.name + ": nothing is wrong");
        refused += entry.refused();
    }
    if (refused < refused_at_least)
        faults.push_back(fmt::format("{} are refused; at least {}", refused, refused_at_least));
    return faults;
}

Setting patched(Setting setup, const Setting& patch) {
    if (!patch.cloud.is_null()) setup.cloud.merge_patch(patch.cloud);
    if (!patch.spec.is_null()) setup.spec.merge_patch(patch.spec);
    return setup;
}

}  // namespace hopyard::wrong_setups
