#include "azure/needed_rights.h"

namespace hopyard::azure {

const cloud::NeededRights& needed_rights() {
    static const cloud::NeededRights rights{
        .always = {{"Microsoft.Compute/virtualMachines/write", "create machines"},
                   {"Microsoft.Compute/virtualMachines/read", "see machines"},
                   {"Microsoft.Compute/virtualMachines/delete", "delete machines"},
                   {"Microsoft.Compute/virtualMachines/start/action", "start machines"},
                   {"Microsoft.Compute/virtualMachines/deallocate/action", "stop machines"},
                   {"Microsoft.Compute/virtualMachines/restart/action", "restart machines"},
                   {"Microsoft.Compute/disks/write", "create disks"},
                   {"Microsoft.Compute/disks/delete", "delete disks"},
                   {"Microsoft.Network/networkInterfaces/read", "see network interfaces"},
                   {"Microsoft.Network/networkInterfaces/write", "create network interfaces"},
                   {"Microsoft.Network/networkInterfaces/delete", "delete network interfaces"},
                   {"Microsoft.Network/networkInterfaces/join/action", "attach network interfaces"},
                   {"Microsoft.Network/virtualNetworks/read", "see virtual networks"},
                   {"Microsoft.Network/virtualNetworks/subnets/join/action", "use the subnet"},
                   {"Microsoft.Network/networkSecurityGroups/read", "see security groups"},
                   {"Microsoft.Network/networkSecurityGroups/join/action",
                    "use the security group"},
                   {"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
                    "attach the identity"},
                   {"Microsoft.Storage/storageAccounts/listKeys/action",
                    "give machines a right on the container"}},
        .for_network = {{"Microsoft.Network/virtualNetworks/write", "create the virtual network"},
                        {"Microsoft.Network/virtualNetworks/delete", "delete the virtual network"}},
        .for_security_group = {{"Microsoft.Network/networkSecurityGroups/write",
                                "create the security group"},
                               {"Microsoft.Network/networkSecurityGroups/delete",
                                "delete the security group"}},
        .for_public_address =
            {{"Microsoft.Network/publicIPAddresses/write", "create the public address"},
             {"Microsoft.Network/publicIPAddresses/delete", "delete the public address"},
             {"Microsoft.Network/publicIPAddresses/join/action", "attach the public address"}},
        .identity_data = {
            {"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "read blobs"},
            {"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
             "write blobs"},
            {"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
             "delete blobs"}}};
    return rights;
}

}  // namespace hopyard::azure
