"""An address that accepts no connections, as behind a firewall that drops packets."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Self

from sandbox.processes.ports import LOOPBACK

if TYPE_CHECKING:
    from types import TracebackType

_MOST = 16
_ANSWERED_SECONDS = 0.2


class Blackhole:
    """A listener as a context manager: its queue is full, and stays full.

    Linux then drops requests for new connections, so a client retries until its own timeout:
    https://www.kernel.org/doc/Documentation/networking/ip-sysctl.txt (tcp_abort_on_overflow, which is off).
    """

    def __enter__(self) -> Self:
        """Fill the queue.

        Raises
        ------
        RuntimeError
            If it never fills.
        """
        self._listener = socket.create_server((LOOPBACK, 0), backlog=0)
        self._queue: list[socket.socket] = []
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        while self._answers():
            if len(self._queue) >= _MOST:
                self._close()
                raise RuntimeError("the accept queue of the listener does not fill up")
        return self

    def _answers(self) -> bool:
        connection = socket.socket()
        connection.settimeout(_ANSWERED_SECONDS)
        self._queue.append(connection)
        began = time.monotonic()
        try:
            connection.connect(self._listener.getsockname())
        except TimeoutError:
            return False
        return time.monotonic() - began < _ANSWERED_SECONDS

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._close()

    def _close(self) -> None:
        for each in (*self._queue, self._listener):
            each.close()
