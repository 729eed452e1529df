"""Which right each request to the Resource Manager takes, told from its method and path alone:
https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
"""
import json
from pathlib import Path

WORDS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}

# What 'cloud prepare' does, which is its user's own right and no part of the control plane's role.
PREPARATION = {"microsoft.resources/subscriptions/resourcegroups/write",
               "microsoft.compute/sshpublickeys/write",
               "microsoft.managedidentity/userassignedidentities/write",
               "microsoft.storage/storageaccounts/write",
               "microsoft.storage/locations/asyncoperations/read",
               "microsoft.authorization/roleassignments/write",
               "microsoft.resources/subscriptions/providers/read",
               "microsoft.resources/subscriptions/providers/register/action"}


def action_of(method: str, url: str) -> str:
    """The action in lower case; types and names alternate in a path."""
    path = url.partition("?")[0].strip("/").lower()
    before, found, last = path.rpartition("/providers/")
    if found:
        vendor, *parts = last.split("/")
        if not parts or parts == ["register"]:  # the provider itself
            vendor, parts = "microsoft.resources", ["subscriptions", "", "providers", vendor, *parts]
    else:
        vendor, parts = "microsoft.resources", path.split("/")
    types = parts[::2]
    if method == "POST":
        return "/".join([vendor, *types, "action"])
    return "/".join([vendor, *types, WORDS[method]])


def used(captured: Path) -> set[str]:
    """The actions of every captured request, without those of the preparation."""
    actions = set()
    for file in captured.glob("*.json"):
        request = json.loads(file.read_text())["liveRequest"]
        actions.add(action_of(request["method"], request["url"]))
    return actions - PREPARATION
