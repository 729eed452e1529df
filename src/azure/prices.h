// Azure's public price list, the Retail Prices API: no token, pages of up to 1,000 meters.
// https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "azure/connection.h"
#include "cloud/prices.h"
#include "http/transport.h"

namespace hopyard::azure {

class RetailPrices final : public cloud::PriceSource {
  public:
    RetailPrices(const Options& options, http::Transport& transport, const Clock& clock)
        : options_(options), transport_(transport), clock_(clock) {}

    Result<cloud::PriceList> prices(const std::string& location) override;
    Result<std::vector<cloud::PriceList>> parse_prices(std::string_view pages) const override;

  private:
    Result<std::string> page(const std::string& url);

    const Options& options_;
    http::Transport& transport_;
    const Clock& clock_;
};

}  // namespace hopyard::azure
