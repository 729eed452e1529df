// One weighing of a specification against the facts: the checks are in the order of the twelve
// steps, in preflight.cpp, and those of network and security group in network.cpp. Private to this
// folder.
#pragma once

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "decide/preflight/preflight.h"
#include "model/validate.h"

namespace hopyard::decide {

class Weighing {
  public:
    Weighing(const model::ClusterSpec& spec, const Facts& facts);
    Preflight run();

  private:
    void block(Error error);
    void block(std::string field, std::string code, std::string rule, std::string remedy);
    void warn(std::string field, std::string code, std::string message, std::string remedy);
    void unchecked(std::string field, Error error);

    /// True when the fact is there; else its checks are said to be unchecked.
    template <class T>
    bool known(const Result<T>& fact, const char* field, const char* what) {
        if (fact) return true;
        Error error = fact.error();
        error.message = fmt::format("{} could not be read: {}", what, error.message);
        unchecked(field, std::move(error));
        return false;
    }
    /// The entry of that name (case does not count in Azure's names), or nothing.
    template <class T>
    static const T* named(const std::vector<T>& list, const std::string& name) {
        const auto found = std::find_if(list.begin(), list.end(), [&](const T& entry) {
            return to_lower(entry.name) == to_lower(name);
        });
        return found == list.end() ? nullptr : &*found;
    }
    /// `none` is the remedy when there is nothing to choose from.
    template <class T>
    static std::string choices(const std::vector<T>& list, const char* none) {
        std::string out;
        for (std::size_t i = 0; i < list.size() && i < 5; ++i)
            out += (i == 0 ? "" : ", ") + list[i].name;
        if (list.empty()) return none;
        return "There are: " + out + (list.size() > 5 ? ", …" : "") + ".";
    }

    void general();
    bool location_exists();
    const cloud::ResourceGroup* group(const char* field, const std::string& name);
    const cloud::Size* size(const std::string& field, const std::string& name);
    void sizes_and_quotas();
    void need(const cloud::Size& machine,
              int count,
              const std::optional<model::SpotSpec>& spot = std::nullopt);
    /// `field` is to blame when the quota of that name is not enough.
    void need(const std::string& name, std::int64_t amount, const char* field);
    void quotas();
    /// Which field is to blame when there is no room for all machines.
    std::string field_of_workers() const;
    void cost();
    void container();
    bool account_exists();
    void ssh_key();
    void identity();
    void permissions();
    void network_permissions(const std::vector<cloud::Permission>& held,
                             const std::string& in_group,
                             const char* field);
    void need_actions(const std::vector<cloud::NeededRight>& rights,
                      const std::vector<cloud::Permission>& held,
                      const std::string& in_group,
                      const char* field);
    void resources();
    void warnings();

    // autoscale.cpp
    void autoscale(const model::AutoscaleSpec& policy, bool usages);
    void scaled_group(const std::string& at, const model::ScaleSpec& group, bool usages);
    void shape_of_group(const std::string& at,
                        const model::StandbyShape& shape,
                        const std::vector<const cloud::Size*>& types);
    void gpus_of_type(const std::string& field, const cloud::Size& type);
    void room_to_grow(const model::AutoscaleSpec& policy);
    /// The workers that are made at once: those by count and the minimum of the autoscaler.
    std::vector<model::WorkerGroupSpec> from_start() const;

    // network.cpp
    void network();
    void existing_network(model::NetworkSpec& wanted);
    void existing_subnet(const model::NetworkSpec& wanted, const cloud::Network& network);
    void new_network(model::NetworkSpec& wanted);
    void new_subnet(model::NetworkSpec& wanted, const cloud::Network& network);
    bool free_subnet(model::NetworkSpec& wanted, const cloud::Network& network);
    void subnet_inside(const model::Cidr& subnet, const cloud::Network& network);
    void overlaps(const model::Cidr& own);
    void room(const char* field, const std::optional<model::Cidr>& subnet);
    void security_group();
    void traffic(const cloud::SecurityGroup& group);
    void asked_ports(const cloud::SecurityGroup& group);
    bool network_is_apart() const;

    const Facts& facts_;
    Preflight out_;
    std::map<std::string, std::string> quota_fields_;  ///< by the quota's name
    std::optional<model::Cidr> subnet_;                ///< of the machines, as far as it is known
};

}  // namespace hopyard::decide
