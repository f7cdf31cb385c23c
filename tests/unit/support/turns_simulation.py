"""A queue of polls under a clock of our own: sources whose polls take as long as the test says."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.engine.delay_queue import DelayQueue
from appconfig_operator.engine.lane_queue import LaneQueue
from appconfig_operator.engine.lanes import QueuedPoll
from appconfig_operator.engine.slots import threads
from appconfig_operator.engine.state.source_state import SourceState
from tests.support.builders import source, spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.engine.slots import RunningPoll

INTERVAL = 15.0


@dataclass
class Simulation:
    """Polls without threads: each takes its seconds of a clock that jumps from event to event."""

    workers: int = 10
    lanes: LaneQueue = field(init=False)
    queue: DelayQueue[QueuedPoll] = field(init=False)
    states: dict[str, SourceState] = field(default_factory=dict)
    seconds: dict[str, Callable[[], float]] = field(default_factory=dict)
    late: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    now: float = 100.0
    under_way: int = 0
    most: int = 0
    slow_slots_of: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        lock = threading.Lock()
        lock.acquire()  # there is one thread
        self.lanes = LaneQueue(self.workers, lambda _: True)
        self.queue = DelayQueue(self.lanes, lock, lambda: self.now)
        self._numbers = itertools.count()
        self._ends: list[tuple[float, int, str, SourceState, RunningPoll]] = []
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []

    def add(  # noqa: PLR0913 (what a source is like, all by name)
        self,
        namespace: str,
        seconds: Callable[[], float],
        *,
        delay: float = 0.0,
        first: bool = True,
        proven: bool = False,
        region: str | None = None,
    ) -> str:
        uid = f"{namespace}-{next(self._numbers)}"
        state = self.states[uid] = SourceState(source(uid=uid, namespace=namespace, spec=spec(region=region)), 0)
        state.schedule.known_quick = proven
        self.seconds[uid] = seconds
        self.schedule(state, delay, first=first)
        return uid

    def remove(self, uid: str) -> None:
        state = self.states.pop(uid, None)
        if state is not None and state.schedule.queued_poll is not None:
            state.schedule.queued_poll.cancelled = True

    def schedule(self, state: SourceState, delay: float, *, first: bool = False) -> None:
        if state.schedule.queued_poll is not None:
            state.schedule.queued_poll.cancelled = True
        state.schedule.due = self.now + delay
        state.schedule.queued_poll = QueuedPoll(
            state.source.uid, self.lanes.lane(state), state.schedule.due, first=first
        )
        self.queue.put(state.schedule.queued_poll)

    def begin(self) -> tuple[SourceState, RunningPoll] | None:
        poll = self.queue.get_nowait()
        if poll is None:
            return None
        state = self.states[poll.uid]
        state.schedule.queued_poll = None
        return state, self.lanes.begin(poll, self.now)

    def at(self, delay: float, job: Callable[[], None]) -> None:
        heapq.heappush(self._jobs, (self.now + delay, next(self._numbers), job))

    def run(self, until: float) -> None:
        end = self.now + until
        while self.now < end:
            wait = self._begin_all()
            coming = [end]
            coming += [self.now + wait] if wait is not None else []
            coming += [self._ends[0][0]] if self._ends else []
            coming += [self._jobs[0][0]] if self._jobs else []
            self.now = max(self.now, min(coming))
            while self._jobs and self._jobs[0][0] <= self.now:
                heapq.heappop(self._jobs)[2]()
            while self._ends and self._ends[0][0] <= self.now:
                self._end()

    def _begin_all(self) -> float | None:
        while (begun := self.begin()) is not None:
            state, running = begun
            uid = state.source.uid
            self.late[state.source.namespace].append(self.now - state.schedule.due)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            assert self.under_way < threads(self.workers), "no thread is left that looks out"
            took = self.now + self.seconds[uid]()
            heapq.heappush(self._ends, (took, next(self._numbers), uid, state, running))
            load = running.lane.namespace
            self.slow_slots_of[load.name] = max(self.slow_slots_of[load.name], load.slow_slots)
        return self.queue.delay()

    def _end(self) -> None:
        _, _, uid, state, running = heapq.heappop(self._ends)
        self.under_way -= 1
        state.schedule.known_quick = self.lanes.end(running, self.now)
        if self.states.get(uid) is state:
            self.schedule(state, INTERVAL)

    def worst(self, namespace: str, *, share: float = 0.99) -> float:
        """Return the lateness, in seconds, that this share of the polls of a namespace did not pass."""
        late = sorted(self.late[namespace])
        return late[min(len(late) - 1, int(len(late) * share))]
