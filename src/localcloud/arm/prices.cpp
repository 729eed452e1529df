#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

constexpr double per_vcpu = 0.05;
constexpr double per_gpu = 0.8;

/// What stands in quotes behind "NAME eq".
std::string value_in(const std::string& filter, const std::string& name) {
    const std::size_t at = filter.find(name + " eq '");
    if (at == std::string::npos) return "";
    const std::size_t from = at + name.size() + 5;
    return filter.substr(from, filter.find('\'', from) - from);
}

}  // namespace

std::string price_list(const Core& core, const std::string& filter) {
    const std::string location = normal_location(value_in(filter, "armRegionName"));
    Json items = Json::array();
    if (core.catalog.knows_location(location)) {
        for (const Size& size : core.catalog.sizes()) {
            const double price = per_vcpu * size.vcpus + per_gpu * size.gpus;
            const std::string short_name = size.name.substr(size.name.find('_') + 1);
            items.push_back({{"currencyCode", "USD"},
                             {"tierMinimumUnits", 0.0},
                             {"retailPrice", price},
                             {"unitPrice", price},
                             {"armRegionName", location},
                             {"location", location},
                             {"effectiveStartDate", "2026-01-01T00:00:00Z"},
                             {"meterName", short_name},
                             {"productName", "Virtual Machines of this machine (rehearsal)"},
                             {"skuName", short_name},
                             {"serviceName", "Virtual Machines"},
                             {"serviceFamily", "Compute"},
                             {"unitOfMeasure", "1 Hour"},
                             {"type", "Consumption"},
                             {"isPrimaryMeterRegion", true},
                             {"armSkuName", size.name}});
        }
    }
    const std::size_t count = items.size();
    return to_text(Json{{"BillingCurrency", "USD"},
                        {"CustomerEntityId", "Default"},
                        {"CustomerEntityType", "Retail"},
                        {"Items", std::move(items)},
                        {"NextPageLink", nullptr},
                        {"Count", count}});
}

}  // namespace hopyard::localcloud
