// Names that become part of other names: of clusters and of cloud accounts.
#pragma once

#include <cstddef>
#include <string>

namespace hopyard::model {

/// Lower-case letters, digits and hyphens, a letter first and no hyphen last; at most that many.
bool is_label(const std::string& name, std::size_t length_max);

}  // namespace hopyard::model
