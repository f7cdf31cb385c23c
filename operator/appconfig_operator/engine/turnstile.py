"""Where idle workers wait: the leader for the first due time, the others to lead. So a due source wakes one thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

BEAT_SECONDS = 5.0
"""The longest that the leader waits without a sign of life."""


class Turnstile:
    """Lets workers through, one at a time.

    Parameters
    ----------
    lock
        Guards what they wait for. `stop` and `notify` are called with it held, `wait` is too.
    monotonic
        Seconds.
    """

    def __init__(self, lock: threading.Lock, monotonic: Callable[[], float]) -> None:
        self._due = threading.Condition(lock)
        self._lead = threading.Condition(lock)
        self._led = False
        self._stopping = False
        self._monotonic = monotonic
        self._beat = monotonic()

    def age(self) -> float:
        """Return the seconds since a worker last came to wait, or waited. Needs no lock."""
        return self._monotonic() - self._beat

    def stop(self) -> None:
        """Let nobody through any more."""
        self._stopping = True
        self._due.notify_all()
        self._lead.notify_all()

    def notify(self) -> None:
        """Let the leader look again."""
        self._due.notify()

    def wait(self, take: Callable[[float], T | float | None]) -> T | None:
        """Wait until there is something, and return it. `None`: nothing will come any more.

        Parameters
        ----------
        take
            Is given the time. Returns what there is, or the seconds until there may be something, or `None`.
        """
        self._beat = self._monotonic()
        while self._led and not self._stopping:
            self._lead.wait()
        self._led = True
        try:
            return self._lead_on(take)
        finally:
            self._led = False
            self._lead.notify()

    def _lead_on(self, take: Callable[[float], T | float | None]) -> T | None:
        while not self._stopping:
            self._beat = self._monotonic()
            taken = take(self._beat)
            if taken is not None and not isinstance(taken, float):
                return taken
            self._due.wait(BEAT_SECONDS if taken is None else min(taken, BEAT_SECONDS))
        return None
