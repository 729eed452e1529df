"""The head's page through its JSON calls, over TLS with the cluster's own authority, as a script of a
user of the cluster would do it."""
import http.client
import json
import ssl
from urllib.parse import urlsplit

from rig.api import until


class Page:
    def __init__(self, cluster: dict):
        access = cluster["access"]
        parts = urlsplit(access["url"])
        self._host, self._port = parts.hostname, parts.port or 443
        self._tls = ssl.create_default_context(cadata=access["certificateAuthority"])
        self._cookie = ""

    def call(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=20,
                                                 context=self._tls)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._cookie:
            headers["Cookie"] = self._cookie
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        cookie = response.getheader("Set-Cookie")
        if cookie:
            self._cookie = cookie.split(";")[0]
        return response.status, json.loads(raw) if raw else {}

    def sign_in(self, user: str, password: str) -> int:
        """The status: 200, or 401."""
        return self.call("POST", "/api/session", {"user": user, "password": password})[0]

    def run(self, command: str, nodes: int, timeout: float = 30) -> dict:
        """Submits it to run once on every one of so many nodes; the end and the output of the job."""
        status, job = self.call("POST", "/api/jobs",
                                {"command": command, "nodes": nodes, "everyNode": True})
        if status != 201:
            raise AssertionError(f"job not taken: {status} {job}")

        def look():
            _, shown = self.call("GET", f"/api/jobs/{job['id']}/output")
            return shown if shown.get("complete") else None
        return until(look, timeout, f"job {job['id']} is complete", pause=0.2)
