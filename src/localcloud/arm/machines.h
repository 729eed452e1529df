// The compute provider's machines: what a request may ask, what a reply shows, and the work in
// between.
//
// A machine's document holds what a GET shows. Its hidden part holds the rest:
//   userData      base64, shown with $expand=userData only
//   createOnly    digest of what cannot change after the first PUT (custom data and keys included)
//   power         "running", "stopped" or "deallocated": what was last asked for, or what the
//   machine
//                 did by itself. A restart of the program or of the host brings back "running" only
//   transition    "creating", "starting", … while an operation is under way, else ""
//   onHost        its disk was made
//   failure       code and text of a failed provisioning
#pragma once

#include "localcloud/arm/catalog.h"
#include "localcloud/arm/core.h"
#include "localcloud/arm/routes.h"

namespace hopyard::localcloud {

inline constexpr const char* machine_type = "Microsoft.Compute/virtualMachines";
inline constexpr const char* disk_type = "Microsoft.Compute/disks";

enum class Shows { model, with_view };

void add_machine_routes(Routes& routes);
void add_disk_routes(Routes& routes);
/// The operations on machines, and the watch for those that stop by themselves.
void define_machine_work(Executor& executor, Ledger& ledger, Fabric& fabric, const Clock& clock);

Json show_machine(Core& core, const Resource& machine, Shows shows);
Json instance_view(Core& core, const Resource& machine);
/// The operation of a PUT, PATCH, POST or DELETE, with its headers.
Outcome machine_reply(
    Core& core, const Call& call, int status, const Resource* shown, const Operation& operation);
/// The whole machine of a PUT, checked. `before`: the machine as it stands.
tl::expected<Resource, Fault> build_machine(Core& core,
                                            const Call& call,
                                            const std::optional<Resource>& before);
/// 409 with Azure's quota text when the size does not fit beside the other machines.
tl::expected<void, Fault> check_quota(Core& core,
                                      const Call& call,
                                      const Size& size,
                                      const std::string& location);
tl::expected<Size, Fault> check_size(Core& core,
                                     const std::string& name,
                                     const std::string& location);
/// No capacity for the size just now, as Azure says it.
Fault no_capacity(const Size& size, const std::string& location);
/// `priority`, `evictionPolicy` and `billingProfile` as a GET shows them.
tl::expected<Json, Fault> read_spot(Core& core,
                                    const Call& call,
                                    const std::optional<Resource>& before,
                                    const Size& size);
bool is_spot(const Json& machine);
/// Eviction policies. Azure deallocates what names none.
inline constexpr const char* evicts_to_nothing = "Delete";
inline constexpr const char* evicts_to_deallocated = "Deallocate";
tl::expected<Json, Fault> read_machine_identity(Core& core, const Call& call, const Json& wanted);
tl::expected<void, Fault> check_base64(const std::string& property, const std::string& text);
/// The root disk's resource, as it stands while the machine has it.
Resource disk_of_machine(Core& core, const Resource& machine);

}  // namespace hopyard::localcloud
