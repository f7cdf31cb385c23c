"""How often something may be done: a few times at once, then at a steady pace.

The generic cell rate algorithm (ITU-T I.371): one number a user of it, and no timer.
"""

from __future__ import annotations

from dataclasses import dataclass

NEVER = float("-inf")


@dataclass(slots=True)
class Allowance:
    """A pace. Not safe to share between threads.

    Attributes
    ----------
    burst
        How often it may be done at once, after a pause.
    seconds
        Between two, once the burst is used up.
    """

    burst: int
    seconds: float
    _full: float = NEVER  # when the whole burst is there again

    def reserve(self, now: float) -> float:
        """Take the next place, and return in how many seconds it comes.

        Parameters
        ----------
        now
            Seconds, by a clock that only grows.
        """
        self._full = max(self._full, now) + self.seconds
        return max(0.0, self._full - self.burst * self.seconds - now)

    def give_back(self) -> None:
        """Take back the last place: it is not used."""
        self._full -= self.seconds

    def unused(self, now: float) -> bool:
        """Return whether the whole burst is there, as in a new one."""
        return self._full <= now
