"""The REST API as a client sees it: one connection for each call, problems as exceptions."""
import http.client
import json
import ssl
import time
from urllib.parse import urlsplit


class Problem(Exception):
    """What the control plane answered when it refused."""

    def __init__(self, status: int, document: dict):
        super().__init__(f"{status}: {json.dumps(document)}")
        self.status = status
        self.document = document
        self.code = document.get("code", "")


class Api:
    def __init__(self, url: str, key: str, ca_file: str | None = None):
        self.url = url
        self.key = key
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None

    def call(self, method: str, path: str, body=None, timeout: float = 30):
        """The parsed answer; None when it is empty. Raises Problem, or OSError when nobody answers."""
        host, port = self._address
        connection = (http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
                      if self._tls else http.client.HTTPConnection(host, port, timeout=timeout))
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        text = None
        if body is not None:
            text = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, text, headers)
            response = connection.getresponse()
            raw = response.read()
        except http.client.HTTPException as error:  # the other side ended in the middle
            raise ConnectionError(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        try:
            document = json.loads(raw) if raw else None
        except ValueError:
            document = {"detail": raw.decode(errors="replace")}
        if response.status >= 400:
            raise Problem(response.status, document or {})
        return document

    def get(self, path):
        return self.call("GET", path)

    def text(self, path) -> str:
        """Of what answers no JSON."""
        return self.get(path)["detail"]

    def post(self, path, body=None):
        return self.call("POST", path, body)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def delete(self, path):
        return self.call("DELETE", path)

    def cluster(self, cluster_id: str) -> dict:
        return self.get(f"/v1/clusters/{cluster_id}")

    def activity(self, cluster_id: str) -> list[dict]:
        """Oldest first; all of it."""
        entries, before = [], ""
        while True:
            page = self.get(f"/v1/clusters/{cluster_id}/activity?limit=200{before}")
            entries += page["items"]
            if not page["next"]:
                return entries[::-1]
            before = f"&before={page['next']}"


def until(condition, timeout: float, what: str, pause: float = 0.02):
    """The first true value of `condition`; what it answered last is part of the failure."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(pause)
