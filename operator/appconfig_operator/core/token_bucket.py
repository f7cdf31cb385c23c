"""A token bucket whose rate is halved when the service throttles, and grows back (AIMD).

Those who have to wait are given a moment each of their own, one after the other at the rate of the bucket, so that they
do not come back all at once. Whoever arrives while others wait goes behind them.
"""

from __future__ import annotations

import math

BURST_SECONDS = 0.2
"""What an idle bucket saves up, in seconds of its rate.

Quotas of AWS count by the second. At 80 % of one, in any second at most 96 % of it is sent: 0.8 * (1 + 0.2).
"""

RECOVERY_SECONDS = 60.0
"""In which the rate grows from nothing to the full one."""

HALVING_SECONDS = 1.0
"""Between two halvings at least: calls under way at once are all throttled for the same reason."""

FLOOR = 1.0
"""Calls a second that are tried whatever happens."""

_ROUNDING = 1e-6  # in tokens: who waits for one whole must not meet 0.9999999


class Bucket:
    """A token bucket. Not safe to share between threads.

    Parameters
    ----------
    full
        Calls a second when nothing is throttled, more than 0.
    now
        Seconds, by a clock that only grows.
    """

    def __init__(self, full: float, now: float) -> None:
        self._full = full
        self._rate = full
        self._tokens = self._burst
        # Tokens still to come that are promised to those who wait.
        self._promised = 0.0
        self._updated = now
        self._halved = -math.inf

    def take(self, now: float, *, waited: bool = False) -> float:
        """Take a token.

        Parameters
        ----------
        now
            Seconds.
        waited
            Whether the caller comes back after the time that it was last given.

        Returns
        -------
        float
            0 when there is a token, else the seconds to wait before it is asked for again.
        """
        self._refill(now)
        if self._tokens >= 1 - _ROUNDING and (waited or self._promised <= _ROUNDING):
            self._tokens = max(0.0, self._tokens - 1)
            return 0.0
        self._promised = max(self._promised + 1, 1 - self._tokens)
        return self._seconds_until(self._promised)

    def throttled(self, now: float) -> None:
        """Halve the rate, and give up what is saved: the service has had too much."""
        self._refill(now)
        if now - self._halved >= HALVING_SECONDS:
            self._halved = now
            self._rate = max(self._rate / 2, min(FLOOR, self._full))
            self._tokens = 0.0

    def resize(self, full: float, now: float) -> None:
        """Set another full rate. To a higher one, the rate grows as after a halving."""
        if full != self._full:
            self._refill(now)
            self._full = full
            self._rate = min(self._rate, full)
            self._tokens = min(self._tokens, self._burst)

    @property
    def updated(self) -> float:
        """When it was last asked, or last notified of anything, in seconds of the clock."""
        return self._updated

    @property
    def _burst(self) -> float:
        return max(1.0, BURST_SECONDS * self._rate)

    @property
    def _growth(self) -> float:
        return self._full / RECOVERY_SECONDS

    def _refill(self, now: float) -> None:
        elapsed = now - self._updated
        if elapsed <= 0:  # threads read the clock before they wait for their turn here
            return
        self._updated = now
        growing = min(elapsed, (self._full - self._rate) / self._growth)
        reached = self._full if growing < elapsed else self._rate + self._growth * growing
        came = (self._rate + reached) / 2 * growing + reached * (elapsed - growing)
        self._rate = reached
        self._tokens = min(self._burst, self._tokens + came)
        self._promised = max(0.0, self._promised - came)

    def _seconds_until(self, tokens: float) -> float:
        """Return when that many more have come, if nothing is throttled until then."""
        growing = (self._full - self._rate) / self._growth
        grown = (self._rate + self._full) / 2 * growing
        if tokens >= grown:
            return growing + (tokens - grown) / self._full
        # rate * t + growth / 2 * t² = tokens
        return 2 * tokens / (self._rate + math.sqrt(self._rate**2 + 2 * self._growth * tokens))
