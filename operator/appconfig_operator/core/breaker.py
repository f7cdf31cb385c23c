"""A circuit breaker: an endpoint where calls hang gets fewer of them, so that fewer workers wait.

It opens after some calls in a row without an answer. After its pause, one call at a time probes the endpoint. Each
probe without an answer doubles the pause. After any answer, the breaker is thrown away.
"""

from __future__ import annotations

from typing import NamedTuple

MISSES = 3
"""Calls without an answer, one after the other, until it opens."""

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0

_JITTER_SHARE = 0.2


class Admission(NamedTuple):
    """Whether a call may be made.

    Attributes
    ----------
    wait
        0 when it may be made, else the seconds until one may.
    probe
        Whether it is the one that probes the endpoint. Then `missed` or `leave` has to follow.
    """

    wait: float
    probe: bool = False


class Breaker:
    """A breaker, closed at first. Not safe to share between threads.

    Attributes
    ----------
    pause
        Seconds that calls are paused for, without jitter. 0: it is closed.
    touched
        When it was last used, in seconds of the clock.
    """

    __slots__ = ("_misses", "_probing", "_until", "pause", "touched")

    def __init__(self) -> None:
        self.pause = 0.0
        self.touched = 0.0
        self._misses = 0
        self._until = 0.0
        self._probing = False

    def enter(self, now: float) -> Admission:
        """Ask for a call."""
        self.touched = now
        if not self.pause:
            return Admission(0.0)
        if now < self._until:
            return Admission(self._until - now)
        if self._probing:
            return Admission(self.pause)
        self._probing = True
        return Admission(0.0, probe=True)

    def missed(self, now: float, random: float, *, probe: bool) -> None:
        """Record that a call got no answer.

        Parameters
        ----------
        now
            Seconds.
        random
            From 0 (included) to 1 (excluded), for jitter.
        probe
            Whether it was the probe.
        """
        self.touched = now
        self._misses += 1
        if probe:
            self._probing = False
        elif self.pause:  # it was under way when the breaker opened
            return
        if self._misses >= MISSES:
            self.pause = min(LONGEST_PAUSE_SECONDS, 2 * self.pause or FIRST_PAUSE_SECONDS)
            self._until = now + self.pause * (1 + _JITTER_SHARE * random)

    def leave(self) -> None:
        """Record that the probe was not made after all."""
        self._probing = False
