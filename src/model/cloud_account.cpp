#include "model/cloud_account.h"

#include <algorithm>
#include <string_view>

#include "model/label.h"

namespace hopyard::model {
namespace {

constexpr std::size_t name_length_max = 32;

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

CloudAccountKey cloud_account_key(const OrganisationId& organisation, const std::string& name) {
    if (name == default_cloud_account) return {};
    return {.organisation = organisation, .name = name};
}

bool is_cloud_account_name(const std::string& name) {
    return is_label(name, name_length_max);
}

bool is_guid(const std::string& text) {
    constexpr std::string_view shape = "00000000-0000-0000-0000-000000000000";
    return text.size() == shape.size() &&
           std::equal(text.begin(), text.end(), shape.begin(), [](char c, char wanted) {
               return wanted == '-' ? c == '-' : is_hex(c);
           });
}

std::string cloud_account_secret(const OrganisationId& organisation, const std::string& name) {
    return "cloud-account/" + organisation.value + "/" + name + "/client-secret";
}

}  // namespace hopyard::model
