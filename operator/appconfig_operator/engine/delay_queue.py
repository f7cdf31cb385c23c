"""A queue whose items can be taken once they are due, like Java's `java.util.concurrent.DelayQueue`.

https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/concurrent/DelayQueue.html
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from appconfig_operator.engine.lazy_heap import Cancellable, LazyHeap

if TYPE_CHECKING:
    from collections.abc import Callable

HEARTBEAT_SECONDS = 5.0
"""The longest that the leader waits without a heartbeat."""


class Delayed(Cancellable, Protocol):
    """An item of a `DelayQueue`. Once it is cancelled, no one gets it."""

    @property
    def due(self) -> float:
        """When it may be taken, by the monotonic clock."""


T = TypeVar("T", bound=Delayed)


class ReadyQueue(Protocol[T]):
    """Holds the items that are due, and decides which one is taken next, and when."""

    def put(self, item: T) -> None:
        """Add an item that has become due."""

    def get(self, now: float) -> T | None:
        """Remove the next item and return it, or `None` if none may be taken now."""

    def delay(self, now: float) -> float | None:
        """Return the seconds until time alone lets `get` return an item that it cannot return now. `None`: never."""


class DelayQueue(Generic[T]):
    """Hands out items once they are due. `put` and `get` take O(log n), and a thread that waits takes no CPU time.

    Of the threads that wait in `get`, one is the leader: it waits until the first item is due. The others, its
    followers, wait until there is no leader. So an item that becomes due wakes one thread, not all of them (the
    leader-follower pattern).

    Parameters
    ----------
    ready
        Where items go that are due.
    lock
        Guards the queue, and what its owner guards with it. As with `threading.Condition`, the caller holds it when it
        calls a method, and `get` releases it while it waits.
    monotonic
        Seconds.
    """

    def __init__(self, ready: ReadyQueue[T], lock: threading.Lock, monotonic: Callable[[], float]) -> None:
        self._ready = ready
        self._available = threading.Condition(lock)
        self._leaderless = threading.Condition(lock)
        self._led = False
        self._closed = False
        self._monotonic = monotonic
        self._heartbeat = monotonic()
        self._delayed: LazyHeap[T] = LazyHeap()

    def put(self, item: T) -> None:
        """Add an item."""
        first = self._delayed.rank
        self._delayed.push(item.due, item)
        if first is None or item.due < first:
            self.wake()

    def get(self) -> T | None:
        """Wait for an item that may be taken, remove it and return it. `None`: the queue is closed."""
        self._heartbeat = self._monotonic()
        while self._led and not self._closed:
            self._leaderless.wait()
        self._led = True
        try:
            return self._lead()
        finally:
            self._led = False
            self._leaderless.notify()

    def _lead(self) -> T | None:
        while not self._closed:
            item = self.get_nowait()
            if item is not None:
                return item
            delay = self.delay()
            self._available.wait(HEARTBEAT_SECONDS if delay is None else min(delay, HEARTBEAT_SECONDS))
        return None

    def get_nowait(self) -> T | None:
        """Remove an item that may be taken now and return it, or `None` if there is none."""
        self._heartbeat = now = self._monotonic()
        while (item := self._delayed.pop(up_to=now)) is not None:
            self._ready.put(item)
        return self._ready.get(now)

    def delay(self) -> float | None:
        """Return the seconds until another item may be taken, if nothing is put and no one calls `wake`."""
        now = self._monotonic()
        due = self._delayed.rank
        delays = [self._ready.delay(now), None if due is None else due - now]
        return min((max(0.0, delay) for delay in delays if delay is not None), default=None)

    def wake(self) -> None:
        """Let the leader look again: what decides which items may be taken has changed."""
        self._available.notify()

    def close(self) -> None:
        """Hand out nothing more, and let all threads that wait go."""
        self._closed = True
        self.wake()  # the leader goes, and so does the next one, one after the other

    def age(self) -> float:
        """Return the seconds since the last heartbeat: since a thread came to wait, or waited. Needs no lock."""
        return self._monotonic() - self._heartbeat
