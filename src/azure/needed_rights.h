// The actions that a cluster's life takes on Azure, by feature: what preflight checks and what a
// custom role is made of. Source: Azure's resource provider operations, as listed in the product's
// reference.
#pragma once

#include "cloud/catalog.h"

namespace hopyard::azure {

const cloud::NeededRights& needed_rights();

}  // namespace hopyard::azure
