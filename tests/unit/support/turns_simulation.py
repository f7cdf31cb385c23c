"""Turns under a clock of our own: sources whose polls take as long as the test says."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.engine.entry import Entry
from appconfig_operator.engine.slots import threads
from appconfig_operator.engine.turns import Shard, Turns
from tests.support.builders import source, spec
from tests.unit.support.engine_fakes import FakeLeaseGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.engine.slots import Running

INTERVAL = 15.0


@dataclass
class Simulation:
    """Polls without threads: each takes its seconds of a clock that jumps from event to event."""

    workers: int = 10
    turns: Turns = field(init=False)
    entries: dict[str, Entry] = field(default_factory=dict)
    seconds: dict[str, Callable[[], float]] = field(default_factory=dict)
    late: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    now: float = 100.0
    under_way: int = 0
    most: int = 0
    charged_of: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.turns = Turns(self.workers)
        self.turns.shards[0] = Shard(FakeLeaseGuard(), draining=False)
        self._numbers = itertools.count()
        self._ends: list[tuple[float, int, str, Entry, Running]] = []
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
        self.turns.add(entry, self.now + delay, first=first)
        return uid

    def remove(self, uid: str) -> None:
        self.entries.pop(uid, None)

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
        while isinstance(taken := self.turns.take(self.entries, self.now), tuple):
            entry, running = taken
            uid = entry.source.uid
            self.late[entry.source.namespace].append(self.now - entry.due)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            assert self.under_way < threads(self.workers), "no thread is left that looks out"
            took = self.now + self.seconds[uid]()
            heapq.heappush(self._ends, (took, next(self._numbers), uid, entry, running))
            tenant = running.lane.tenant
            self.charged_of[tenant.name] = max(self.charged_of[tenant.name], tenant.charged)
        return taken

    def _end(self) -> None:
        _, _, uid, entry, running = heapq.heappop(self._ends)
        self.under_way -= 1
        entry.proven = self.turns.ended(running, self.now)
        if self.entries.get(uid) is entry:
            self.turns.add(entry, self.now + INTERVAL)

    def worst(self, namespace: str, *, share: float = 0.99) -> float:
        """Return the lateness, in seconds, that this share of the polls of a namespace did not pass."""
        late = sorted(self.late[namespace])
        return late[min(len(late) - 1, int(len(late) * share))]
