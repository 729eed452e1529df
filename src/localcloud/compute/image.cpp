#include "localcloud/compute/image.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/encoding.h"

namespace hopyard::localcloud::compute {
namespace {

namespace fs = std::filesystem;

Failure mend(std::string code, const fs::path& image, std::string_view what) {
    return Failure(Error{.kind = ErrorKind::unavailable,
                         .code = std::move(code),
                         .message = fmt::format("{} {}.", what, image.string()),
                         .field = "/image",
                         .owner = Owner::administrator,
                         .next_action = "Run tools/build-image " + image.string() + "."});
}

Failure damaged(const fs::path& image, std::string_view how) {
    return mend("image_damaged", image, fmt::format("The machine image is damaged ({}):", how));
}

char type_letter(mode_t mode) {
    if (S_ISREG(mode)) return 'f';
    if (S_ISDIR(mode)) return 'd';
    if (S_ISLNK(mode)) return 'l';
    if (S_ISCHR(mode)) return 'c';
    if (S_ISBLK(mode)) return 'b';
    return S_ISFIFO(mode) ? 'p' : 's';
}

/// A line of `find -printf '%P %y %m %U %G %s'`, with the link's target instead of a file's size.
std::string line_of(const fs::path& path, const std::string& name, const struct stat& facts) {
    std::string last;
    std::error_code ignored;
    if (S_ISREG(facts.st_mode)) last = std::to_string(facts.st_size);
    if (S_ISLNK(facts.st_mode)) last = fs::read_symlink(path, ignored).string();
    return fmt::format("{} {} {:o} {} {} {}\n",
                       name,
                       type_letter(facts.st_mode),
                       facts.st_mode & 07777U,
                       facts.st_uid,
                       facts.st_gid,
                       last);
}

/// Empty when the tree cannot be read whole.
std::string tree_hash(const fs::path& root) {
    struct stat top {};
    if (lstat(root.c_str(), &top) != 0) return {};
    std::vector<std::string> lines = {line_of(root, "", top)};
    std::error_code error;
    const std::size_t skip = root.string().size() + 1;
    for (fs::recursive_directory_iterator each(root, error), end; each != end && !error;
         each.increment(error)) {
        struct stat facts {};
        if (lstat(each->path().c_str(), &facts) != 0) return {};
        lines.push_back(line_of(each->path(), each->path().string().substr(skip), facts));
        if (facts.st_dev != top.st_dev) each.disable_recursion_pending();
    }
    if (error) return {};
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const auto& line : lines) text += line;
    return to_hex(sha256(text));
}

std::string manifest_field(const fs::path& manifest, const std::string& name) {
    std::ifstream file(manifest);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
    return {};
}

}  // namespace

Result<void> check_image(const fs::path& image) {
    std::error_code ignored;
    const fs::path manifest = image / "manifest", root = image / "rootfs";
    if (!fs::exists(manifest, ignored) && !fs::exists(root, ignored))
        return mend("image_missing", image, "There is no machine image at");
    const std::string wanted = manifest_field(manifest, "tree");
    if (wanted.empty()) return damaged(image, "its manifest is missing or says nothing");
    if (tree_hash(root) != wanted) return damaged(image, "files are missing, added or changed");
    return {};
}

}  // namespace hopyard::localcloud::compute
