"""Many runs of several replicas with all that can go wrong: no source ever has two owners, and in the end all have one.

`ELECTION_SEEDS=5000` in the environment runs more of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.sharding.election import Election
from appconfig_operator.core.sharding.lease import shard_lease
from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease
from appconfig_operator.core.sharding.membership import Membership, Replica
from appconfig_operator.core.sharding.observed_leases import ObservedLeases
from appconfig_operator.core.sharding.retries import CLEAN_AGAIN_SECONDS
from tests.unit.support.leases_world import Store
from tests.unit.support.sharding_simulation import CALM, Faults, SimulatedElections, TwoOwnersError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appconfig_operator.core.sharding.election import Change
    from appconfig_operator.core.sharding.lease import Lease
    from appconfig_operator.core.sharding.lease_requests import Request

SLOWEST = 1.2
"""More than a second by the slowest clock."""

SEEDS = int(os.environ.get("ELECTION_SEEDS", "500"))
LAYOUTS = [(4,), (1,), (6, 3), (4, 6), (2, 3)]
BAD = [
    CALM,
    Faults(pause=0.02),
    Faults(slow=0.2, slowest=2.0, pause=0.02),
    Faults(lost=0.2, slow=0.1, slowest=6.0),
    Faults(lost=0.02, slow=0.02, slowest=8.0, pause=0.01),
]


def bad_times(world: SimulatedElections, seed: int) -> None:
    """Start replicas, and let things happen to them, while the network is bad."""
    layouts = LAYOUTS[seed % len(LAYOUTS)]
    for _ in range(world.random.randint(1, 3)):
        world.start(world.random.choice(layouts))
    world.run(world.random.uniform(0, 3))
    for _ in range(20):
        world.faults = world.random.choice(BAD)
        world.run(world.random.uniform(0, 4))
        world.misfortune(layouts)
    world.run(world.random.uniform(0, 5))


def calm_at_last(world: SimulatedElections) -> None:
    """Let the faults end, and leave replicas of one layout only."""
    world.faults = CALM
    running = [node for node in world.nodes if node.alive and not node.stopping]
    shards = (running or [world.start(4)])[0].me.shards
    for node in running:
        node.paused_until = min(node.paused_until, world.time)
        if node.me.shards != shards:
            world.stop(node)


@pytest.mark.parametrize("part", range(10))
def test_never_two_owners_and_at_last_one(part: int) -> None:
    for seed in range(part, SEEDS, 10):
        world = SimulatedElections(seed)
        bad_times(world, seed)
        calm_at_last(world)
        # Leases of the dead have to expire, by slow clocks, too.
        assert world.run(2 * (world.duration + 5.0), world.settled), f"seed {seed}"
        assert world.run(world.duration + SLOWEST * CLEAN_AGAIN_SECONDS, world.tidy), f"seed {seed}"


def is_delete(request: Request) -> bool:
    return isinstance(request, DeleteLease)


@pytest.mark.parametrize("part", range(5))
def test_all_are_held_at_last_though_deletes_are_always_refused(part: int) -> None:
    """Nobody waits for a cleanup: replicas come, go and die, and nothing of theirs is ever deleted."""
    for seed in range(part, SEEDS // 2, 5):
        world = SimulatedElections(seed, store=Store(refuses=is_delete))
        bad_times(world, seed)
        calm_at_last(world)
        assert world.run(2 * (world.duration + 5.0), world.settled), f"seed {seed}"


@pytest.mark.parametrize("part", range(5))
def test_periods_of_refusals_leave_nothing_behind(part: int) -> None:
    """Permissions that are revoked and come back: for one kind of request each time, or for one shard."""
    for seed in range(part, SEEDS // 2, 5):
        world = SimulatedElections(seed)
        for kind in (DeleteLease, ListLeases, CreateLease, ReplaceLease, shard_lease(0)):
            world.store.refuses = refusal(kind)
            bad_times(world, seed)
        world.store.refuses = refusal(None)
        calm_at_last(world)
        assert world.run(2 * (world.duration + 5.0), world.settled), f"seed {seed}"
        assert world.run(world.duration + SLOWEST * CLEAN_AGAIN_SECONDS, world.tidy), f"seed {seed}"


def refusal(what: type | str | None) -> Callable[[Request], bool]:
    if isinstance(what, str):
        return lambda request: isinstance(request, CreateLease | ReplaceLease) and request.lease.name == what
    return lambda request: what is not None and isinstance(request, what)


class ExpiredTooEarly(ObservedLeases):
    """Does not wait for as long as the Lease lasts."""

    def expires(self, lease: Lease) -> float:
        return super().expires(lease) - 0.4 * self._default


class Hasty(Election):
    """Takes over too early."""

    def __init__(self, me: Replica) -> None:
        super().__init__(me)
        self._observed = ExpiredTooEarly(me.duration)
        self._membership = Membership(me, self._observed)


class ValidTooLong(Replica):
    """Counts on more time than others wait."""

    @property
    def validity(self) -> float:
        return 1.2 * self.duration


class Overconfident(Election):
    """Relies on its Leases for longer than others wait."""

    def __init__(self, me: Replica) -> None:
        super().__init__(ValidTooLong(me.identity, me.shards, me.duration))


class CountsFromTheAnswer(Election):
    """Forgets that a renewal takes its time to be answered."""

    def _wrote(self, lease: Lease, sent: float, now: float) -> list[tuple[Change, int]]:
        del sent
        return super()._wrote(lease, now, now)


class Sticky(Election):
    """Goes on while nobody knows whether the Lease was released."""

    def next(self, now: float) -> Request | None:
        before = {held_lease.lease.name: held_lease.until for held_lease in self._held}
        request = super().next(now)
        for held_lease in self._held:
            held_lease.until = before[held_lease.lease.name]
        return request


class Fearless(Election):
    """Ignores replicas with a different number of shards."""

    def _listed(self, leases: list[Lease], sent: float, now: float) -> list[tuple[Change, int]]:
        changes = super()._listed(leases, sent, now)
        self._may_move = True
        return changes


class ExpiredAreHarmless(Membership):
    """Does not take expired Leases of replicas with another number of shards from them."""

    def mismatched_replicas(self) -> list[str]:
        return sorted(
            lease.name for lease in self._observed if self.mismatched(lease) and not self._observed.expired(lease)
        )

    def fences(self) -> Iterator[Lease]:
        return iter(())


class Fenceless(Election):
    """Takes over beside a replica with another number of shards that may come back."""

    def __init__(self, me: Replica) -> None:
        super().__init__(me)
        self._membership = ExpiredAreHarmless(me, self._observed)


class LooksBefore(Election):
    """Lists before it joins, and not after."""

    def _wrote(self, lease: Lease, sent: float, now: float) -> list[tuple[Change, int]]:
        joined = self._held.member is None
        changes = super()._wrote(lease, sent, now)
        if joined:
            self._outdated, self._may_move = False, not self.mismatched_replicas
        return changes


@pytest.mark.parametrize(
    ("election", "checks"),
    [
        *(
            (broken, True)
            for broken in (Hasty, Overconfident, CountsFromTheAnswer, Sticky, Fearless, Fenceless, LooksBefore)
        ),
        (Election, False),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"preconditions {value}",
)
def test_a_broken_rule_is_found(election: Callable[[Replica], Election], *, checks: bool) -> None:
    """The simulation is bad enough to show two owners when a rule is missing."""
    for seed in range(2000):
        world = SimulatedElections(seed, store=Store(checks=checks), election=election)
        try:
            bad_times(world, seed)
        except TwoOwnersError:
            return
    pytest.fail("no run showed two owners")


def settled_world(seed: int, shards: int = 6, replicas: int = 3, store: Store | None = None) -> SimulatedElections:
    world = SimulatedElections(seed, store=store)
    for _ in range(replicas):
        world.start(shards)
    assert world.run(20, world.settled)
    return world


@pytest.mark.parametrize("seed", range(20))
def test_the_shards_of_a_killed_replica_are_taken_within_the_duration_of_a_lease_and_a_little(seed: int) -> None:
    world = settled_world(seed)
    world.run(world.random.uniform(0, 5))
    world.kill(world.random.choice(world.nodes))
    assert world.run(world.duration + 5, world.settled)


@pytest.mark.parametrize("seed", range(20))
def test_the_shards_of_a_replica_that_stops_are_taken_within_two_seconds(seed: int) -> None:
    world = settled_world(seed)
    world.run(world.random.uniform(0, 5))
    world.stop(world.random.choice(world.nodes))
    assert world.run(2, world.settled)


@pytest.mark.parametrize("seed", range(20))
def test_without_the_right_to_delete_the_shards_of_a_replica_that_stops_are_taken_as_fast(seed: int) -> None:
    world = settled_world(seed, store=Store(refuses=is_delete))
    world.run(world.random.uniform(0, 5))
    node = world.random.choice(world.nodes)
    world.stop(node)
    assert world.run(2, world.settled)
    assert world.run(2, lambda: not node.alive), "it has ended"


@pytest.mark.parametrize("seed", range(20))
def test_a_replica_that_joins_others_has_its_share_within_three_seconds(seed: int) -> None:
    world = settled_world(seed)
    world.run(world.random.uniform(0, 5))
    world.start(6)
    assert world.run(3, world.settled)


@pytest.mark.parametrize("seed", range(20))
def test_an_update_to_another_number_of_shards_ends_with_all_of_them_held(seed: int) -> None:
    """New ones wait for the old ones to go, which keep what they have."""
    world = settled_world(seed, 4)
    old = list(world.nodes)
    for node in old:
        world.start(6)
        world.run(2)
        world.stop(node)
        world.run(2)
    assert world.run(5, world.settled)
    assert sum(len(node.holds(world.time)) for node in world.nodes) == 6


@pytest.mark.parametrize("seed", range(20))
def test_a_replica_that_is_cut_off_for_a_while_stops_and_comes_back(seed: int) -> None:
    world = settled_world(seed)
    world.faults = Faults(lost=1.0)
    world.run(10)
    assert not any(node.holds(world.time) for node in world.nodes), "without the API server nobody is sure"
    before = [node.gained for node in world.nodes]
    world.faults = CALM
    assert world.run(5, world.settled)
    assert [node.gained for node in world.nodes] == before, "nobody was in between: all went on"
