#include "model/label.h"

#include <algorithm>

namespace hopyard::model {
namespace {

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

}  // namespace

bool is_label(const std::string& name, std::size_t length_max) {
    return !name.empty() && name.size() <= length_max && is_lower(name.front()) &&
           name.back() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
               return is_lower(c) || (c >= '0' && c <= '9') || c == '-';
           });
}

}  // namespace hopyard::model
