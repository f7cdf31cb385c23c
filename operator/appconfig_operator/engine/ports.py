"""What the engine needs of the world, as Protocols: tests hand it fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from appconfig_operator.api.status import KeptVersion, Status
    from appconfig_operator.api.v1alpha1 import CreationPolicy, Source
    from appconfig_operator.core.formats.content import Content
    from appconfig_operator.core.poll_result import PollResult
    from appconfig_operator.core.sharding.handover import HandedOver, SavedSession
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.core.target.plan import WantedConfigMap
    from appconfig_operator.core.target.planned_write import PlannedWrite, WriteResult
    from appconfig_operator.core.target.rendered_version import RenderedVersion


class ConfigurationSession(Protocol):
    """One AppConfig session of one source."""

    interval: int

    def poll(self) -> Content | None:
        """Return what is new, or `None`. Raises `SourceError`."""

    def save(self) -> SavedSession | None:
        """Return what another replica can go on with, or `None` when there is no token that is good."""


class ConfigurationService(Protocol):
    """Where sessions come from."""

    def session(self, source: Source, saved: SavedSession | None = None) -> ConfigurationSession:
        """Prepare a session, or go on with one of another replica. No call is made yet."""


class ConfigMapStore(Protocol):
    """Where ConfigMaps are."""

    def plan(self, wanted: WantedConfigMap, *, known: bool) -> PlannedWrite:
        """Decide what to write. Raises `SourceError`; `OvertakenError` when somebody else was faster."""

    def write(self, planned: PlannedWrite) -> WriteResult:
        """Carry out a plan. Raises `SourceError`; `OvertakenError` when somebody else was faster."""

    def merge(self, wanted: WantedConfigMap) -> WriteResult:
        """Plan and write under `Merge`, where no version is replaced. Raises `SourceError`."""

    def holds(self, source: Source, name: str, data_digest: str) -> bool:
        """Return whether a ConfigMap holds that version, and carries the mark of the source. Raises `SourceError`."""

    def current(self, source: Source, name: str) -> RenderedVersion | None:
        """Return the version that the ConfigMap holds. Raises `SourceError`."""

    def release(self, source: Source, name: str) -> None:
        """Let go of a ConfigMap that was written before. Raises `SourceError`."""


class HistoryStore(Protocol):
    """Where replaced versions are kept."""

    def kept(self, source: Source, known: Sequence[KeptVersion]) -> Collection[KeptVersion]:
        """Return what is really kept, as it is known where it is known. Raises `SourceError`."""

    def keep(self, source: Source, version: RenderedVersion, kept: KeptVersion) -> None:
        """Keep a version under the number that is given. Raises `SourceError`."""

    def get(self, source: Source, data_digest: str, known: KeptVersion | None) -> RenderedVersion | None:
        """Return a kept version. Raises `SourceError`."""

    def drop(self, source: Source, kept: KeptVersion) -> None:
        """Forget a version kept under that number. Raises `SourceError`."""


class SourceStore(Protocol):
    """Where the status is."""

    def status(self, source: Source) -> Status:
        """Read the status as it is now. Raises `SourceGoneError`, `OutdatedError`, `TransientError`."""

    def update_status(self, source: Source, status: Status) -> str:
        """Write the status, return the new `resourceVersion`. Raises `SourceGoneError`, `TransientError`."""


class EventSink(Protocol):
    """Where Events go."""

    def emit(self, source: Source, *, kind: Literal["Normal", "Warning"], reason: str, note: str) -> None:
        """Write one Event, or log that it could not be written."""


class Meter(Protocol):
    """Where figures go."""

    def polled(self, result: PollResult, seconds: float, lateness: float, *, slow: bool) -> None:
        """Count a poll, how long it took, and how long after its time it began, in seconds.

        `slow` is whether it began in a slot for slow polls: what waits there delays nobody else.
        """

    def received(self, size: int) -> None:
        """Count a configuration that AppConfig delivered, and its bytes."""

    def wrote(self, policy: CreationPolicy) -> None:
        """Count a write that changed a ConfigMap."""


class Fence(Protocol):
    """Keeps a thread from writing once a Lease has lapsed."""

    def under(self, guard: LeaseGuard) -> AbstractContextManager[None]:
        """Let this thread write only while the Lease lasts."""


class ShardRunner(Protocol):
    """What polls the sources of the shards that this replica holds. Its methods return at once."""

    def start(self, shard: int, guard: LeaseGuard, sessions: Mapping[str, HandedOver]) -> None:
        """Poll the sources of a shard from now on, going on with the sessions, by uid, that were handed over."""

    def resume(self, shard: int) -> None:
        """Go on after the guard lapsed and came back, with nobody else in between."""

    def drain(self, shard: int) -> bool:
        """Begin no more polls of a shard, and return whether those under way have ended. Call it until they have."""

    def stop_and_export(self, shard: int) -> list[HandedOver]:
        """End the sessions of a drained shard, and return those that another replica can go on with."""

    def discard(self, shard: int) -> None:
        """Forget the sessions of a shard that another replica has taken."""


class HandoverStore(Protocol):
    """Where sessions wait between two replicas."""

    def put(self, shard: int, sessions: Sequence[HandedOver]) -> None:
        """Store the sessions of a shard. Raises `HandoverError`."""

    def take(self, shard: int) -> list[HandedOver]:
        """Return the sessions of a shard, and remove them for good first. Raises `HandoverError`."""
