"""A real mail server for an installation: TLS with a certificate of its own, and a login."""
import json
import secrets
import subprocess
from pathlib import Path

SERVER = Path(__file__).resolve().parents[2] / "mail/server"


class MailServer:
    """Use as a context manager. What it takes lies in `folder`, see tests/mail/server."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.password = secrets.token_urlsafe(16)
        self.port = 0

    def __enter__(self):
        self.folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=mail", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "key.pem",
                        "-out", self.folder / "certificate.pem"], check=True, capture_output=True)
        self.process = subprocess.Popen(
            [SERVER, self.folder, "--tls", "starttls", "--certificate", self.folder / "certificate.pem",
             "--key", self.folder / "key.pem", "--user", "hopyard",
             # As one word: it may begin with a dash.
             f"--password={self.password}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def settings(self, page: str) -> str:
        """The file for `--mail`."""
        (self.folder / "password").write_text(self.password)
        path = self.folder / "settings"
        path.write_text(json.dumps({
            "server": f"smtp://127.0.0.1:{self.port}", "from": "hopyard@example.org", "page": page,
            "user": "hopyard", "passwordFile": str(self.folder / "password"),
            "caFile": str(self.folder / "certificate.pem")}))
        return str(path)
