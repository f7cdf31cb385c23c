"""How many polls may be under way at once, and of which namespace: none holds more than its share, whatever hangs.

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
    from appconfig_operator.engine.lanes import Lane, NamespaceLoad

SLOW_SECONDS = 0.5
"""After which a poll counts as slow. With AWS nearby, a first sync takes a tenth of it."""

SLOW_FACTOR = 6
"""Slots for slow polls, for each of the others."""

NAMESPACE_FACTOR = 2
"""Slots for slow polls that one namespace may hold at most, for each of the others."""


def threads(workers: int) -> int:
    """Return how many threads there are at most: one for each slot, and one that waits for the next poll."""
    return workers * (1 + SLOW_FACTOR) + 1


@dataclass(slots=True, eq=False)
class RunningPoll:
    """A poll under way.

    Attributes
    ----------
    lane
        Where it came from.
    began
        When, by the monotonic clock.
    in_slow_slot
        Whether it holds a slot for slow polls.
    began_slow
        Whether it did so from the beginning.
    overrunning
        Whether it has taken long already.
    """

    lane: Lane
    began: float
    in_slow_slot: bool
    began_slow: bool
    overrunning: bool = False
    ended: bool = False


class Slots:
    """The slots, and the polls in them. Not safe to share between threads.

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
        self._unknown = 0  # of the quick ones: those of lanes that are not known to be quick
        self._slow_namespaces: set[NamespaceLoad] = set()  # those that hold slots for slow polls
        self._in_time: deque[RunningPoll] = deque()  # those that have not taken long yet, by when they began
        self._overflow: deque[RunningPoll] = deque()  # those that have, and found no slot for slow ones

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
        share, held = self._share(lane.namespace), lane.namespace.slow_slots
        if lane.slow:
            # Half of it for one lane: another identity or region of the namespace is not to wait for this one.
            return held < share and lane.slow_slots < max(1, share // 2)
        if lane.known_quick:
            return held < share + self._workers  # what was quick so far is not to wait for what hangs
        # Where slow ones would find no slot to move to, what is not known to be quick leaves room for what is.
        return held < share and (self.slow_free or self._unknown < max(1, self._workers // 2))

    def _share(self, namespace: NamespaceLoad) -> int:
        """Return how many slots for slow polls a namespace may hold, so that there are some left for the next one."""
        others = len(self._slow_namespaces) - (namespace in self._slow_namespaces)
        return min(self._workers * NAMESPACE_FACTOR, max(1, self._slow_slots // (others + 2)))

    def begin(self, lane: Lane, now: float) -> RunningPoll:
        """Give a poll a slot."""
        running = RunningPoll(lane, now, in_slow_slot=lane.slow, began_slow=lane.slow)
        if running.in_slow_slot:
            self._take_slow_slot(lane)
        else:
            self.quick += 1
            self._unknown += not lane.known_quick
        self._in_time.append(running)
        return running

    def end(self, running: RunningPoll, now: float) -> bool:
        """Free the slot of a poll that has ended, and return whether it was quick."""
        lane, running.ended = running.lane, True
        lane.pace.overrunning -= running.overrunning
        quick = now - running.began < SLOW_SECONDS
        lane.pace.ended(quick=quick)
        if running.in_slow_slot:
            self._leave_slow_slot(lane)
        else:
            self._leave_quick_slot(lane)
        return quick

    def age(self, now: float) -> None:
        """Move polls that have taken long to slots for slow ones."""
        while self._in_time and (self._in_time[0].ended or now - self._in_time[0].began >= SLOW_SECONDS):
            running = self._in_time.popleft()
            if running.ended:
                continue
            running.overrunning = running.lane.pace.slow = True
            running.lane.pace.overrunning += 1
            if not running.in_slow_slot:
                self._overflow.append(running)
        while self._overflow and (self._overflow[0].ended or self.slow_free):
            running = self._overflow.popleft()
            if not running.ended:
                self._leave_quick_slot(running.lane)
                running.in_slow_slot = True
                self._take_slow_slot(running.lane)

    def next_age(self, now: float) -> float | None:
        """Return the seconds until the next poll has taken long, or `None`."""
        return max(0.0, self._in_time[0].began + SLOW_SECONDS - now) if self._in_time else None

    def _take_slow_slot(self, lane: Lane) -> None:
        self.slow += 1
        lane.slow_slots += 1
        lane.namespace.slow_slots += 1
        self._slow_namespaces.add(lane.namespace)

    def _leave_slow_slot(self, lane: Lane) -> None:
        self.slow -= 1
        lane.slow_slots -= 1
        lane.namespace.slow_slots -= 1
        if not lane.namespace.slow_slots:
            self._slow_namespaces.discard(lane.namespace)

    def _leave_quick_slot(self, lane: Lane) -> None:
        self.quick -= 1
        self._unknown -= not lane.known_quick
