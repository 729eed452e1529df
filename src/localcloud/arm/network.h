// The network provider: security groups and their rules, virtual networks and their subnets, public
// addresses, interfaces. Everything succeeds at once, so a PUT is answered Succeeded without an
// operation; a DELETE is an operation, as its contract says. A change that machines feel is made
// before it is answered.
//
// Subnets and rules live in the document of their parent; what refers to a resource (the interface
// of an address, the machine of an interface) is derived when it is shown, never stored twice.
#pragma once

#include "localcloud/arm/core.h"
#include "localcloud/arm/routes.h"

namespace hopyard::localcloud {

void add_network_routes(Routes& routes);
void define_network_work(Executor& executor, Fabric& fabric);

Json show_security_group(Core& core, const Resource& group);
Json show_network(Core& core, const Resource& network);
Json show_public_address(Core& core, const Resource& address);
Json show_interface(Core& core, const Resource& interface);

/// The pieces that the parts of the provider share.
void add_security_group_routes(Routes& routes);
void add_virtual_network_routes(Routes& routes);
void add_public_address_routes(Routes& routes);
void add_interface_routes(Routes& routes);

/// `etag`, `id` and `type` of a resource, and of the children in that list.
Json framed(const Resource& resource);
void frame_children(Json& shown, const std::string& list, const Resource& parent);
/// 201 for a new resource, 200 for a changed one.
Outcome network_put_reply(Core& core, const std::optional<Resource>& before, Json shown);
/// 202 with the headers of a network deletion; the operation does `kind` with those arguments.
Outcome network_delete_reply(
    Core& core, const Call& call, Batch batch, std::string kind, Json arguments);
/// Makes the changed rules or addresses stand on this machine.
tl::expected<void, Fault> apply_ports(Core& core, const std::vector<std::string>& interface_ids);
/// 400 InvalidResourceReference.
Fault invalid_reference(const std::string& referenced, const std::string& by);
/// 400 for a reference to a resource that does not exist.
tl::expected<Resource, Fault> must_refer(Core& core, const std::string& id, const std::string& by);
/// Merges `tags` (PATCH, replaces the whole set) into the resource and shows it.
Outcome patch_tags(Core& core, const Call& call, Json (*show)(Core&, const Resource&));
/// The frame of a new network resource: name, id, type, location, tags.
tl::expected<Json, Fault> network_frame(Core& core,
                                        const Call& call,
                                        const std::optional<Resource>& before);

}  // namespace hopyard::localcloud
