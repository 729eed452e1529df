#include "cli/input.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "base/encoding.h"

namespace hopyard::cli {

Result<std::string> read_input(const std::string& path) {
    if (path == "-")
        return std::string(std::istreambuf_iterator<char>(std::cin),
                           std::istreambuf_iterator<char>());
    std::ifstream in(path, std::ios::binary);
    if (!in) return refuse("", "file_unreadable", "cannot read " + path, "Check the path.");
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::string>>& parameters) {
    char separator = '?';
    for (const auto& [name, value] : parameters) {
        if (value.empty()) continue;
        path += separator + name + "=" + percent_encode(value);
        separator = '&';
    }
    return path;
}

}  // namespace hopyard::cli
