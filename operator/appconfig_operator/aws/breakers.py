"""Circuit breakers: one for each namespace, identity and region whose last call got no answer."""

from __future__ import annotations

import random as system_random
import threading
from collections import OrderedDict
from time import monotonic as system_monotonic
from typing import TYPE_CHECKING, NamedTuple

from appconfig_operator.aws.connection_errors import Route
from appconfig_operator.core.breaker import MISSES, Breaker
from appconfig_operator.core.errors import Reason, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.identity import Identity

IDLE_SECONDS = 600.0
"""After which an unused breaker is forgotten: its sources are gone. A retry comes within two minutes."""

LIMIT = 10_000
"""Breakers that are kept: as many as one operator is meant to have sources."""


class Key(NamedTuple):
    """What shares a breaker: not more than one namespace, so that none can stop the calls of another."""

    namespace: str
    identity: Identity
    region: str | None


class Breakers:
    """Decides who may call now. Safe to share between threads. What answers has no breaker, and costs one lookup.

    Parameters
    ----------
    monotonic
        Seconds.
    random
        From 0 (included) to 1 (excluded), for jitter.
    on_pause
        Is notified of each poll that was not made because calls are paused.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = system_monotonic,
        random: Callable[[], float] = system_random.random,
        on_pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._monotonic = monotonic
        self._random = random
        self._on_pause = on_pause
        self._lock = threading.Lock()
        # The one that was touched last is at the end. With each, where the last call went.
        self._kept: OrderedDict[Key, tuple[Breaker, Route]] = OrderedDict()

    def enter(self, key: Key) -> bool:
        """Ask for a poll.

        Returns
        -------
        bool
            Whether it is the one that probes the endpoint. Then call `leave` after it, however it ends.

        Raises
        ------
        TransientError
            When calls are paused.
        """
        if key not in self._kept:
            return False
        with self._lock:
            breaker, route = self._kept.get(key, (Breaker(), Route()))
            entry = breaker.enter(self._monotonic())
            if key in self._kept:
                self._kept.move_to_end(key)
            pause = breaker.pause
        if entry.wait > 0:
            self._on_pause()
            # The text stays the same from poll to poll. Otherwise each poll would write the status.
            raise TransientError(
                Reason.SERVICE_UNAVAILABLE,
                f"{route.subject('AWS AppConfig')} did not answer {MISSES} or more calls in a row, so calls to it are "
                f"paused for about {pause:.0f} s at a time. {route.advice}",
                retry_after=entry.wait,
            )
        return entry.probe

    def answered(self, key: Key) -> None:
        """Record that a call got an answer, whatever it was."""
        if key in self._kept:
            with self._lock:
                self._kept.pop(key, None)

    def missed(self, key: Key, route: Route, *, probe: bool) -> None:
        """Record that a call got no answer.

        Parameters
        ----------
        key
            Whose it was.
        route
            Where it went.
        probe
            What `enter` returned.
        """
        now = self._monotonic()
        with self._lock:
            breaker, _ = self._kept.get(key, (Breaker(), Route()))
            breaker.missed(now, self._random(), probe=probe)
            self._kept[key] = breaker, route
            self._kept.move_to_end(key)
            self._forget(now)

    def leave(self, key: Key) -> None:
        """Record that the probe of this thread is over."""
        with self._lock:
            if key in self._kept:
                self._kept[key][0].leave()

    def open(self) -> int:
        """Count those that are open."""
        with self._lock:
            self._forget(self._monotonic())
            return sum(breaker.pause > 0 for breaker, _ in self._kept.values())

    def _forget(self, now: float) -> None:
        while self._kept and (
            len(self._kept) > LIMIT or next(iter(self._kept.values()))[0].touched < now - IDLE_SECONDS
        ):
            self._kept.popitem(last=False)
