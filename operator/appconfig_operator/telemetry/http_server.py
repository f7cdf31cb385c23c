"""A small HTTP server for a few fixed pages. One thread per request, so that a slow client does not delay others."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from appconfig_operator.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

CLIENT_SECONDS = 5.0
"""Timeout for each read from and write to a client."""

POLL_SECONDS = 0.1
"""The longest time that `stop` waits for the thread that accepts connections."""

_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """A response."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = TEXT


def text(*lines: str, status: HTTPStatus = HTTPStatus.OK) -> Page:
    """Make a page from lines."""
    return Page("".join(f"{line}\n" for line in lines).encode(), status)


class Server:
    """Serves pages from its creation until `stop`. Its threads are daemons.

    Parameters
    ----------
    pages
        By path. Each gets the `Accept` header of the request, and has to be quick.
    flag
        The flag that sets the port, for the error message.
    port
        TCP port. 0: any free one, for tests only; the caller handles the meaning of 0 in the flag.
    everywhere
        Whether to listen on all addresses, IPv6 and IPv4, or on the loopback interface only.

    Raises
    ------
    SettingsError
        If it cannot listen on the port.
    """

    def __init__(self, pages: Mapping[str, Callable[[str], Page]], *, flag: str, port: int, everywhere: bool) -> None:
        try:
            self._server = _listening(pages, port) if everywhere else _Loopback(pages, port)
        except OSError as error:
            words = os.strerror(error.errno) if error.errno else type(error).__name__
            message = f"{flag}: cannot listen on port {port} ({words}). Use a different one, or 0 for none."
            raise SettingsError(message) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name=f"serve-{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting requests, and release the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Loopback(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # `stop` does not wait for clients
    request_queue_size = 64
    allow_reuse_port = False  # otherwise, two processes could share the port unnoticed
    address = "127.0.0.1"

    def __init__(self, pages: Mapping[str, Callable[[str], Page]], port: int) -> None:
        self.pages = pages
        super().__init__((self.address, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without the DNS lookup that `HTTPServer` makes for an unused name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnected. The base class would print a traceback for each."""


class _Everywhere4(_Loopback):
    address = "0.0.0.0"  # noqa: S104 (kubelet and Prometheus come from other addresses)


class _Everywhere(_Loopback):
    address_family = socket.AF_INET6
    address = "::"

    def server_bind(self) -> None:
        """Also bind to IPv4."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def _listening(pages: Mapping[str, Callable[[str], Page]], port: int) -> ThreadingHTTPServer:
    """Listen on all addresses, or on a node without IPv6, on all IPv4 addresses."""
    try:
        return _Everywhere(pages, port)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        return _Everywhere4(pages, port)


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_SECONDS
    server: _Loopback
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = TEXT

    def do_GET(self) -> None:
        page = self._page()
        self._head(page)
        self.wfile.write(page.body)

    def do_HEAD(self) -> None:
        self._head(self._page())

    def _page(self) -> Page:
        make = self.server.pages.get(urlsplit(self.path).path)
        if make is None:
            return text("not found", status=HTTPStatus.NOT_FOUND)
        try:
            return make(self.headers.get("Accept", ""))
        except Exception as error:  # noqa: BLE001 (a bug met here must be logged, and does not concern the client)
            logger.error("A page failed with %s", type(error).__name__)  # noqa: TRY400 (a request a second, at worst)
            return text("internal error", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _head(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()

    def version_string(self) -> str:
        """Return the name of the program. The base class discloses the version of Python."""
        return "appconfig-operator"

    def log_message(self, *_: object) -> None:
        """Write no access log."""
