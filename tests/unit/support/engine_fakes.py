"""A world of our own for the engine: what AppConfig answers and what the API server does is said by the test."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from appconfig_operator.api.labels import CONTENT_TYPE, VERSION_LABEL
from appconfig_operator.core.errors import OutdatedError, SourceGoneError
from appconfig_operator.core.sharding.handover import SavedSession
from appconfig_operator.core.target.plan import Create, Replace
from appconfig_operator.core.target.planned_write import PlannedWrite, WriteResult
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.engine.poll import Poller
from appconfig_operator.engine.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager

    from appconfig_operator.api.status import KeptVersion, Status
    from appconfig_operator.api.v1alpha1 import CreationPolicy, Source
    from appconfig_operator.core.errors import SourceError
    from appconfig_operator.core.formats.content import Content
    from appconfig_operator.core.poll_result import PollResult
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.core.target.plan import WantedConfigMap


def _version(wanted: WantedConfigMap) -> RenderedVersion:
    annotations = wanted.annotations
    return RenderedVersion(wanted.data, annotations[VERSION_LABEL], annotations[CONTENT_TYPE])


def _raise_next(errors: list[SourceError | None]) -> None:
    error = errors.pop(0) if errors else None
    if error is not None:
        raise error


START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeLeaseGuard:
    """A Lease that lasts until the test says otherwise."""

    seconds: float = 10.0

    def remaining(self) -> float:
        return self.seconds


@dataclass
class FakeMeter:
    """Figures, as they come."""

    polls: list[tuple[str, float, float]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    writes: int = 0
    slow: int = 0

    def wrote(self, policy: CreationPolicy) -> None:
        assert policy
        self.writes += 1

    def polled(self, result: PollResult, seconds: float, lateness: float, *, slow: bool) -> None:
        self.slow += slow
        self.polls.append((result, seconds, lateness))

    def received(self, size: int) -> None:
        self.sizes.append(size)


@dataclass
class FakeFence:
    """Lets all through, and keeps account."""

    guards: list[LeaseGuard] = field(default_factory=list)

    def under(self, guard: LeaseGuard) -> AbstractContextManager[None]:
        assert guard.remaining() > 0
        self.guards.append(guard)
        return nullcontext()


@dataclass
class FakeSession:
    world: World
    interval: int = 60
    token: str | None = "t-0"
    delivered: bool = True

    def poll(self) -> Content | None:
        self.world.polls += 1
        answer = self.world.answers.pop(0) if self.world.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def save(self) -> SavedSession | None:
        return None if self.token is None else SavedSession(self.token, self.interval, self.delivered)


@dataclass
class World:
    """Everything outside the engine."""

    answers: list[Content | Exception | None] = field(default_factory=list)
    write_errors: list[SourceError | None] = field(default_factory=list)
    status_errors: list[Exception | None] = field(default_factory=list)
    polls: int = 0
    sessions: int = 0
    now: float = 1000.0
    release_errors: list[SourceError | None] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    refuse_after_keep: SourceError | None = None
    history_errors: list[SourceError | None] = field(default_factory=list)
    config_maps: dict[str, WantedConfigMap] = field(default_factory=dict)
    list_errors: list[SourceError | None] = field(default_factory=list)
    keep_errors: list[SourceError | None] = field(default_factory=list)
    drop_errors: list[SourceError | None] = field(default_factory=list)
    revisions: dict[tuple[str, int], tuple[KeptVersion, RenderedVersion]] = field(default_factory=dict)
    elsewhere: set[KeptVersion] = field(default_factory=set)
    lists: int = 0
    known: list[bool] = field(default_factory=list)
    writes: int = 0
    statuses: list[Status] = field(default_factory=list)
    events: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    random: float = 0.0
    tampered: bool = False
    status_reads: int = 0
    newest: Status | None = None
    newest_generation: int = 0
    gone: bool = False
    meter: FakeMeter = field(default_factory=FakeMeter)

    @property
    def config_map(self) -> WantedConfigMap | None:
        return self.config_maps.get("checkout-config")

    def session(self, source: Source, saved: SavedSession | None = None) -> FakeSession:
        if saved is not None:
            return FakeSession(self, saved.interval, saved.token)
        self.sessions += 1
        return FakeSession(self, interval=source.spec.poll_interval_seconds)

    def plan(self, wanted: WantedConfigMap, *, known: bool) -> PlannedWrite:
        self.known.append(known)
        _raise_next(self.write_errors)
        before = self.config_maps.get(wanted.name)
        if before is None:
            return PlannedWrite(wanted, Create({}))
        replaced = _version(before) if before.data.data_digest != wanted.data.data_digest else None
        return PlannedWrite(wanted, Replace({}) if before != wanted else None, replaced)

    def write(self, planned: PlannedWrite) -> WriteResult:
        if self.refuse_after_keep is not None:
            raise self.refuse_after_keep
        changed = planned.action is not None
        self.config_maps[planned.wanted.name] = planned.wanted
        self.writes += changed
        return WriteResult(str(self.writes), changed, created=isinstance(planned.action, Create))

    def merge(self, wanted: WantedConfigMap) -> WriteResult:
        return self.write(self.plan(wanted, known=True))

    def holds(self, source: Source, name: str, data_digest: str) -> bool:
        assert source.uid
        held = self.config_maps.get(name)
        return held is not None and held.data.data_digest == data_digest and not self.tampered

    def current(self, source: Source, name: str) -> RenderedVersion | None:
        assert source.uid
        held = self.config_maps.get(name)
        return _version(held) if held is not None else None

    def release(self, source: Source, name: str) -> None:
        assert source.spec.target.name in self.config_maps, "a gap: the new one is not there yet"
        self.released.append(name)
        error = self.release_errors.pop(0) if self.release_errors else None
        if error is not None:
            raise error
        self.config_maps.pop(name, None)

    def kept(self, source: Source, known: Sequence[KeptVersion]) -> Collection[KeptVersion]:
        assert source.uid
        self.lists += 1
        _raise_next(self.list_errors)
        return [kept for kept in known if kept in self.elsewhere] + [kept for kept, _ in self.revisions.values()]

    def keep(self, source: Source, version: RenderedVersion, kept: KeptVersion) -> None:
        assert source.uid
        _raise_next(self.keep_errors)
        self.revisions[kept.data_digest, kept.revision] = (kept, version)

    def get(self, source: Source, data_digest: str, known: KeptVersion | None) -> RenderedVersion | None:
        assert source.uid
        assert known is None or known.data_digest == data_digest
        _raise_next(self.history_errors)
        return next((version for kept, version in self.revisions.values() if kept.data_digest == data_digest), None)

    def drop(self, source: Source, kept: KeptVersion) -> None:
        assert source.uid
        _raise_next(self.drop_errors)
        self.revisions.pop((kept.data_digest, kept.revision), None)

    @property
    def digests_kept(self) -> set[str]:
        return {data_digest for data_digest, _ in self.revisions}

    def status(self, source: Source) -> Status:
        """Return the newest status, which another replica may have written."""
        assert source.uid
        self.status_reads += 1
        if self.gone:
            raise SourceGoneError(source.uid)
        if self.newest_generation > source.generation:
            raise OutdatedError(source.uid)
        return self.newest if self.newest is not None else (self.statuses or [source.status])[-1]

    def update_status(self, source: Source, status: Status) -> str:
        error = self.status_errors.pop(0) if self.status_errors else None
        if error is not None:
            raise error
        assert source.uid
        self.statuses.append(status)
        return str(len(self.statuses))

    def emit(self, source: Source, *, kind: Literal["Normal", "Warning"], reason: str, note: str) -> None:
        assert source.uid
        assert note
        self.events.append((source.name, kind, reason))
        self.notes.append(note)

    def starting(self) -> Sessions:
        return Sessions(
            self,
            monotonic=lambda: self.now,
            utc_now=lambda: START + timedelta(seconds=self.now),
            random=lambda: self.random,
        )

    def poller(self) -> Poller:
        return Poller(
            service=self,
            config_maps=self,
            history=self,
            sources=self,
            events=self,
            meter=self.meter,
            monotonic=lambda: self.now,
            utc_now=lambda: START + timedelta(seconds=self.now),
            random=lambda: self.random,
        )
