"""The local cloud as Azure's clients see it: signs in with what cloud.json says and asks the Resource
Manager, so that what a cluster is made of is judged by another than our control plane.
"""
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

MACHINE = "Microsoft.Compute/virtualMachines"
GROUP_RULES = "Microsoft.Network/networkSecurityGroups"


class LocalCloud:
    def __init__(self, folder: Path):
        self.settings = json.loads((folder / "cloud.json").read_text())
        self.tls = ssl.create_default_context(cafile=self.settings["caFile"])
        self._subscription = f"/subscriptions/{self.settings['subscriptionId']}"
        self._bearer = ""

    def get(self, path: str, version: str) -> dict:
        """`path` below the subscription."""
        return self._call("GET", path, version)

    def post(self, path: str, version: str) -> dict:
        return self._call("POST", path, version)

    def resources(self, cluster: str = "") -> list[dict]:
        """What is tagged as a cluster's; of any cluster when none is named. Complete."""
        query = "tagName eq 'hopyard-cluster'" + (f" and tagValue eq '{cluster}'" if cluster else "")
        return self.get(f"/resources?$filter={urllib.parse.quote(query)}", "2024-03-01")["value"]

    def machines(self, group: str, cluster: str) -> dict[str, str]:
        """Name to power state ("running", "deallocated", ...) of a cluster's machines."""
        found = {}
        for resource in self.resources(cluster):
            if resource["type"].lower() == MACHINE.lower():
                view = self.get(f"/resourceGroups/{group}/providers/{MACHINE}/{resource['name']}"
                                "/instanceView", "2024-03-01")
                codes = [status["code"] for status in view["statuses"]]
                found[resource["name"]] = next(
                    (code.split("/")[1] for code in codes if code.startswith("PowerState/")), "")
        return found

    def machine(self, group: str, name: str) -> dict:
        """Its properties, as the cloud shows them."""
        return self.get(f"/resourceGroups/{group}/providers/{MACHINE}/{name}",
                        "2024-03-01")["properties"]

    def evict(self, group: str, name: str) -> None:
        """Takes a spot machine back; it is gone some seconds later."""
        self.post(f"/resourceGroups/{group}/providers/{MACHINE}/{name}/simulateEviction",
                  "2024-03-01")

    def _call(self, method: str, path: str, version: str) -> dict:
        url = f"{self.settings['resourceManagerUrl']}{self._subscription}{path}"
        url += ("&" if "?" in url else "?") + f"api-version={version}"
        request = urllib.request.Request(url, data=b"" if method == "POST" else None, method=method,
                                         headers={"Authorization": f"Bearer {self._token()}",
                                                  "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=20) as response:
                body = response.read()
                return json.loads(body) if body else {}
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def _token(self) -> str:
        if not self._bearer:
            url = f"{self.settings['loginUrl']}/{self.settings['tenantId']}/oauth2/v2.0/token"
            form = {"grant_type": "client_credentials", "client_id": self.settings["clientId"],
                    "client_secret": self.settings["clientSecret"], 
                    "scope": self.settings.get("scope", self.settings["resourceManagerUrl"] + "/.default")}
            with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(),
                                        context=self.tls, timeout=20) as response:
                self._bearer = json.load(response)["access_token"]
        return self._bearer
