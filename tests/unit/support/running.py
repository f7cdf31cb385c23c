"""A scheduler with its workers, and what it polls."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.sharding.handover import HandedOver
from appconfig_operator.engine.poll import PollOutcome
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.engine.sessions import Start
from appconfig_operator.engine.slots import threads
from appconfig_operator.engine.state.poll_state import PollState
from appconfig_operator.engine.workers import Workers
from sandbox import wait_until
from tests.unit.support.engine_fakes import FakeFence, FakeLeaseGuard, FakeMeter, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.status import Status, WrittenTarget
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.drift import Drift
    from appconfig_operator.engine.workers import Job

NEVER = 1e6


@dataclass
class Recorder:
    """Polls by saying so."""

    delay: Callable[[Source], float] = lambda _: NEVER
    polled: list[tuple[str, int]] = field(default_factory=list)
    remembered: list[tuple[str, Status]] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    most: int = 0
    running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    written: WrittenTarget | None = None
    drifts: list[Drift | None] = field(default_factory=list)
    handed_over: list[HandedOver | None] = field(default_factory=list)
    start_delay: float = 0.0

    def start(self, source: Source, handed_over: HandedOver | None) -> Start:
        self.handed_over.append(handed_over)
        return Start(self.remember(source, source.status), self.start_delay, first=source.status.target is None)

    def restart(self, source: Source, before: PollState) -> PollState:
        state = self.remember(source, before.status.stored)
        state.status.written = before.status.written
        return state

    def export(self, source: Source, state: PollState, due: float) -> HandedOver | None:
        session = state.fetch.session.save()
        return None if session is None else HandedOver(source.uid, source.generation, 0.0, due, "", session)

    def remember(self, source: Source, status: Status) -> PollState:
        self.remembered.append((source.uid, status))
        state = PollState.of(World().session(source), status, 0.0)
        state.status.received, state.status.written, state.history.kept = None, self.written, ()
        return state

    def poll(self, source: Source, state: PollState) -> PollOutcome:
        self.drifts.append(state.drift.found)
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.at_once[source.uid] += 1
            assert self.at_once[source.uid] == 1, "polled twice at once"
            self.polled.append((source.uid, source.generation))
        try:
            return PollOutcome(self.delay(source), PollResult.UNCHANGED)
        finally:
            with self.lock:
                self.running -= 1
                self.at_once[source.uid] -= 1

    def count(self, uid: str) -> int:
        return sum(polled == uid for polled, _ in self.polled)


@dataclass
class Gate:
    """Holds polls until opened."""

    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _: Source) -> float:
        self.entered.release()
        assert self.opened.wait(10)
        return NEVER

    def wait_entered(self) -> None:
        assert self.entered.acquire(timeout=10)


@dataclass
class Running:
    """A scheduler with its workers. Shard 0, the only one, is held."""

    recorder: Recorder
    count: int = 4
    shards: int = 1
    meter: FakeMeter = field(default_factory=FakeMeter)
    guard: FakeLeaseGuard = field(default_factory=FakeLeaseGuard)
    fence: FakeFence = field(default_factory=FakeFence)
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.recorder, shards=self.shards, workers=self.count, monotonic=self.monotonic)
        self.workers = Workers(
            self.scheduler,
            self.recorder,
            fence=self.fence,
            meter=self.meter,
            limit=threads(self.count),
            monotonic=self.monotonic,
        )

    def stop(self, timeout: float) -> bool:
        self.scheduler.stop()
        return self.workers.join(timeout)


@dataclass
class Hand:
    """A scheduler by hand: with a clock of our own, and no thread."""

    recorder: Recorder = field(default_factory=Recorder)
    now: float = 1000.0
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.recorder, shards=1, workers=4, monotonic=lambda: self.now)
        self.scheduler.start(0, FakeLeaseGuard(), {})

    def take(self) -> Job | None:
        with self.scheduler._lock:
            poll = self.scheduler._queue.get_nowait()
            return None if poll is None else self.scheduler._schedule.begin(poll)

    def poll(self, polled: PollOutcome | None = None) -> int:
        """Poll all that is due, and return how many that were."""
        count = 0
        while (job := self.take()) is not None:
            self.jobs.append(job)
            self.scheduler.done(job, polled or PollOutcome(NEVER, PollResult.UNCHANGED))
            count += 1
        return count

    def begun(self) -> int:
        """Return how many sessions were polled."""
        return len({id(job.poll_state) for job in self.jobs})


def eventually(condition: Callable[[], object]) -> None:
    wait_until(condition, 10, "condition")
