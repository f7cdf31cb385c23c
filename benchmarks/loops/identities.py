"""The memory of identities: how much their first polls add to a process.

Each identity is a separate ServiceAccount: one call to STS for its role, then one poll, all over HTTPS. The measured
process is a separate one; the server belongs to its parent, on the loopback interface, with a certificate made for the
run. The usual CAs are loaded in addition, because a TLS context consists mostly of them.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

from appconfig_operator.api.v1alpha1 import Credentials
from appconfig_operator.aws.service import AppConfig
from appconfig_operator.core.errors import SourceError
from benchmarks.usage import resident_bytes
from tests.support.builders import source, spec

if TYPE_CHECKING:
    from appconfig_operator.core.identity import AccessKeys


class _Identities:
    """Knows every ServiceAccount."""

    def role_arn(self, namespace: str, name: str) -> str:
        return f"arn:aws:iam::111122223333:role/{namespace}-{name}"

    def token(self, namespace: str, name: str) -> str:
        return f"token-of-{namespace}-{name}" * 30

    def keys(self, namespace: str, name: str) -> AccessKeys:
        raise NotImplementedError


class _Aws(BaseHTTPRequestHandler):
    """STS and AppConfig, as far as the benchmark calls them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/configurationsessions"):
            self._answer(201, json.dumps({"InitialConfigurationToken": "t" * 1104}).encode())
        else:
            until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            given = f"<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>{'t' * 1000}"
            whole = f"<Credentials>{given}</SessionToken><Expiration>{until}</Expiration></Credentials>"
            name = "AssumeRoleWithWebIdentity"
            self._answer(200, f"<{name}Response><{name}Result>{whole}</{name}Result></{name}Response>".encode())

    def do_GET(self) -> None:
        self._answer(200, b"", {"Next-Poll-Configuration-Token": "t" * 1104, "Next-Poll-Interval-In-Seconds": "60"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def _measured(count: int) -> None:
    service = AppConfig(workers=10, user_agent="benchmark", identities=_Identities(), quota_percent=1_000_000)
    sessions = [
        service.session(source(namespace=f"ns-{number}", spec=spec(region="eu-west-1", credentials=Credentials("app"))))
        for number in range(count + 1)
    ]
    # The first one adds everything that exists only once, however many there are.
    for number, session in enumerate(sessions):
        with suppress(SourceError):  # an empty first body, which still takes a whole exchange
            session.poll()
        if number in {0, count}:
            sys.stdout.write(f"{number} {resident_bytes(os.getpid())}\n")


def _serve(folder: Path) -> tuple[ThreadingHTTPServer, Path]:
    key, certificate, authorities = folder / "key", folder / "certificate", folder / "authorities"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    authorities.write_bytes(certificate.read_bytes() + Path(certifi.where()).read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Aws)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, authorities


def resident_with(count: int, folder: Path) -> tuple[int, int]:
    """Poll once with each of many identities, in a separate process.

    Parameters
    ----------
    count
        The number of identities, in addition to the first.
    folder
        An existing folder for keys.

    Returns
    -------
    tuple of int
        Resident bytes after the first identity's poll, and after all.
    """
    server, authorities = _serve(folder)
    try:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_CA_BUNDLE": str(authorities),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{server.server_address[1]}",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.loops.identities", str(count)],
            env=environment, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    one, whole = (int(line.split()[1]) for line in done.stdout.splitlines())
    return one, whole


if __name__ == "__main__":
    _measured(int(sys.argv[1]))
