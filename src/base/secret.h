// A value that must not be seen. It cannot be formatted, compared or converted by accident; whoever
// needs the bytes says `reveal()`, which is easy to search for. The bytes are wiped when it dies.
#pragma once

#include <string>
#include <utility>

namespace hopyard {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    bool empty() const { return bytes_.empty(); }
    /// The bytes themselves. Never pass them to a log, an argument list or an error message.
    const std::string& reveal() const { return bytes_; }

  private:
    void wipe();
    std::string bytes_;
};

}  // namespace hopyard
