#include "cli/input.h"

#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include <zlib.h>

#include "base/encoding.h"
#include "base/read_file.h"

namespace hopyard::cli {

Result<std::string> read_input(const std::string& path) {
    if (path == "-")
        return std::string(std::istreambuf_iterator<char>(std::cin),
                           std::istreambuf_iterator<char>());
    auto text = read_file(path);
    if (!text) return refuse("", "file_unreadable", "cannot read " + path, "Name a readable file.");
    return std::move(*text);
}

Result<std::string> read_packed(const std::string& path) {
    if (path == "-") return read_input(path);
    const std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file(gzopen(path.c_str(), "rb"), gzclose);
    if (!file) return refuse("", "file_unreadable", "cannot read " + path, "Check the path.");
    std::string text;
    std::array<char, 65'536> part{};
    int length = 0;
    while ((length = gzread(file.get(), part.data(), part.size())) > 0)
        text.append(part.data(), static_cast<std::size_t>(length));
    // At the end of a file that was cut off it says so in its state alone.
    int state = Z_OK;
    gzerror(file.get(), &state);
    if (length == 0 && state == Z_OK) return text;
    return refuse("", "file_unreadable", path + " is cut off or damaged", "Fetch it again.");
}

Result<void> save_file(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    if (out.flush()) return {};
    return refuse("", "file_not_written", path + " cannot be written", "Choose another path.");
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
