"""Fakes for the watches: a scheduler, sources and a Kopf whose events are up to the test."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.kube.errors import ApiError
from appconfig_operator.watches import deletion_sweeper, handlers, patience
from appconfig_operator.watches.deletion_sweeper import DeletionSweeper
from appconfig_operator.watches.known_sources import KnownSources
from appconfig_operator.watches.namespace_access import NamespaceAccess
from appconfig_operator.watches.sources import SourceWatch
from sandbox import wait_until
from tests.support.builders import source

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    import pytest

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.drift import ConfigMapSnapshot

NEVER = 1000.0


_NO_RIGHT = 'configmaps is forbidden: User "x" cannot list resource "configmaps" in API group "" at the cluster scope'
NO_RIGHT = (
    'the operator cannot list resource "configmaps" in API group "" in all namespaces. '
    "Grant it with the operator's manifests or Helm chart"
)


def eventually(condition: Callable[[], object]) -> None:
    wait_until(condition, 10, "condition")


def refused(status: int = 403) -> ApiError:
    return ApiError(status, {"kind": "Status", "reason": "Forbidden", "message": _NO_RIGHT})


@dataclass
class FakeScheduler:
    """Keeps what is reported."""

    known: dict[str, Source | None] = field(default_factory=dict)
    targets_by_uid: dict[str, tuple[str, str]] = field(default_factory=dict)
    drifts: list[tuple[str, ConfigMapSnapshot]] = field(default_factory=list)
    waiting: list[tuple[set[str], str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, source: Source) -> bool:
        with self.lock:
            before = source.uid in self.known
            self.known[source.uid] = source
            return before

    def remove(self, uid: str) -> None:
        with self.lock:
            self.known.pop(uid, None)

    def uids(self) -> set[str]:
        with self.lock:
            return set(self.known)

    def keep_only(self, uids: set[str], among: set[str]) -> None:
        for uid in among - uids:
            self.remove(uid)

    def targets(self, namespace: str | None) -> dict[str, tuple[str, str]]:
        return {uid: at for uid, at in self.targets_by_uid.items() if namespace in {None, at[0]}}

    def note_waiting_owners(self, uids: frozenset[str], namespace: str, name: str) -> None:
        with self.lock:
            self.waiting.append((set(uids), namespace, name))

    def observe(self, uid: str, seen: ConfigMapSnapshot) -> None:
        self.drifts.append((uid, seen))


@dataclass
class FakeSources:
    """Lists the uids that there are, unless there is an error to raise first."""

    server: str = "https://api.example:6443"
    proxy: str = ""
    there: set[str] = field(default_factory=set)
    crd: bool = True
    errors: list[Exception] = field(default_factory=list)
    error: Exception | None = None
    refusing: set[str] = field(default_factory=set)
    looks: int = 0
    lists: int = 0
    page: int = 500
    listed: list[str] = field(default_factory=list)

    def served(self) -> bool:
        self.looks += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.crd

    def gone(self) -> bool:
        return not self.crd

    def uids(self, namespaces: Sequence[str]) -> set[str]:
        (namespace,) = namespaces
        self.lists += 1
        self.listed.append(namespace)
        if self.error is not None:
            raise self.error
        if namespace in self.refusing:
            raise refused()
        return set(self.there) if namespace == "shop" else set()


@dataclass
class FakeKopf:
    """Watches until stopped, unless there is an end to come to first: an error, or `None`."""

    ends: list[BaseException | None] = field(default_factory=list)
    begun: int = 0
    namespaces: tuple[str, ...] = ()
    watching: threading.Event = field(default_factory=threading.Event)
    on_gap: Callable[[], None] = lambda: None
    pages: list[int] = field(default_factory=list)
    on_refused: Callable[[str], None] = lambda _: None

    async def watch(
        self,
        _sink: object,
        *,
        namespaces: Sequence[str],
        stop: asyncio.Event,
        on_gap: Callable[[], None],
        page: Callable[[], int],
        on_refused: Callable[[str], None],
    ) -> None:
        self.pages.append(page())
        self.namespaces = tuple(namespaces)
        self.begun += 1
        if self.ends:
            end = self.ends.pop(0)
            if end is not None:
                raise end
            return
        self.on_gap, self.on_refused = on_gap, on_refused
        self.watching.set()
        try:
            await stop.wait()
        finally:
            self.watching.clear()


class Stop(threading.Event):
    """Set when all is to stop. Waits of the length of `quick` end at once, after a call of `on_wait`."""

    quick: float = -1.0

    def __init__(self, on_wait: Callable[[], None]) -> None:
        super().__init__()
        self.on_wait = on_wait

    def wait(self, timeout: float | None = None) -> bool:
        if timeout == self.quick:
            self.on_wait()
            return self.is_set()
        return super().wait(timeout)


@dataclass
class Watching:
    """A watch on sources with its sweeper, and what is around both."""

    monkeypatch: pytest.MonkeyPatch
    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    sources: FakeSources = field(default_factory=FakeSources)
    kopf: FakeKopf = field(default_factory=FakeKopf)
    stop: threading.Event = field(default_factory=threading.Event)
    rights: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def start(self, *others: str) -> KnownSources:
        self.monkeypatch.setattr(handlers, "watch", self.kopf.watch)
        scheduler: Any = self.scheduler
        sources: Any = self.sources
        self.access = NamespaceAccess(sources, ("shop", *others))
        self.known = KnownSources(scheduler, self.access)
        self.watch = SourceWatch(self.known, self.access, sources, self.stop, on_right=self.answered)
        self.sweeper = DeletionSweeper(self.watch, self.known, self.access, sources, self.stop)
        self.watch.start()
        self.sweeper.start()
        return self.known

    def start_listed(self, *uids: str) -> KnownSources:
        """Start the watch, and let it know of all sources."""
        self.sources.there = set(uids)
        known = self.start()
        assert self.kopf.watching.wait(10)
        for uid in uids:
            known.put(source(uid=uid))
        assert known.listed.wait(10)
        return known

    def answered(self, verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        self.rights.append((verb, resource, namespace, allowed))

    def end(self) -> bool:
        """End both, and return whether their threads ended."""
        self.stop.set()
        self.watch.end()
        return ended([self.watch._thread, self.sweeper._thread])

    def looked(self, times: int = 3) -> None:
        """Wait until the sources were listed some times more."""
        goal = self.sources.lists + times
        eventually(lambda: self.sources.lists >= goal)


def ended(threads: Sequence[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(10)
    return not any(thread.is_alive() for thread in threads)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the watches wait for little only, and look at nothing by the clock."""
    monkeypatch.setattr(deletion_sweeper, "SWEEP_SECONDS", NEVER)
    monkeypatch.setattr(deletion_sweeper, "SETTLE_SECONDS", 0.02)
    monkeypatch.setattr(patience, "WATCH_AGAIN_SECONDS", 0.01)
