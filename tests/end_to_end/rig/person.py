"""Somebody with a browser: keeps cookies, and says as a browser does which page asks."""
import base64
import hmac
import json
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar


def one_time_code(secret: str) -> str:
    """What a device shows now (RFC 6238: SHA-1, 30 seconds, 6 digits)."""
    step = int(time.time() // 30).to_bytes(8, "big")
    digest = hmac.digest(base64.b32decode(secret), step, "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at:at + 4], 'big') & 0x7fffffff) % 1_000_000:06}"


class Person:
    def __init__(self, url: str):
        self.url = url
        self.cookies = CookieJar()
        self._browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies))

    def call(self, method: str, path: str, body=None) -> tuple[int, dict]:
        """Status and document, whatever the answer is."""
        request = urllib.request.Request(self.url + path, method=method, headers={
            "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"},
            data=None if body is None else json.dumps(body).encode())
        try:
            with self._browser.open(request, timeout=30) as reply:
                status, text = reply.status, reply.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        return status, json.loads(text) if text else {}

    def session(self) -> str:
        """The cookie's value; "" when nobody is signed in."""
        return next((cookie.value for cookie in self.cookies), "")
