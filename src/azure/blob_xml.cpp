#include "azure/blob_xml.h"

#include <sstream>

#include <pugixml.hpp>

namespace hopyard::azure {
namespace {

bool load(pugi::xml_document& document, std::string_view xml) {
    return static_cast<bool>(document.load_buffer(xml.data(), xml.size()));
}

void add(pugi::xml_node& parent, const char* name, const std::string& text) {
    if (!text.empty()) parent.append_child(name).text().set(text.c_str());
}

}  // namespace

std::optional<BlobPage> read_blob_page(std::string_view xml) {
    pugi::xml_document document;
    if (!load(document, xml)) return std::nullopt;
    const auto root = document.child("EnumerationResults");
    if (!root) return std::nullopt;
    BlobPage page;
    for (const auto& entry : root.child("Blobs").children())
        page.names.emplace_back(entry.child("Name").text().get());
    page.next_marker = root.child("NextMarker").text().get();
    return page;
}

std::optional<std::vector<AccessPolicy>> read_policies(std::string_view xml) {
    std::vector<AccessPolicy> policies;
    if (xml.empty()) return policies;
    pugi::xml_document document;
    if (!load(document, xml)) return std::nullopt;
    const auto root = document.child("SignedIdentifiers");
    if (!root) return std::nullopt;
    for (const auto& entry : root.children("SignedIdentifier")) {
        const auto policy = entry.child("AccessPolicy");
        policies.push_back({.id = entry.child("Id").text().get(),
                            .start = policy.child("Start").text().get(),
                            .expiry = policy.child("Expiry").text().get(),
                            .permission = policy.child("Permission").text().get()});
    }
    return policies;
}

std::string write_policies(const std::vector<AccessPolicy>& policies) {
    pugi::xml_document document;
    auto declaration = document.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "utf-8";
    auto root = document.append_child("SignedIdentifiers");
    for (const AccessPolicy& one : policies) {
        auto entry = root.append_child("SignedIdentifier");
        entry.append_child("Id").text().set(one.id.c_str());
        auto policy = entry.append_child("AccessPolicy");
        add(policy, "Start", one.start);
        add(policy, "Expiry", one.expiry);
        add(policy, "Permission", one.permission);
    }
    std::ostringstream out;
    document.save(out, "", pugi::format_raw);
    return out.str();
}

}  // namespace hopyard::azure
