"""One source, once: gather, decide, write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appconfig_operator.core import backoff
from appconfig_operator.core.errors import (
    BlockedError,
    BusyError,
    OutdatedError,
    RateLimitedError,
    Reason,
    SourceError,
    StallingError,
    TooEarlyError,
    WaitingError,
)
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.target.drift import FIGHT_WINDOW_SECONDS, fighting
from appconfig_operator.engine.deliver import Deliverer
from appconfig_operator.engine.keep import Keeper
from appconfig_operator.engine.memory import received_version
from appconfig_operator.engine.report import Reporter
from appconfig_operator.engine.reserve import Reserve
from appconfig_operator.engine.telling import Teller

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.memory import Memory
    from appconfig_operator.engine.ports import (
        ConfigMapStore,
        ConfigurationService,
        EventSink,
        HistoryStore,
        Meter,
        SourceStore,
    )
    from appconfig_operator.engine.telling import Untold

OUTDATED_SECONDS = 1.0
"""Until another look at a source whose new spec the watch is about to tell, and twice as long after each further one:
the watch may be away. Once it has told, there is a poll at once."""


@dataclass(frozen=True, slots=True)
class Polled:
    """The outcome of a poll.

    Attributes
    ----------
    delay
        Seconds until the next one, or `None` without a next one.
    result
        How it ended, for the metrics.
    answered
        Whether all that were asked have answered, be it with a refusal; `None` when nothing new is known.
    awaits
        Name of the ConfigMap that the source waits for to come, to change or to go, or `None`; as before when nothing
        new is known.
    """

    delay: float | None
    result: PollResult
    answered: bool | None = True
    awaits: str | None = None


_AWAITED = {Reason.TARGET_NOT_OWNED, Reason.TARGET_MISSING, Reason.TARGET_CONFLICT}


class Poller:
    """Polls sources. Safe to share between threads, as long as no source is polled twice at once.

    Parameters
    ----------
    service, config_maps, history, sources, events, meter
        The world.
    monotonic
        Seconds, for intervals.
    utc_now
        Wall clock, for what users read.
    random
        From 0 (included) to 1 (excluded), for jitter.
    reserve
        Bounds what waits to be written.
    """

    def __init__(  # noqa: PLR0913 (the seams of the world, all by name)
        self,
        *,
        service: ConfigurationService,
        config_maps: ConfigMapStore,
        history: HistoryStore,
        sources: SourceStore,
        events: EventSink,
        meter: Meter,
        monotonic: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
        reserve: Reserve | None = None,
    ) -> None:
        self._service = service
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._random = random
        self._sources = sources
        self._meter = meter
        self._deliverer = Deliverer(config_maps, sources, Keeper(history, sources, events, self._now), self._now)
        self._reporter = Reporter(sources, events, self._now)
        self._reserve = reserve or Reserve()
        self._teller = Teller(self._reporter, monotonic, random)

    def poll(self, source: Source, memory: Memory) -> Polled:
        """Poll a source, and carry out what follows.

        Raises
        ------
        SourceGoneError
            When the source does not exist any more.
        """
        try:
            polled = self._turn(source, memory)
        finally:
            self._keep(memory)  # whatever has ended it
        memory.woken = False
        assert polled.delay is not None, "only a source that is gone has no next poll"  # noqa: S101 (that is raised)
        return replace(polled, delay=self._teller.sooner(memory, polled.delay))

    def _turn(self, source: Source, memory: Memory) -> Polled:
        outdated, memory.outdated = memory.outdated, 0
        try:
            if memory.untold is not None and self._teller.turn(memory):
                return self._retell(source, memory, memory.untold)
            return self._poll(source, memory)
        except TooEarlyError:
            memory.next_call = self._monotonic() + memory.session.interval
            return Polled(self._ordinary(memory), PollResult.TOO_EARLY, answered=None)
        except RateLimitedError as paced:
            result = PollResult.BUSY if isinstance(paced, BusyError) else PollResult.PACED
            return Polled(paced.seconds, result, answered=None)
        except OutdatedError:
            memory.outdated = outdated + 1
            wait = min(OUTDATED_SECONDS * 2.0 ** min(outdated, 16), backoff.CAP_SECONDS)
            return Polled(wait, PollResult.OUTDATED, answered=None)

    def _retell(self, source: Source, memory: Memory, untold: Untold) -> Polled:
        """Write the status alone: the next poll keeps its time."""
        due = untold.poll_due
        refused = self._teller.retell(source, memory)
        result = PollResult(refused.reason) if refused is not None else PollResult.TOLD
        return Polled(max(0.0, due - self._monotonic()), result, answered=None)

    def _poll(self, source: Source, memory: Memory) -> Polled:
        self._check_forgone(source, memory)
        error: SourceError | None = None
        before = memory.received
        changed = False
        try:
            self._check_fight(source, memory)
            try:
                self._receive(source, memory)
            except SourceError:
                # What is at hand is written whatever AWS says: a rollback by a pin above all.
                # What was left over goes, too.
                if source.spec.pinned_digest is not None or memory.pending is not None or memory.strays:
                    changed = self._deliver(source, memory)
                raise
            changed = self._deliver(source, memory)
        except SourceError as raised:
            # A copy: with its traceback, this frame and the error would hold each other, and all that was in hand.
            error = raised.copy()
        if memory.blocked is not None and source.spec.pinned_digest is None:
            memory.drift = None  # there is nothing to put right with until another configuration comes
        memory.failures = memory.failures + 1 if error is not None and error.transient else 0
        refused = self._teller.tell(source, memory, error, changed=changed)
        delay = self._ordinary(memory) if error is None else self._delay(memory, error)
        told = refused or error
        unchanged = PollResult.UNCHANGED if memory.received is before else PollResult.RECEIVED
        return Polled(
            delay,
            unchanged if told is None else PollResult(told.reason),
            answered=error is None or not error.transient,
            awaits=source.spec.target.name if _awaits(error) else None,
        )

    def _keep(self, memory: Memory) -> None:
        """Give up what could not be written, where too much waits already."""
        if memory.pending is not None and not self._reserve.keep(memory.pending):
            memory.pending, memory.forgone = None, True

    def _check_forgone(self, source: Source, memory: Memory) -> None:
        """Wait with a configuration that was given up until AppConfig may be called: without it, nothing is known."""
        wait = memory.next_call - self._monotonic()
        if memory.forgone and memory.drift is None and wait > 0 and source.spec.pinned_digest is None:
            raise RateLimitedError(wait)

    def _check_fight(self, source: Source, memory: Memory) -> None:
        """Put a ConfigMap right at a slow pace when somebody keeps changing it."""
        now = self._monotonic()
        if memory.drift is None or not fighting(memory.repairs, now):
            return
        memory.repairs = tuple(when for when in memory.repairs if now - when < FIGHT_WINDOW_SECONDS)
        if now - memory.repairs[-1] < backoff.STALLED_SECONDS:
            raise StallingError(
                Reason.TARGET_CONFLICT,
                f"ConfigMap {source.namespace}/{source.spec.target.name} {memory.drift}. This keeps "
                "happening, so the operator now reverts it only every 5 minutes. Stop whatever changes it, or set a "
                "different spec.target.name; the annotation appconfig-operator.io/requestedAt reverts it now.",
            )

    def _receive(self, source: Source, memory: Memory) -> None:
        """Ask AppConfig, unless it is too early and only a write is to be tried again."""
        if memory.drift is not None and memory.pending is None and self._intact(source, memory):
            memory.drift, memory.renewed = None, False  # a false alarm must not cost a session
        if memory.drift is not None and memory.pending is None and not memory.renewed:
            # The content is not kept, and comes again in a new session only.
            memory.session = self._service.session(source)
            memory.next_call, memory.renewed = 0.0, True
        if memory.forgone and self._monotonic() >= memory.next_call:
            memory.session, memory.forgone = self._service.session(source), False
        if self._monotonic() < memory.next_call:
            return
        try:
            content = memory.session.poll()
        except RateLimitedError as paced:
            if memory.pending is None and source.spec.pinned_digest is None:
                raise
            memory.next_call = self._monotonic() + paced.seconds  # what is at hand is written meanwhile
            return
        except (WaitingError, BlockedError):
            memory.asked = self._monotonic()
            memory.next_call = memory.asked + memory.session.interval
            raise
        memory.asked = self._monotonic()
        memory.next_call = memory.asked + memory.session.interval
        if content is None:
            return
        self._meter.received(len(content.body))
        memory.pending, memory.renewed = content, False
        memory.blocked = None
        memory.received = received_version(content, memory.received, self._now())

    def _intact(self, source: Source, memory: Memory) -> bool:
        # Always: the source may have been deleted, and its ConfigMap with it. Two watches tell of that in any order.
        memory.refresh(self._sources.status(source))
        return self._deliverer.intact(source, memory)

    def _deliver(self, source: Source, memory: Memory) -> bool:
        before = memory.written
        changed = self._deliverer.deliver(source, memory)
        if changed:
            self._meter.wrote(source.spec.target.creation_policy)
        if memory.drift is None:
            return changed
        what, memory.drift = memory.drift, None
        if changed:
            memory.repairs = (*memory.repairs, self._monotonic())
            self._reporter.drifted(source, what)
        # The same version put right is told as that, and not as a new version.
        return changed and (
            before is None or memory.written is None or before.data_digest != memory.written.data_digest
        )

    def _delay(self, memory: Memory, error: SourceError) -> float:
        return backoff.delay_after(
            error,
            failures=memory.failures,
            interval=memory.session.interval,
            remaining=self._remaining(memory),
            random=self._random(),
        )

    def _ordinary(self, memory: Memory) -> float:
        return backoff.poll_delay(memory.session.interval, self._remaining(memory), self._random())

    def _remaining(self, memory: Memory) -> float:
        return max(0.0, memory.next_call - self._monotonic())

    def _now(self) -> str:
        return self._utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _awaits(error: SourceError | None) -> bool:
    return isinstance(error, BlockedError) and error.reason in _AWAITED
