"""One large document at a time.

A document of 1 MB takes up to 60 MB while it is read and rewritten. Threads gain nothing by doing that side by side:
it is Python from end to end. So large ones queue up, those of each namespace in the order in which they came, and take
turns by namespace. Small ones go past them.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from appconfig_operator.core.fair_queue import FairQueue
from appconfig_operator.core.formats.content_type import MediaType, media_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.core.formats.content import Content

SMALL_BYTES = 65_536
"""Up to here a document waits for no one. Ten of them at once take no more than a large one."""


class RenderQueue:
    """Lets one large document be rendered at a time. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: FairQueue[threading.Lock] = FairQueue()

    @contextmanager
    def turn(self, content: Content, namespace: str) -> Iterator[None]:
        """Wait for the turn of a large document, and let the next one through at the end."""
        if not large(content):
            yield
            return
        self._enter(namespace)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, namespace: str) -> None:
        with self._lock:
            if not self._busy:
                self._busy = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.put(namespace, turn)
        turn.acquire()  # until the one before lets it through

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                namespace, turn = self._waiting.take()
                self._waiting.done(namespace)
                turn.release()
            else:
                self._busy = False


def large(content: Content) -> bool:
    """Return whether a configuration may take much memory: by its size, or as its aliases may be written out."""
    if len(content.body) > SMALL_BYTES:
        return True
    return media_type(content.content_type) is MediaType.YAML and b"&" in content.body and b"*" in content.body
