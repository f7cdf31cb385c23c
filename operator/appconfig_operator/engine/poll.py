"""One source, once: gather, decide, write."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from appconfig_operator.api.status import ReceivedVersion, Status, WrittenTarget
from appconfig_operator.core import conditions, pace
from appconfig_operator.core.errors import (
    ContentError,
    RefusedError,
    SourceError,
    StallingError,
    TooEarlyError,
    TransientError,
    WaitingError,
)
from appconfig_operator.core.plan import wanted_config_map
from appconfig_operator.core.render import render
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.content import Content
    from appconfig_operator.engine.ports import (
        ConfigMapStore,
        ConfigurationService,
        ConfigurationSession,
        EventSink,
        SourceStore,
    )

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Memory:
    """What is kept of a source between two polls. Used by one thread at a time.

    Attributes
    ----------
    session
        Its AppConfig session.
    status
        The status as the API server has it.
    received, written
        What AppConfig last delivered and what was last written: the status as it should be.
    next_call
        When AppConfig may be asked again, by the monotonic clock.
    failures
        Transient failures in a row.
    pending
        A configuration that was received and is not written yet. AppConfig does not send it again in this session.
    blocked
        Why the configuration received last cannot be written.
    """

    session: ConfigurationSession
    status: Status
    received: ReceivedVersion | None
    written: WrittenTarget | None
    next_call: float = 0.0
    failures: int = 0
    pending: Content | None = None
    blocked: ContentError | None = None


class Poller:
    """Polls sources. Safe to share between threads, as long as no source is polled twice at once.

    Parameters
    ----------
    service, config_maps, sources, events
        The world.
    monotonic
        Seconds, for intervals.
    utc_now
        Wall clock, for what users read.
    random
        From 0 (included) to 1 (excluded), for jitter.
    """

    def __init__(  # noqa: PLR0913 (the seams of the world, all by name)
        self,
        *,
        service: ConfigurationService,
        config_maps: ConfigMapStore,
        sources: SourceStore,
        events: EventSink,
        monotonic: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._service = service
        self._config_maps = config_maps
        self._sources = sources
        self._events = events
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._random = random

    def remember(self, source: Source, status: Status) -> Memory:
        """Start the memory of a source, with a new session."""
        return Memory(
            session=self._service.session(source.spec), status=status, received=status.source, written=status.target
        )

    def poll(self, source: Source, memory: Memory) -> float:
        """Poll a source, and carry out what follows.

        Returns
        -------
        float
            Seconds until it is to be polled again.

        Raises
        ------
        SourceGoneError
            When the source does not exist any more.
        """
        error: SourceError | None = None
        changed = False
        try:
            self._receive(memory)
            changed = self._deliver(source, memory)
        except TooEarlyError:
            memory.next_call = self._monotonic() + memory.session.interval
            return self._ordinary(memory)
        except SourceError as raised:
            error = raised
        memory.failures = memory.failures + 1 if isinstance(error, TransientError) else 0
        try:
            self._report(source, memory, error, changed=changed)
        except TransientError as raised:
            logger.warning("Status not written: %s", raised, extra=about(source))
            memory.failures += 1
            error = raised
        return self._delay(memory, error)

    def _receive(self, memory: Memory) -> None:
        """Ask AppConfig, unless it is too early and only a write is to be tried again."""
        if self._monotonic() < memory.next_call:
            return
        try:
            content = memory.session.poll()
        except WaitingError:
            memory.next_call = self._monotonic() + memory.session.interval
            raise
        memory.next_call = self._monotonic() + memory.session.interval
        if content is None:
            return
        memory.pending = content
        memory.blocked = None
        memory.received = _received(content, memory.received, self._now())

    def _deliver(self, source: Source, memory: Memory) -> bool:
        """Write what is pending, and tell whether the ConfigMap changed."""
        if memory.blocked is not None:
            raise memory.blocked
        if memory.pending is None:
            return False
        try:
            data = render(memory.pending, source.spec.target)
        except ContentError as error:
            memory.blocked = error
            memory.pending = None
            raise
        wanted = wanted_config_map(source, memory.pending, data)
        known = memory.written is not None and memory.written.name == wanted.name
        outcome = self._config_maps.sync(wanted, known=known)
        memory.pending = None
        if outcome.changed or not known or memory.written is None or memory.written.digest != data.digest:
            memory.written = WrittenTarget(
                name=wanted.name,
                digest=data.digest,
                keys=data.keys,
                synced_time=self._now(),
                resource_version=outcome.resource_version,
            )
        return outcome.changed

    def _report(self, source: Source, memory: Memory, error: SourceError | None, *, changed: bool) -> None:
        ready = memory.status.condition(conditions.READY)
        if error is not None:
            verdict = conditions.failed(error, failures=memory.failures, ready=ready)
        elif memory.written is not None and memory.received is not None:
            verdict = conditions.synced(
                target=memory.written.name,
                version_label=memory.received.version_label,
                digest=memory.received.digest,
            )
        else:
            verdict = None
        if verdict is None:
            return
        status = Status(
            observed_generation=source.generation,
            conditions=conditions.conditions(
                verdict, previous=memory.status.conditions, generation=source.generation, now=self._now()
            ),
            source=memory.received,
            target=memory.written,
        )
        if status == memory.status:
            return
        self._sources.update_status(source, status)
        memory.status = status
        turned = ready is None or (ready.status, ready.reason) != (verdict.status, verdict.reason)
        if changed or turned:
            self._tell(source, verdict)

    def _tell(self, source: Source, verdict: conditions.Verdict) -> None:
        level = logging.WARNING if verdict.status == "False" else logging.INFO
        logger.log(level, "%s: %s", verdict.reason, verdict.message, extra=about(source, reason=str(verdict.reason)))
        if verdict.status == "Unknown":
            return
        kind: Literal["Normal", "Warning"] = "Normal" if verdict.status == "True" else "Warning"
        self._events.emit(source, kind=kind, reason=str(verdict.reason), note=verdict.message)

    def _delay(self, memory: Memory, error: SourceError | None) -> float:
        if isinstance(error, TransientError):
            if isinstance(error, RefusedError) and memory.failures >= conditions.SHOWN_AFTER:
                return pace.slow(memory.session.interval, self._random())
            return pace.backoff(memory.failures, self._random())
        if isinstance(error, StallingError):
            return pace.slow(memory.session.interval, self._random())
        return self._ordinary(memory)

    def _ordinary(self, memory: Memory) -> float:
        remaining = max(0.0, memory.next_call - self._monotonic())
        return pace.ordinary(memory.session.interval, remaining, self._random())

    def _now(self) -> str:
        return self._utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _received(content: Content, before: ReceivedVersion | None, now: str) -> ReceivedVersion:
    """Describe what was received. The same version received again keeps the time of the first receipt."""
    version = ReceivedVersion(
        version_label=content.version_label,
        content_type=content.content_type,
        digest=content.digest,
        size_bytes=len(content.body),
        received_time=now,
    )
    if before is not None and replace(before, received_time=now) == version:
        return before
    return version
