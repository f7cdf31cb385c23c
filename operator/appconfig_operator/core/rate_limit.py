"""A rate limit that is halved when the service throttles, and grows back (AIMD).

It reserves, by the generic cell rate algorithm (ITU-T I.371): it keeps when the last call is due, and the next one is
due an interval later. The interval follows from the rate at that time.
"""

from __future__ import annotations

import math

BURST_SECONDS = 0.2
"""How much may be sent at once after a pause, in seconds of the rate.

Quotas of AWS count by the second. At 80 % of one, in any second at most 96 % of it is sent: 0.8 * (1 + 0.2).
"""

RECOVERY_SECONDS = 60.0
"""In which the rate grows from nothing to the full one."""

HALVING_SECONDS = 1.0
"""Between two halvings at least: calls under way at once are all throttled for the same reason."""

FLOOR = 1.0
"""Calls a second that are tried whatever happens."""

_ROUNDING = 1e-7  # in seconds: whoever comes back on time must not be early by the last digit


class RateLimit:
    """Gives each call its time. Not safe to share between threads.

    Calls that have to wait get different times, so that they do not come back all at once, and those that arrive
    meanwhile go behind. A reservation alone would let too many pass when they come back late, or when the rate was
    halved since, so each asks again when it comes back.

    Parameters
    ----------
    full
        Calls a second when nothing is throttled, more than 0.
    now
        Seconds, by a clock that only grows.

    Attributes
    ----------
    updated
        When it was last used.
    """

    def __init__(self, full: float, now: float) -> None:
        self._full = full
        self._rate, self._since = full, now  # what the rate was, and when it began to grow
        self._passed = -math.inf  # when the last call was due that has passed
        self._reserved = -math.inf  # when the last call is due that was given a time
        self._halved = -math.inf
        self.updated = now

    def take(self, now: float, *, waited: bool = False) -> float:
        """Ask for a call.

        Parameters
        ----------
        now
            Seconds.
        waited
            Whether the caller comes back after the time that it was last given.

        Returns
        -------
        float
            0 when it may be made, else the seconds to wait before it is asked for again.
        """
        now = self._latest(now)
        due = self._after(self._passed, now)
        reserved = max(due, self._after(self._reserved, now))
        if (due if waited else reserved) > now + _ROUNDING:
            self._reserved = reserved
            return reserved - now
        self._passed = due
        if not waited:
            self._reserved = reserved
        return 0.0

    def throttled(self, now: float) -> None:
        """Halve the rate, and give up what is saved: the service has had too much."""
        now = self._latest(now)
        if now - self._halved >= HALVING_SECONDS:
            self._rate, self._since = max(self._rate_at(now) / 2, min(FLOOR, self._full)), now
            self._passed, self._reserved = max(self._passed, now), max(self._reserved, now)
            self._halved = now

    def resize(self, full: float, now: float) -> None:
        """Set another full rate. To a higher one, the rate grows as after a halving."""
        if full != self._full:
            now = self._latest(now)
            self._rate, self._since = min(self._rate_at(now), full), now
            self._full = full

    def _latest(self, now: float) -> float:
        self.updated = max(self.updated, now)  # threads read the clock before they wait for their turn here
        return self.updated

    def _rate_at(self, time: float) -> float:
        return min(self._full, self._rate + self._full / RECOVERY_SECONDS * max(0.0, time - self._since))

    def _after(self, last: float, now: float) -> float:
        """Return when the call after one is due, if nothing is throttled until then."""
        rate = self._rate_at(last)
        growth = self._full / RECOVERY_SECONDS if last >= self._since else 0.0
        # rate * interval + growth / 2 * interval² = 1
        interval = max(1 / self._full, 2 / (rate + math.sqrt(rate**2 + 2 * growth)))
        return max(last + interval, now - max(0.0, BURST_SECONDS - 1 / self._rate_at(now)))
