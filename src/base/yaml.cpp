#include "base/yaml.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

namespace hopyard {
namespace {

using nlohmann::ordered_json;

constexpr int depth_max = 32;

ordered_json scalar(const YAML::Node& node) {
    const std::string text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text == "true" || text == "false") return text == "true";
    if (text == "~" || text == "null" || text.empty()) return nullptr;
    if (text.find_first_not_of("0123456789+-.eE") == std::string::npos) {
        const ordered_json number = ordered_json::parse(text, nullptr, false);
        if (number.is_number()) return number;
    }
    return text;
}

/// Aliases are expanded by the library, so the number of values is bounded here.
ordered_json from_node(const YAML::Node& node, int depth, int& budget) {
    if (depth > depth_max) throw YAML::Exception(node.Mark(), "nested more than 32 levels deep");
    if (--budget < 0) throw YAML::Exception(node.Mark(), "more than 20,000 values");
    if (node.IsMap()) {
        ordered_json object = ordered_json::object();
        for (const auto& member : node) {
            const std::string name = member.first.Scalar();
            if (object.contains(name))
                throw YAML::Exception(member.first.Mark(), "'" + name + "' stands twice");
            object[name] = from_node(member.second, depth + 1, budget);
        }
        return object;
    }
    if (node.IsSequence()) {
        ordered_json array = ordered_json::array();
        for (const auto& member : node) array.push_back(from_node(member, depth + 1, budget));
        return array;
    }
    return node.IsScalar() ? scalar(node) : ordered_json(nullptr);
}

void emit(YAML::Emitter& out, const ordered_json& value) {
    if (value.is_object()) {
        out << YAML::BeginMap;
        for (const auto& [name, member] : value.items()) {
            out << YAML::Key << name << YAML::Value;
            emit(out, member);
        }
        out << YAML::EndMap;
    } else if (value.is_array()) {
        out << YAML::BeginSeq;
        for (const auto& member : value) emit(out, member);
        out << YAML::EndSeq;
    } else if (value.is_string()) {
        out << YAML::DoubleQuoted << value.get<std::string>();
    } else if (value.is_null()) {
        out << YAML::Null;
    } else {
        out << value.dump();
    }
}

}  // namespace

Result<std::string> yaml_to_json(std::string_view yaml) {
    if (yaml.size() > (1u << 20))
        return refuse("", "too_large", "the file has more than 1 MiB", "Shorten it.");
    try {
        int budget = 20'000;
        return from_node(YAML::Load(std::string(yaml)), 0, budget).dump();
    } catch (const YAML::Exception& malformed) {
        return refuse("",
                      "malformed_yaml",
                      fmt::format("line {}: {}", malformed.mark.line + 1, malformed.msg),
                      "Mend the file; 'hopyard cluster create --example' prints a good one.");
    } catch (const ordered_json::exception&) {
        return refuse("", "malformed_yaml", "the file is not UTF-8", "Save it as UTF-8.");
    }
}

std::string json_to_yaml(std::string_view json) {
    YAML::Emitter out;
    emit(out, ordered_json::parse(json, nullptr, false));
    return std::string(out.c_str()) + "\n";
}

}  // namespace hopyard
