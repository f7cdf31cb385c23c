"""A queue of polls under a clock of our own: sources whose polls take as long as the test says."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.engine.delay_queue import DelayQueue
from appconfig_operator.engine.entry import Entry
from appconfig_operator.engine.lane_queue import LaneQueue
from appconfig_operator.engine.lanes import QueuedPoll
from appconfig_operator.engine.slots import threads
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
    entries: dict[str, Entry] = field(default_factory=dict)
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
        self._ends: list[tuple[float, int, str, Entry, RunningPoll]] = []
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
        entry = self.entries[uid] = Entry(source(uid=uid, namespace=namespace, spec=spec(region=region)), 0)
        entry.proven = proven
        self.seconds[uid] = seconds
        self.schedule(entry, delay, first=first)
        return uid

    def remove(self, uid: str) -> None:
        entry = self.entries.pop(uid, None)
        if entry is not None and entry.queue_token is not None:
            entry.queue_token.cancelled = True

    def schedule(self, entry: Entry, delay: float, *, first: bool = False) -> None:
        if entry.queue_token is not None:
            entry.queue_token.cancelled = True
        entry.due = self.now + delay
        entry.queue_token = QueuedPoll(entry.source.uid, self.lanes.lane(entry), entry.due, first=first)
        self.queue.put(entry.queue_token)

    def begin(self) -> tuple[Entry, RunningPoll] | None:
        poll = self.queue.get_nowait()
        if poll is None:
            return None
        entry = self.entries[poll.uid]
        entry.queue_token = None
        return entry, self.lanes.begin(poll, self.now)

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
            entry, running = begun
            uid = entry.source.uid
            self.late[entry.source.namespace].append(self.now - entry.due)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            assert self.under_way < threads(self.workers), "no thread is left that looks out"
            took = self.now + self.seconds[uid]()
            heapq.heappush(self._ends, (took, next(self._numbers), uid, entry, running))
            load = running.lane.namespace
            self.slow_slots_of[load.name] = max(self.slow_slots_of[load.name], load.slow_slots)
        return self.queue.delay()

    def _end(self) -> None:
        _, _, uid, entry, running = heapq.heappop(self._ends)
        self.under_way -= 1
        entry.proven = self.lanes.end(running, self.now)
        if self.entries.get(uid) is entry:
            self.schedule(entry, INTERVAL)

    def worst(self, namespace: str, *, share: float = 0.99) -> float:
        """Return the lateness, in seconds, that this share of the polls of a namespace did not pass."""
        late = sorted(self.late[namespace])
        return late[min(len(late) - 1, int(len(late) * share))]
