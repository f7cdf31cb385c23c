"""An HTTP server that answers what a test says, to any method and path."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Answer = tuple[int, bytes] | None
    """Status and body. `None`: the connection is closed without an answer."""


class Answering(ThreadingHTTPServer):
    """Answers `answers`, one after the other."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answers.pop(0)
        if answer is None:
            return
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 (the names are http.server's)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def answering(*answers: Answer) -> Iterator[Answering]:
    """Run a server; in the end all of its answers must have been given."""
    with Answering() as server:
        server.answers = list(answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        assert not server.answers
