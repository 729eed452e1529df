// Opening a store: where it lies, which schema it has, and the key that seals its secrets.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "store/store.h"

namespace hopyard::store {

/// 32 bytes for libsodium's secretbox, kept in a file outside the database (0600, made when
/// absent). `permission_denied` when the file is readable by others, `internal` when it is not 32
/// bytes.
Result<Secret> open_sealing_key(const std::string& path, Random& random);

/// "sqlite:/var/lib/hopyard/hopyard.db" or "postgresql:dbname=hopyard host=…" (libpq's words; a
/// password comes from a file, never from the address). Makes and migrates the schema. A database
/// of a newer version, a damaged one, or one sealed with another key is refused and left untouched,
/// with the remedy in the error.
Result<std::unique_ptr<Store>> open(const std::string& address, Secret sealing_key);

/// In memory, same rules. For tests and the simulation. `on_commit` is called before each commit
/// takes effect and may throw: then nothing happened, as if the process had died just before.
std::unique_ptr<Store> open_memory(std::function<void()> on_commit = {});

}  // namespace hopyard::store
