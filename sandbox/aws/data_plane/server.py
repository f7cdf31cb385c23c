"""The sockets: HTTP/1.1 with persistent connections, and answers that are broken on their way."""

from __future__ import annotations

import contextlib
import socket
import threading
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

from sandbox.aws.data_plane.faults import Spoil
from sandbox.aws.data_plane.messages import Incoming
from sandbox.processes.ports import LOOPBACK, free_ports

if TYPE_CHECKING:
    from sandbox.aws.data_plane.faults import Fault
    from sandbox.aws.data_plane.messages import Answer
    from sandbox.aws.data_plane.service import Service

_LENGTH_OF_NOTHING = 100
"""The length to announce if a body that is to be cut off is empty."""


class Server(ThreadingHTTPServer):
    """A server of the service on a free port of the loopback interface.

    Parameters
    ----------
    service
        Which answers.
    """

    daemon_threads = False  # closing waits for them, so that nothing outlives a test
    request_queue_size = 128

    def __init__(self, service: Service) -> None:
        self.service = service
        self.released = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, free_ports(1)[0]), _Handler)

    def release(self) -> None:
        """End all connections, including those that hang."""
        self.released.set()
        with self._lock:
            for connection in self._open:
                _end(connection)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Remember the connection, and serve it in its own thread."""
        connection = cast("socket.socket", request)
        with self._lock:
            self._open.add(connection)
        if self.released.is_set():
            _end(connection)
        super().process_request(connection, cast("tuple[str, int]", client_address))

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Forget the connection, and close it."""
        with self._lock:
            self._open.discard(cast("socket.socket", request))
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients that give up are part of the tests."""


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Print nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.server.service.handle(Incoming(self.command, self.path, dict(self.headers.items()), body))
        match reply.fault.spoil if reply.fault else None:
            case Spoil.HANG:
                self.server.released.wait()
                self.close_connection = True
            case Spoil.CUT:
                self.close_connection = True
            case Spoil.TRUNCATE:
                length = len(reply.answer.body)
                self._head(reply.answer, length or _LENGTH_OF_NOTHING)
                self.wfile.write(reply.answer.body[: length // 2])
                self.close_connection = True
            case Spoil.TRICKLE if reply.fault:
                self._head(reply.answer, len(reply.answer.body))
                self._trickle(reply.answer.body, reply.fault)
            case _:
                self._head(reply.answer, len(reply.answer.body))
                self.wfile.write(reply.answer.body)

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.header("x-amzn-RequestId"):
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _trickle(self, body: bytes, fault: Fault) -> None:
        size = max(1, -(-len(body) // fault.pieces))
        for start in range(0, len(body), size):
            if self.server.released.wait(fault.pause):
                self.close_connection = True
                return
            self.wfile.write(body[start : start + size])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - what http.server calls
