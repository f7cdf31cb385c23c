"""A TCP relay that can be cut: a network between a client and its server that fails and is restored."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from sandbox.processes.ports import LOOPBACK, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_CHUNK = 65_536


class Relay:
    """A relay on a free port of the loopback interface, in threads of this process.

    Parameters
    ----------
    url
        The server, ``https://host:port``. Its certificate must be valid for the relay's address: TLS passes through.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._whole = threading.Event()
        self._whole.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Start it."""
        self._server = _Server(self)
        self.url = f"{self._target.scheme}://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="relay")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, and end all connections."""
        self._server.shutdown()
        self._thread.join()
        self.cut()
        self._whole.set()
        self._server.server_close()

    def cut(self) -> None:
        """End all connections. New ones are accepted, and get no answer."""
        with self._lock:
            self._whole.clear()
            for connection in self._open:
                _end(connection)
            self._open.clear()

    def restore(self) -> None:
        """Let connections through again. Those without an answer are ended, and nothing of theirs is forwarded."""
        self._whole.set()

    def serve(self, client: socket.socket) -> None:
        """Serve one connection until it ends."""
        if not self._whole.is_set():
            self._whole.wait()
            return
        address = (self._target.hostname, self._target.port)
        with self._tracked(client), socket.create_connection(address) as server, self._tracked(server):
            back = threading.Thread(target=_pump, args=(server, client), name="relay-back")
            back.start()
            _pump(client, server)
            back.join()

    @contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._whole.is_set():
                self._open.add(connection)
            else:
                _end(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)


class _Server(ThreadingTCPServer):
    daemon_threads = False  # closing waits for them, so that nothing outlives a test
    request_queue_size = 128

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        super().__init__((LOOPBACK, free_ports(1)[0]), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: broken connections are expected."""


class _Handler(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.relay.serve(self.request)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
