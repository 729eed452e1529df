"""Blobs as the storage account's owner sees them: Azure's Shared Key signature over its REST.
https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""
import base64
import hashlib
import hmac
import re
import urllib.request
from email.utils import formatdate

from rig.cloud import LocalCloud

VERSION = "2021-08-06"


class Blobs:
    def __init__(self, cloud: LocalCloud, group: str, account: str):
        self._cloud = cloud
        self._account = account
        path = f"/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{account}"
        keys = cloud.post(f"{path}/listKeys", "2023-05-01")["keys"]
        self._key = base64.b64decode(keys[0]["value"])
        # The same service under the name that needs no resolver; the account is part of the path.
        port = cloud.settings["blobEndpoint"].rsplit(":", 1)[1]
        self._origin = f"https://localhost:{port}/{account}"

    def containers(self) -> list[str]:
        return self._names("", {"comp": "list"})

    def names(self, container: str) -> list[str]:
        return self._names(f"/{container}", {"comp": "list", "restype": "container"})

    def text(self, container: str, blob: str) -> str:
        return self._get(f"/{container}/{blob}", {})

    def _names(self, path: str, query: dict[str, str]) -> list[str]:
        return re.findall(r"<Name>([^<]*)</Name>", self._get(path, query))

    def _get(self, path: str, query: dict[str, str]) -> str:
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
        canonical = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
        # In path style the account stands twice: as the account, and in the path.
        resource = f"/{self._account}/{self._account}{path or '/'}"
        resource += "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        text = "GET" + "\n" * 12 + canonical + resource
        signature = base64.b64encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest())
        headers["Authorization"] = f"SharedKey {self._account}:{signature.decode()}"
        url = self._origin + (path or "/")
        if query:
            url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, context=self._cloud.tls, timeout=20) as response:
            return response.read().decode()
