// A cloud as state and rules: what exists, who holds what, which operations are under way. Its
// methods take effect at once and know nothing of networks that lose replies; cloud_front.h stands
// between it and the control plane. It is modelled after Azure's Resource Manager: an interface is
// attached to one machine, what is in use cannot be deleted, a machine's content cannot be changed
// by a second put, operations end later and may end badly.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cloud/cloud.h"
#include "simulation/engine.h"
#include "simulation/faults.h"
#include "simulation/trace.h"

namespace hopyard::simulation {

using cloud::Accepted;
using cloud::ResourceKind;
using cloud::ResourceName;
using cloud::Seen;

inline constexpr const char* resource_group = "lab";
inline constexpr const char* location = "here";
inline constexpr const char* users_network = "office";
inline constexpr const char* users_subnet = "desks";
inline constexpr const char* users_security_group = "office-rules";

std::string to_string(const ResourceName& name);
/// The cloud's own id of a resource.
std::string native_id(const ResourceName& name);
/// Value of a tag, or "".
std::string tag_of(const std::vector<model::Tag>& tags, std::string_view name);

struct Thing {
    cloud::PutRequest request;  ///< as it was last put
    Seen seen;
    bool foreign = false;
    ResourceName held_by;   ///< interface and disk: the machine; address: the interface
    std::string operation;  ///< under way
    std::uint64_t change = 0;
};

/// What somebody else has to know of machines.
class MachineWatcher {
  public:
    virtual ~MachineWatcher() = default;
    virtual void machine_on(const Thing& machine) = 0;
    virtual void machine_off(const Thing& machine) = 0;
    virtual void machine_gone(const Thing& machine) = 0;
};

class CloudModel {
  public:
    CloudModel(Queue& queue, Faults& faults, Random& random, Findings& findings, Trace& trace);
    void watch(MachineWatcher& watcher) { watcher_ = &watcher; }
    /// What people and other installations have in the same subscription.
    void add_foreign_things();

    Result<Accepted> put(const cloud::PutRequest& request);
    Result<Accepted> remove(const ResourceName& name);
    Result<Accepted> power(const ResourceName& name, cloud::PowerAction action);
    Result<Accepted> resize(const ResourceName& name, const std::string& size);
    Result<cloud::OperationState> poll(const std::string& url);
    /// As it was that long ago.
    Result<std::optional<Seen>> read(const ResourceName& name, Milliseconds ago);
    /// `others_too`: a cloud whose filter by tag is not exact.
    cloud::Listing list(const InstallationId& installation, Milliseconds ago, bool others_too);

    const std::map<ResourceName, Thing>& things() const { return things_; }
    const Thing* find(const ResourceName& name) const;
    /// Every machine that ever was, by its own id.
    const std::map<std::string, ResourceName>& machines_ever() const { return machines_ever_; }
    /// Foreign things that are not as they were.
    std::vector<std::string> disturbed_foreign_things() const;
    int vcpus(const std::string& size) const;
    std::int64_t cores_in_use() const;

    // What machines do by themselves.
    void stop_by_itself(const ResourceName& machine, bool deallocated);
    void vanish(const ResourceName& machine);

  private:
    struct Operation {
        Timestamp ends_at;
        bool ended = false;
        bool forgotten = false;
        std::optional<Error> failure;
    };
    using Step = std::function<std::optional<Error>(Thing&)>;

    Result<Accepted> put_new(const cloud::PutRequest& request);
    Result<Accepted> put_over(Thing& thing, const cloud::PutRequest& request);
    Result<Accepted> put_child(const cloud::PutRequest& request);
    std::optional<Error> refuses_interface(const cloud::WantedInterface& wanted) const;
    std::optional<Error> refuses_machine(const cloud::PutRequest& request);
    Result<Accepted> put_machine(const cloud::PutRequest& request);
    void add_disk(Thing& machine);
    Result<Accepted> begin_creation(Thing& machine);
    std::optional<Error> finish_creation(Thing& machine);
    std::optional<Error> in_use(const Thing& thing) const;
    Result<Accepted> remove_machine(Thing& machine);
    void drop_machine(const ResourceName& name);
    void drop(const ResourceName& name);
    /// Nothing follows it: what is asked of a machine waits for nothing of another.
    Accepted operate(Thing& thing, Milliseconds least, Milliseconds most, Step step);
    std::optional<Error> lacks_capacity(const std::string& size);
    /// Of spot machines alone; the same on demand may be there.
    std::optional<Error> lacks_spot_capacity(const cloud::WantedMachine& wanted);
    std::optional<Error> exceeds_quota(const std::string& size);
    void set_power(Thing& machine, cloud::Power power);
    void remember(const ResourceName& name);
    bool ours(const ResourceName& name, const char* verb);
    std::string next_public_address();
    /// The lowest one, as clouds do: that of an interface that is gone comes again.
    std::string free_private_address() const;

    Queue& queue_;
    Faults& faults_;
    Random& random_;
    Findings& findings_;
    Trace& trace_;
    MachineWatcher* watcher_ = nullptr;
    std::map<ResourceName, Thing> things_;
    std::map<ResourceName, Thing> foreign_;  ///< as they were
    std::map<std::string, Operation> operations_;
    std::map<std::string, ResourceName> machines_ever_;
    std::map<ResourceName, std::vector<std::pair<Timestamp, std::optional<Seen>>>> history_;
    std::map<std::string, Timestamp> no_capacity_until_;
    std::map<std::string, Timestamp> no_spot_capacity_until_;
    Timestamp quota_full_until_;
    std::uint64_t next_id_ = 1;
    int next_address_ = 4;
};

}  // namespace hopyard::simulation
