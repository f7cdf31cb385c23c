"""What was received and could not be written is kept for the next try, up to a bound for all sources together."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.core.formats.content import Content

KEPT_BYTES = 32_000_000
"""Of all sources together. Beyond it, a configuration is fetched again when its turn comes: a session and a call."""


class Reserve:
    """Counts the configurations that are kept, for as long as anyone keeps them. Safe to share between threads.

    Parameters
    ----------
    limit
        Bytes.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._lock = threading.RLock()  # the weakref callback may run in this thread while it holds the lock
        self._kept: dict[int, tuple[weakref.ref[Content], int]] = {}
        self._bytes = 0

    def keep(self, content: Content) -> bool:
        """Return whether a configuration may be kept, and count it until it is gone."""
        key, size = id(content), len(content.body)
        with self._lock:
            if key in self._kept:
                return True
            if self._bytes + size > self._limit:
                return False
            self._kept[key] = weakref.ref(content, lambda _: self._gone(key)), size
            self._bytes += size
            return True

    def _gone(self, key: int) -> None:
        with self._lock:
            _, size = self._kept.pop(key)
            self._bytes -= size
