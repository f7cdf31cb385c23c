"""How many polls may be under way at once, and of whom: nobody holds more than a share, whatever hangs.

A poll that takes milliseconds and one that hangs for a minute cannot share a bound: few of the second kind would stop
all of the first. So there are slots for polls that are quick, as many as there are workers by the settings, and others
for those that are slow. Each poll begins in a slot of the first kind, unless its lane is known to be slow, and moves to
the second kind when it has taken long. A thread that waits costs little, so there are several times as many of those.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.engine.lanes import Lane, Tenant

SLOW_SECONDS = 0.5
"""After which a poll counts as slow. With AWS near by, a first sync takes a tenth of it."""

SLOW_FACTOR = 6
"""Slots for slow polls, for each of the others."""

TENANT_FACTOR = 2
"""Slots for slow polls that one namespace may hold at most, for each of the others."""


def threads(workers: int) -> int:
    """Return how many threads there are at most: one for each slot, and one that looks out for what is due."""
    return workers * (1 + SLOW_FACTOR) + 1


@dataclass(slots=True, eq=False)
class Running:
    """A poll under way.

    Attributes
    ----------
    lane
        Where it came from.
    began
        When, by the monotonic clock.
    charged
        Whether it holds a slot for slow polls.
    slow
        Whether it did so from the beginning.
    stuck
        Whether it has taken long already.
    """

    lane: Lane
    began: float
    charged: bool
    slow: bool
    stuck: bool = False
    ended: bool = False


class Slots:
    """Keeps account of polls under way. Not safe to share between threads.

    Parameters
    ----------
    workers
        Quick polls at once.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._slow_slots = workers * SLOW_FACTOR
        self.quick = 0
        self.slow = 0
        self._unproven = 0  # of the quick ones
        self._charged: set[Tenant] = set()
        self._running: deque[Running] = deque()  # those that are not stuck yet, by when they began
        self._overflow: deque[Running] = deque()  # those that are, and found no slot

    @property
    def quick_free(self) -> bool:
        """Whether a poll of a lane that is not slow may begin."""
        return self.quick < self._workers

    @property
    def slow_free(self) -> bool:
        """Whether a poll of a slow lane may begin, as far as all of them go."""
        return self.slow < self._slow_slots

    def may_begin(self, lane: Lane) -> bool:
        """Return whether a poll of a lane may begin, as far as the lane and its namespace go."""
        share, charged = self._share(lane.tenant), lane.tenant.charged
        if lane.slow:
            # Half of it for one lane: another identity or region of the namespace is not to wait for this one.
            return charged < share and lane.charged < max(1, share // 2)
        if lane.proven:
            return charged < share + self._workers  # what was quick so far is not to wait for what hangs
        # Where slow ones would find no slot to move to, what has not proven to be quick leaves room for what has.
        return charged < share and (self.slow_free or self._unproven < max(1, self._workers // 2))

    def _share(self, tenant: Tenant) -> int:
        """Return how many slots for slow polls a namespace may hold, so that there are some left for the next one."""
        others = len(self._charged) - (tenant in self._charged)
        return min(self._workers * TENANT_FACTOR, max(1, self._slow_slots // (others + 2)))

    def begin(self, lane: Lane, now: float) -> Running:
        """Take in that a poll begins."""
        running = Running(lane, now, charged=lane.slow, slow=lane.slow)
        lane.running += 1
        if running.charged:
            self._charge(lane)
        else:
            self.quick += 1
            self._unproven += not lane.proven
        self._running.append(running)
        return running

    def end(self, running: Running, now: float) -> bool:
        """Take in that a poll has ended, and return whether it was quick."""
        lane, running.ended = running.lane, True
        lane.running -= 1
        lane.pace.stuck -= running.stuck
        quick = now - running.began < SLOW_SECONDS
        lane.pace.took(long=not quick)
        if running.charged:
            self._discharge(lane)
        else:
            self._free(lane)
        return quick

    def age(self, now: float) -> None:
        """Move those that have taken long to the slow ones."""
        while self._running and (self._running[0].ended or now - self._running[0].began >= SLOW_SECONDS):
            running = self._running.popleft()
            if running.ended:
                continue
            running.stuck = running.lane.pace.slow = True
            running.lane.pace.stuck += 1
            if not running.charged:
                self._overflow.append(running)
        while self._overflow and (self._overflow[0].ended or self.slow_free):
            running = self._overflow.popleft()
            if not running.ended:
                self._free(running.lane)
                running.charged = True
                self._charge(running.lane)

    def next_age(self, now: float) -> float | None:
        """Return the seconds until the next one has taken long, or `None`."""
        return max(0.0, self._running[0].began + SLOW_SECONDS - now) if self._running else None

    def _charge(self, lane: Lane) -> None:
        self.slow += 1
        lane.charged += 1
        lane.tenant.charged += 1
        self._charged.add(lane.tenant)

    def _discharge(self, lane: Lane) -> None:
        self.slow -= 1
        lane.charged -= 1
        lane.tenant.charged -= 1
        if not lane.tenant.charged:
            self._charged.discard(lane.tenant)

    def _free(self, lane: Lane) -> None:
        self.quick -= 1
        self._unproven -= not lane.proven
