// Randomness as a collaborator: the system's for keys and ids, a seeded one for tests and
// simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hopyard {

class Random {
  public:
    virtual ~Random() = default;
    virtual std::uint64_t next() = 0;
};

/// The kernel's generator (through libsodium): fit for keys and passwords. Thread-safe.
class SystemRandom final : public Random {
  public:
    std::uint64_t next() override;
};

/// SplitMix64 (Steele, Lea, Flood 2014): equal seeds give equal sequences on every machine.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() override;

  private:
    std::uint64_t state_;
};

/// Uniform in [0, bound); bound must be positive.
std::uint64_t below(Random& random, std::uint64_t bound);
/// True with that probability in [0, 1].
bool chance(Random& random, double probability);
std::string random_bytes(Random& random, std::size_t count);
/// `length` characters of "abcdefghjkmnpqrstuvwxyz23456789": no two look alike when read aloud.
std::string random_word(Random& random, std::size_t length);
/// A version 4 UUID (RFC 9562).
std::string random_uuid(Random& random);

}  // namespace hopyard
