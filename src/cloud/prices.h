// What machines cost by the hour, as the cloud publishes it. A price is a hint for people: nothing
// waits for one, and where there is none there is no figure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::cloud {

enum class PriceOrigin {
    published,  ///< the vendor's public list
    imported,   ///< the same, brought by an administrator
    rehearsal,  ///< of a cloud that costs nothing
};

/// Of a machine that runs Linux, on demand, without its disk.
struct Price {
    double per_hour = 0;
    std::string currency;  ///< "USD"
    PriceOrigin origin = PriceOrigin::published;
    Timestamp as_of;  ///< when it was read
    bool operator==(const Price&) const = default;
};

struct PriceList {
    struct Entry {
        std::string size;
        double per_hour = 0;
    };
    std::string location;
    std::string currency;
    PriceOrigin origin = PriceOrigin::published;
    Timestamp as_of;
    std::vector<Entry> entries;
};

class PriceSource {
  public:
    virtual ~PriceSource() = default;
    /// Takes seconds: a location has thousands of entries. May be repeated.
    virtual Result<PriceList> prices(const std::string& location) = 0;
    /// Out of what an administrator saved from the public list: one page of it, or an array of
    /// pages; one list for each location in it. `invalid_argument` when it is none.
    virtual Result<std::vector<PriceList>> parse_prices(std::string_view pages) const = 0;
};

}  // namespace hopyard::cloud
