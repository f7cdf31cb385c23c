"""Replicas, their clocks, a network and a store of Leases, all of it simulated: a seed is a run.

Time is virtual. After each event it is checked that no source is held by two replicas: a holding begins or grows only
in an event, so nothing can happen in between.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.assignment import assign, shard_of
from appconfig_operator.core.sharding.election import Change, Election
from appconfig_operator.core.sharding.lease_requests import Failure
from appconfig_operator.core.sharding.membership import Replica
from tests.unit.support.leases_world import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.sharding.lease_requests import Answer, Request

TIMEOUT_SECONDS = 2.0
UIDS = [f"{number:08x}-uid" for number in range(48)]


class TwoOwnersError(AssertionError):
    """A source was held by two replicas."""


@cache
def uids_of(shard: int, shards: int) -> frozenset[str]:
    """Return which of the sources are in a shard."""
    return frozenset(uid for uid in UIDS if shard_of(uid, shards) == shard)


@dataclass(frozen=True)
class Faults:
    """How bad things are. Times are in seconds, the others shares of 1."""

    lost: float = 0.0
    slow: float = 0.0
    slowest: float = 0.2
    pause: float = 0.0


CALM = Faults()


@dataclass(eq=False)
class SimulatedReplica:
    """A replica with a clock of its own."""

    me: Replica
    election: Election
    rate: float
    offset: float
    alive: bool = True
    stopping: bool = False
    paused_until: float = 0.0
    request: int = 0
    ticket: int = 0
    draining: set[int] = field(default_factory=set)
    gained: int = 0

    def clock(self, time: float) -> float:
        return self.offset + self.rate * time

    def time(self, clock: float) -> float:
        return (clock - self.offset) / self.rate

    def holds(self, time: float) -> dict[int, float]:
        """Return the shards that it may poll, and how far it may rely on that."""
        if not self.alive:
            return {}
        now = self.clock(time)
        return {shard: held_lease.until for shard, held_lease in self.election.held.items() if held_lease.until > now}


class SimulatedElections:
    """One run."""

    def __init__(
        self, seed: int, *, store: Store | None = None, election: Callable[[Replica], Election] = Election
    ) -> None:
        self.random = random.Random(seed)
        self.store = store or Store()
        self.make = election
        self.time = 0.0
        self.faults = CALM
        self.nodes: list[SimulatedReplica] = []
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.requests = 0
        self.duration = 5

    def start(self, shards: int) -> SimulatedReplica:
        me = Replica(f"op-{len(self.nodes)}-{self.random.getrandbits(32):08x}", shards, self.duration)
        node = SimulatedReplica(me, self.make(me), self.random.uniform(0.9, 1.1), self.random.uniform(0, 1e6))
        self.nodes.append(node)
        self.after(0.0, lambda: self.turn(node))
        return node

    def stop(self, node: SimulatedReplica) -> None:
        node.stopping = True
        node.election.stop()
        self.after(0.0, lambda: self.turn(node))

    def kill(self, node: SimulatedReplica) -> None:
        node.alive = False

    def pause(self, node: SimulatedReplica, seconds: float) -> None:
        node.paused_until = self.time + seconds

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.time + seconds, next(self.order), what))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time go by, at most so much, and return whether the condition came true."""
        end = self.time + seconds
        while self.events and self.events[0][0] <= end:
            self.time, _, what = heapq.heappop(self.events)
            what()
            if until():
                return True
        self.time = end
        return until()

    def turn(self, node: SimulatedReplica, ticket: int | None = None) -> None:
        """Let a replica do what is due, unless it waits for an answer, or has been woken since."""
        if not node.alive or node.request or ticket not in {None, node.ticket}:
            return
        if node.paused_until > self.time:
            self.after(node.paused_until - self.time, lambda: self.turn(node))
            return
        if node.election.finished:
            node.alive = False
            return
        self.hand_over(node)
        now = node.clock(self.time)
        request = node.election.next(now)
        if request is None:
            node.ticket += 1
            wait = max(0.001, node.time(node.election.wake()) - self.time)
            self.after(min(wait, 60.0), partial(self.turn, node, node.ticket))
            return
        node.request = next(self.order) + 1
        self.requests += 1
        self.hiccup(node)
        # Between reading the clock and sending: that is where a pause is worst.
        number = node.request
        self.after(max(0.0, node.paused_until - self.time), lambda: self.send(node, request, number))

    def send(self, node: SimulatedReplica, request: Request, number: int) -> None:
        if not node.alive:
            return
        if self.random.random() >= self.faults.lost:
            self.after(self.delay(), lambda: self.arrive(node, request, number))
        self.hiccup(node)  # also between sending and the answer
        self.after(TIMEOUT_SECONDS, lambda: self.answer(node, Failure.UNKNOWN, number))

    def arrive(self, node: SimulatedReplica, request: Request, number: int) -> None:
        answer = self.store.carry_out(request)
        if self.random.random() >= self.faults.lost:
            self.after(self.delay(), lambda: self.answer(node, answer, number))

    def answer(self, node: SimulatedReplica, answer: Answer, number: int) -> None:
        if not node.alive or node.request != number:
            return
        if node.paused_until > self.time:
            self.after(node.paused_until - self.time, lambda: self.answer(node, answer, number))
            return
        node.request = 0
        changes = node.election.answered(answer, node.clock(self.time))
        node.gained += sum(change is Change.GAINED for change, _ in changes)
        self.check()
        self.hiccup(node)
        self.turn(node)

    def hiccup(self, node: SimulatedReplica) -> None:
        if self.random.random() < self.faults.pause:
            self.pause(node, self.random.uniform(0, 1.6) * self.duration)

    def delay(self) -> float:
        slow = self.random.random() < self.faults.slow
        return self.random.uniform(0.001, self.faults.slowest if slow else 0.02)

    def hand_over(self, node: SimulatedReplica) -> None:
        """Drain what is to leave, for a moment, and release it."""
        leaving = node.election.leaving()
        for shard in leaving - node.draining:
            node.draining.add(shard)
            self.after(self.random.uniform(0, 0.3), partial(self.drained, node, shard))

    def drained(self, node: SimulatedReplica, shard: int) -> None:
        node.draining.discard(shard)
        if node.alive and shard in node.election.leaving():
            node.election.release(shard)
            self.turn(node)

    def check(self) -> None:
        """Check that no source has two owners."""
        seen: dict[str, tuple[SimulatedReplica, int]] = {}
        for node in self.nodes:
            for shard in node.holds(self.time):
                for uid in uids_of(shard, node.me.shards):
                    other = seen.setdefault(uid, (node, shard))
                    if other[0] is not node:
                        words = f"{uid} at {self.time}: {other[0].me} by {other[1]}, {node.me} by {shard}"
                        raise TwoOwnersError(words)

    def misfortune(self, layouts: tuple[int, ...]) -> None:
        """Let one thing happen that happens to replicas."""
        running = [node for node in self.nodes if node.alive and not node.stopping]
        if len(running) < 3:
            self.start(self.random.choice(layouts))
            return
        node = self.random.choice(running)
        what = self.random.choice(["kill", "stop", "pause", "pause"])
        if what == "pause":
            self.pause(node, self.random.uniform(0.5, 1.5) * self.duration)
        elif what == "kill":
            self.kill(node)
        else:
            self.stop(node)

    def settled(self) -> bool:
        """Return whether each shard is held by whom it is meant for."""
        alive = [node for node in self.nodes if node.alive and not node.stopping]
        layouts = {node.me.shards for node in alive}
        if len(layouts) != 1:
            return False
        (shards,) = layouts
        owners = assign(shards, [node.me.identity for node in alive])
        held = {shard: node.me.identity for node in alive for shard in node.holds(self.time)}
        return held == owners

    def tidy(self) -> bool:
        """Return whether it is `settled`, and there are no Leases beside those that are needed."""
        alive = [node for node in self.nodes if node.alive and not node.stopping]
        return self.settled() and len(self.store.leases) == alive[0].me.shards + len(alive)
