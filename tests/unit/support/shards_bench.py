"""A driver of shards with a clock, an API server, a runner and a store of our own."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.sharding.assignment import assign
from appconfig_operator.core.sharding.handover import HandedOver, HandoverError, SavedSession
from appconfig_operator.core.sharding.lease import Lease, member_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, LeaseError, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.membership import Replica
from appconfig_operator.engine.shard_coordinator import ShardCoordinator
from appconfig_operator.engine.shard_view import ShardView
from tests.unit.support.leases_world import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.core.sharding.lease_requests import Answer, Request


DURATION = 15

REFUSED = "Leases in namespace ops: HTTP 403: cannot touch leases"


def session(uid: str) -> HandedOver:
    return HandedOver(uid, 1, 0.0, 0.0, "", SavedSession("token", 60, delivered=True))


@dataclass
class RecordingRunner:
    """Says what it was reported, in order."""

    reported: list[str] = field(default_factory=list)
    guards: dict[int, LeaseGuard] = field(default_factory=dict)
    sessions: dict[int, list[str]] = field(default_factory=dict)
    drained: bool = True
    on_begin: Callable[[], None] = lambda: None

    def start(self, shard: int, guard: LeaseGuard, sessions: Mapping[str, HandedOver]) -> None:
        assert guard.remaining() > 0
        self.reported.append(f"start {shard}")
        self.guards[shard] = guard
        self.sessions[shard] = sorted(sessions)
        self.on_begin()

    def resume(self, shard: int) -> None:
        assert self.guards[shard].remaining() > 0
        self.reported.append(f"resume {shard}")

    def drain(self, shard: int) -> bool:
        self.reported.append(f"drain {shard}")
        return self.drained

    def stop_and_export(self, shard: int) -> list[HandedOver]:
        self.reported.append(f"stop_and_export {shard}")
        return [session(uid) for uid in self.sessions[shard] or ["new"]]

    def discard(self, shard: int) -> None:
        self.reported.append(f"drop {shard}")


@dataclass
class Sessions:
    """Keeps sessions, or fails."""

    kept: dict[int, list[HandedOver]] = field(default_factory=dict)
    failures: int = 0
    calls: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def put(self, shard: int, sessions: Sequence[HandedOver]) -> None:
        self._call("put")
        self.kept[shard] = [*self.kept.get(shard, ()), *sessions]

    def take(self, shard: int) -> list[HandedOver]:
        self._call("take")
        return self.kept.pop(shard, [])

    def _call(self, what: str) -> None:
        self.calls.append(what)
        self.meanwhile()
        if self.failures:
            self.failures -= 1
            raise HandoverError("Secrets cannot be written")


@dataclass
class ApiServer(Store):
    """The Leases, unless it is away."""

    away: bool = False
    bug: bool = False
    refused: tuple[type, ...] = ()
    refuses_one: str = ""

    def carry_out(self, request: Request) -> Answer:
        if self.bug:
            raise ZeroDivisionError
        if self.away:
            raise LeaseError("The API server is away")
        one = not isinstance(request, ListLeases) and request.lease.name == self.refuses_one
        if one or isinstance(request, self.refused):
            raise LeaseError(REFUSED)
        return super().carry_out(request)


class Errands(Executor):
    """Runs what it is given at once, or when it is reported to."""

    def __init__(self) -> None:
        self.held_up = False
        self._waiting: deque[Callable[[], None]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except HandoverError as error:
                future.set_exception(error)

        self._waiting.append(work)
        self.go_on()
        return future

    def go_on(self) -> None:
        """Run what waits, unless it is blocked."""
        while self._waiting and not self.held_up:
            self._waiting.popleft()()


class CoordinatorBench:
    def __init__(self, shards: int = 1, *, api: ApiServer | None = None, identity: str = "me") -> None:
        self.now = 100.0
        self.api = api or ApiServer()
        self.runner = RecordingRunner()
        self.store = Sessions()
        self.executor = Errands()
        self.ready = threading.Event()
        self.ready.set()
        self.number = shards
        self.view = ShardView(shards, lambda: self.now)
        self.shards = ShardCoordinator(
            Replica(identity, shards, DURATION),
            leases=self.api,
            runner=self.runner,
            store=self.store,
            executor=self.executor,
            view=self.view,
            ready=self.ready,
            monotonic=lambda: self.now,
        )

    def run(self, seconds: float) -> bool:
        """Let time go by, and return whether the thread would have ended."""
        end = self.now + seconds
        for _ in range(2000):
            wait = self.shards.run_once()
            if wait is None:
                return True
            if self.now + wait > end:
                self.now = end
                return False
            self.now += wait
        pytest.fail("it does not come to rest")

    def other(self, name: str, holder: str = "other", *, shards: int | None = None) -> None:
        lease = Lease(name, holder, shards or self.number, DURATION)
        there = self.api.leases.get(name)
        if there is None:
            self.api.carry_out(CreateLease(lease))
        else:
            turn = there.transitions + 1
            self.api.carry_out(
                ReplaceLease(Lease(name, holder, lease.shards, DURATION, turn, uid=there.uid, version=there.version))
            )

    def other_joins(self) -> int:
        """Let another replica come, and return the one shard that is to be its."""
        (shard,) = [shard for shard, owner in assign(self.number, ["me", "other"]).items() if owner == "other"]
        self.other(member_lease("other"))
        return shard
