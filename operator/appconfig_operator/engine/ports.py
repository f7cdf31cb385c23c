"""What the engine needs from AWS and Kubernetes, as Protocols: tests pass fakes."""

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
        """Return what another replica can continue with, or `None` if no token is valid."""


class ConfigurationService(Protocol):
    """Prepares sessions."""

    def session(self, source: Source, saved: SavedSession | None = None) -> ConfigurationSession:
        """Prepare a session, or continue one of another replica. This makes no call."""


class ConfigMapStore(Protocol):
    """Reads and writes ConfigMaps."""

    def plan(self, wanted: WantedConfigMap, *, known: bool) -> PlannedWrite:
        """Decide what to write. Raises `SourceError`; `OvertakenError` if someone else was faster."""

    def write(self, planned: PlannedWrite) -> WriteResult:
        """Carry out a plan. Raises `SourceError`; `OvertakenError` if someone else was faster."""

    def merge(self, wanted: WantedConfigMap) -> WriteResult:
        """Plan and write under `Merge`, where no version is replaced. Raises `SourceError`."""

    def holds(self, source: Source, name: str, data_digest: str) -> bool:
        """Return whether a ConfigMap holds that version, and has the label of the source. Raises `SourceError`."""

    def current(self, source: Source, name: str) -> RenderedVersion | None:
        """Return the version that the ConfigMap holds. Raises `SourceError`."""

    def release(self, source: Source, name: str) -> None:
        """Release a ConfigMap that was written before. Raises `SourceError`."""


class HistoryStore(Protocol):
    """Keeps replaced versions."""

    def kept(self, source: Source, known: Sequence[KeptVersion]) -> Collection[KeptVersion]:
        """Return what is really kept; versions in `known` are not read again. Raises `SourceError`."""

    def keep(self, source: Source, version: RenderedVersion, kept: KeptVersion) -> None:
        """Keep a version under the revision of `kept`. Raises `SourceError`."""

    def get(self, source: Source, data_digest: str, known: KeptVersion | None) -> RenderedVersion | None:
        """Return a kept version. Raises `SourceError`."""

    def drop(self, source: Source, kept: KeptVersion) -> None:
        """Delete a kept version. Raises `SourceError`."""


class SourceStore(Protocol):
    """Reads and writes the status."""

    def status(self, source: Source) -> Status:
        """Read the status as it is now. Raises `SourceGoneError`, `OutdatedError`, `TransientError`."""

    def update_status(self, source: Source, status: Status) -> str:
        """Write the status, return the new `resourceVersion`. Raises `SourceGoneError`, `TransientError`."""


class EventSink(Protocol):
    """Emits Events."""

    def emit(self, source: Source, *, kind: Literal["Normal", "Warning"], reason: str, note: str) -> None:
        """Write one Event, or log that it could not be written."""


class Meter(Protocol):
    """Records metrics."""

    def polled(self, result: PollResult, seconds: float, lateness: float, *, slow: bool) -> None:
        """Count a poll, and record how long it took and how late it began, in seconds.

        `slow` is whether it began in a slot for slow polls, where it delays no others.
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
    """Polls the sources of the shards that this replica holds. Its methods return at once."""

    def start(self, shard: int, guard: LeaseGuard, sessions: Mapping[str, HandedOver]) -> None:
        """Start to poll the sources of a shard, and continue the sessions, by uid, that were handed over."""

    def resume(self, shard: int) -> None:
        """Continue after the guard lapsed and was renewed, with no other holder in between."""

    def drain(self, shard: int) -> bool:
        """Begin no more polls of a shard, and return whether those under way have ended. Call it until it does."""

    def stop_and_export(self, shard: int) -> list[HandedOver]:
        """End the sessions of a drained shard, and return those that another replica can continue."""

    def discard(self, shard: int) -> None:
        """Forget the sessions of a shard that another replica has taken."""


class HandoverStore(Protocol):
    """Stores sessions between two replicas."""

    def put(self, shard: int, sessions: Sequence[HandedOver]) -> None:
        """Store the sessions of a shard. Raises `HandoverError`."""

    def take(self, shard: int) -> list[HandedOver]:
        """Delete the stored sessions of a shard, then return them. Raises `HandoverError`."""
