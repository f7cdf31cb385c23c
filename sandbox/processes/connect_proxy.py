"""An HTTP proxy that tunnels to one server for any requested host: the only way to a name that does not resolve."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sandbox.processes.relay import Relay

if TYPE_CHECKING:
    import socket

_LONGEST_HEAD = 65_536


class ConnectProxy(Relay):
    """A proxy on a free port of the loopback interface, in threads of this process.

    Parameters
    ----------
    url
        The server that all tunnels lead to.
    user, password
        The credentials that it accepts.

    Attributes
    ----------
    tunnels
        The requested host and port of each tunnel, oldest first.
    refused
        The number of requests without valid credentials.
    """

    def __init__(self, url: str, *, user: str, password: str) -> None:
        super().__init__(url)
        self.tunnels: list[str] = []
        self.refused = 0
        self._expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    def refuse(self) -> None:
        """Refuse everyone from now on."""
        self._expected = ""

    def serve(self, client: socket.socket) -> None:
        """Serve one connection until it ends."""
        head = _head(client)
        request, *lines = head.split("\r\n")
        method, target, *_ = [*request.split(" "), "", ""]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
        elif headers.get("proxy-authorization") != self._expected:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        else:
            self.tunnels.append(target)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            super().serve(client)


def _head(client: socket.socket) -> str:
    """Read up to the empty line. The client then waits for an answer, so nothing follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD:
        piece = client.recv(1)
        if not piece:
            break
        head += piece
    return head.decode("latin-1").removesuffix("\r\n\r\n")
