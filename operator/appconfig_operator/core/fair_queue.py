"""A queue that serves namespaces in turn: neither many items of one, nor slow ones, delay those of the others."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by namespace. Not safe to share between threads: the caller holds the lock.

    Parameters
    ----------
    limit
        The most items that wait, `None` when the caller limits them.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._waiting: dict[str, deque[T]] = {}  # in the order in which they are served
        self._taken: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._count

    def put(self, namespace: str, item: T) -> int:
        """Add an item, and return how many were dropped: the oldest one of the namespace with most, or none."""
        self._waiting.setdefault(namespace, deque()).append(item)
        self._count += 1
        if self._limit is None or self._count <= self._limit:
            return 0
        most = max(self._waiting, key=lambda name: len(self._waiting[name]))
        self._pop(most)
        return 1

    def ready(self) -> bool:
        """Return whether there is an item of a namespace of which none is taken."""
        return any(name not in self._taken for name in self._waiting)

    def take(self) -> tuple[str, T]:
        """Take the oldest item of the next namespace of which none is taken. There has to be one."""
        namespace = next(name for name in self._waiting if name not in self._taken)
        item = self._pop(namespace)
        if namespace in self._waiting:
            self._waiting[namespace] = self._waiting.pop(namespace)  # behind the others
        self._taken.add(namespace)
        return namespace, item

    def done(self, namespace: str) -> None:
        """Let the next item of a namespace be taken."""
        self._taken.discard(namespace)

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing is taken."""
        return not self._count and not self._taken

    def _pop(self, namespace: str) -> T:
        items = self._waiting[namespace]
        item = items.popleft()
        if not items:
            del self._waiting[namespace]
        self._count -= 1
        return item
