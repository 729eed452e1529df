#include "base/read_file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace hopyard {

std::optional<std::string> read_file(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::string text;
    char part[16 << 10];
    ssize_t count = 0;
    while ((count = read(file, part, sizeof part)) > 0 || (count < 0 && errno == EINTR))
        if (count > 0) text.append(part, static_cast<std::size_t>(count));
    close(file);
    if (count < 0) return std::nullopt;
    return text;
}

}  // namespace hopyard
