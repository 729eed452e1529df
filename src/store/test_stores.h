// A suite that runs on every store: memory, SQLite, and a real PostgreSQL that the test starts and
// removes.
#pragma once

#include <memory>
#include <string>

#include "store/open.h"
#include "store/test_database.h"

namespace hopyard::store {

inline const Secret sealing_key(std::string(32, 'k'));

class EveryStore : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (is("postgresql")) postgres().empty();
        store_ = is("memory") ? open_memory() : another();
        ASSERT_TRUE(store_);
    }
    bool is(const char* kind) const { return GetParam() == std::string(kind); }
    /// A second replica on the same database; not of the one in memory.
    std::unique_ptr<Store> another() {
        auto opened =
            open(is("sqlite") ? "sqlite:" + (dir_ / "a db") : postgres().address(), sealing_key);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }

    Directory dir_;
    std::unique_ptr<Store> store_;
};

inline const auto every_store = testing::Values("memory", "sqlite", "postgresql");
inline std::string name_of_store(const testing::TestParamInfo<const char*>& test) {
    return test.param;
}

}  // namespace hopyard::store
