"""Many runs of several replicas with all that can go wrong: no source ever has two owners, and all have one at last.

`ELECTION_SEEDS=5000` in the environment runs more of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.election import Election
from tests.unit.core.leases_world import Store
from tests.unit.core.simulation import CALM, Faults, TwoOwnersError, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.shares import Replica

SEEDS = int(os.environ.get("ELECTION_SEEDS", "300"))
LAYOUTS = [(4,), (1,), (6, 3), (4, 6), (2, 3)]
BAD = [
    CALM,
    Faults(pause=0.02),
    Faults(slow=0.2, slowest=2.0, pause=0.02),
    Faults(lost=0.2, slow=0.1, slowest=6.0),
    Faults(lost=0.02, slow=0.02, slowest=8.0, pause=0.01),
]


def bad_times(world: World, seed: int) -> None:
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


def calm_at_last(world: World) -> None:
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
        world = World(seed)
        bad_times(world, seed)
        calm_at_last(world)
        # Leases of the dead have to expire, by slow clocks, too.
        assert world.run(2 * (world.duration + 5.0), world.settled), f"seed {seed}"
