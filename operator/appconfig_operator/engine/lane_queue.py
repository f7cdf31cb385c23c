"""Polls that are due, and which of them begins next: lanes take turns, as far as slots are free."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from appconfig_operator.engine.lanes import Lane, LaneState, NamespaceLoad, RoundRobin, lane_key
from appconfig_operator.engine.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.engine.lanes import LaneKey, QueuedPoll
    from appconfig_operator.engine.slots import RunningPoll
    from appconfig_operator.engine.state.source_state import SourceState

FIRST = 0.0


class LaneQueue:
    """The `ReadyQueue` of the scheduler. Not safe to share between threads: the scheduler has the lock.

    Parameters
    ----------
    workers
        Quick polls at once.
    admit
        Takes a poll whose turn it is, and returns whether it may begin. One that may not is out of the queue.
    """

    def __init__(self, workers: int, admit: Callable[[QueuedPoll], bool]) -> None:
        self.slots = Slots(workers)
        self._admit = admit
        # A lane lives as long as a poll of it is queued or under way, and a namespace as long as one of its lanes.
        self._lanes: WeakValueDictionary[LaneKey, Lane] = WeakValueDictionary()
        self._namespaces: WeakValueDictionary[str, NamespaceLoad] = WeakValueDictionary()
        self._quick = RoundRobin()
        self._slow = RoundRobin()
        self._blocked: dict[NamespaceLoad, list[Lane]] = {}

    @property
    def quick_ready(self) -> bool:
        """Whether a lane waits for its turn whose polls are expected to be quick."""
        return bool(self._quick)

    def lane(self, state: SourceState) -> Lane:
        """Return the lane that the next poll of a source belongs to."""
        key = lane_key(state.source, known_quick=state.schedule.known_quick)
        lane = self._lanes.get(key)
        if lane is None:
            name = state.source.namespace
            namespace = self._namespaces.get(name)
            if namespace is None:
                namespace = self._namespaces[name] = NamespaceLoad(name)
            lane = self._lanes[key] = Lane(namespace, known_quick=state.schedule.known_quick)
        return lane

    def put(self, poll: QueuedPoll) -> None:
        """Add a poll that is due."""
        lane = poll.lane
        lane.polls.push(FIRST if poll.first else poll.due, poll)
        if lane.state is LaneState.IDLE:
            self._ready(lane)

    def get(self, now: float) -> QueuedPoll | None:
        """Remove the next poll that may begin and return it, or `None` if none may."""
        self.slots.age(now)
        return self._get_from(self._quick) or self._get_from(self._slow)

    def delay(self, now: float) -> float | None:
        """Return the seconds until the oldest quick poll moves to a slow slot. `None`: no lane waits for that."""
        return self.slots.next_age(now) if self._quick else None

    def begin(self, poll: QueuedPoll, now: float) -> RunningPoll:
        """Give a slot to a poll that was taken. Call it before the next `get`."""
        return self.slots.begin(poll.lane, now)

    def end(self, running: RunningPoll, now: float) -> bool:
        """Free the slot of a poll that has ended, and return whether it was quick."""
        quick = self.slots.end(running, now)
        lane = running.lane
        # Only slow polls and those of unknown pace change how many polls other namespaces may begin.
        freed = list(self._blocked) if running.in_slow_slot or not lane.known_quick else [lane.namespace]
        for namespace in freed:
            for blocked in self._blocked.pop(namespace, ()):
                self._ready(blocked)
        return quick

    def _ready(self, lane: Lane) -> None:
        (self._slow if lane.slow else self._quick).put(lane)

    def _get_from(self, lanes: RoundRobin) -> QueuedPoll | None:
        while lanes and (self.slots.slow_free if lanes is self._slow else self.slots.quick_free):
            lane = lanes.pop()
            if lane.slow is not (lanes is self._slow):
                self._ready(lane)  # it has changed since
            elif not self.slots.may_begin(lane):
                lane.state = LaneState.BLOCKED
                self._blocked.setdefault(lane.namespace, []).append(lane)
            elif (poll := self._pop(lane)) is not None:
                return poll
        return None

    def _pop(self, lane: Lane) -> QueuedPoll | None:
        """Remove the first poll of a lane that is admitted, and put the lane behind the others."""
        poll = lane.polls.pop()
        while poll is not None and not self._admit(poll):
            poll = lane.polls.pop()
        lane.state = LaneState.IDLE
        if lane.polls.rank is not None:
            self._ready(lane)
        return poll
