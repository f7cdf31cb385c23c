"""Three replicas share 1,000 sources, and one of them is killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks import polls, sources
from benchmarks.data_plane import Outcome
from benchmarks.data_plane.service import POLL_INTERVAL
from benchmarks.polls import Window
from benchmarks.scenarios.scale import ROUND
from benchmarks.world import World
from sandbox import wait_until
from sandbox.kube.operator_process import NAMESPACE

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.scenarios.scale import Observed

SIZE = 1000
LEASE_SECONDS = 15
REPLICAS = 3
SHARDS = 6

_SETTLE_SECONDS = 20.0
"""By then, each replica knows the others, and has its share of the shards."""


def observe(folder: Path) -> Observed:
    """Kill the replica with the most sources, and observe who polls them afterwards, and when."""
    with World(folder) as world:
        sources.create(world.api, SIZE)
        arguments = (f"--shards={SHARDS}", f"--lease-duration={LEASE_SECONDS}")
        replicas = {name: world.operator(name, arguments) for name in (f"replica-{n}" for n in range(REPLICAS))}
        for replica in replicas.values():
            replica.start()
        world.wait_for_statuses(sources.names(SIZE), next(iter(replicas.values())).process)
        time.sleep(_SETTLE_SECONDS)
        steady = Window(time.time(), time.time() + ROUND)
        time.sleep(ROUND)
        calls = world.data_plane.calls()
        held = Counter(call.caller for call in polls.polls(polls.within(calls, steady)))
        killed, _ = held.most_common(1)[0]
        moment = time.time()
        replicas[killed].process.send(signal.SIGKILL)
        wait_until(lambda: _shared_by(world) == REPLICAS - 1, LEASE_SECONDS + ROUND, "the take-over of all shards")
        shards_taken = time.time() - moment
        time.sleep(LEASE_SECONDS + ROUND)
        after = Window(moment, time.time())
        calls = world.data_plane.calls()
        for name, replica in replicas.items():
            if name != killed:
                replica.process.check()
    taken = polls.take_overs(calls, killed, moment, POLL_INTERVAL)
    late = [seen.polled - seen.due for seen in taken.values() if seen.polled is not None]
    first = [seen.polled - moment for seen in taken.values() if seen.polled is not None]
    survivors = [who - {killed} for who in polls.callers(calls, after).values()]
    return {
        "replicas_with_sources": len(held),
        "most_share": max(held.values()) / sum(held.values()),
        "orphans": len(taken),
        "orphans_left": sum(seen.polled is None for seen in taken.values()),
        "shards_taken": shards_taken,
        "first_take_over": min(first, default=0.0),
        "last_take_over": max(first, default=0.0),
        "take_over": max(late, default=0.0),
        "shared_before": sum(len(who) > 1 for who in polls.callers(calls, steady).values()),
        "shared_after": sum(len(who) > 1 for who in survivors),
        "early": polls.count(calls, Outcome.EARLY),
    }


def _shared_by(world: World) -> int:
    """Count the replicas that hold shards. A replica with expired Leases counts until others take them."""
    leases = world.api.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")["items"]
    return len({lease["spec"].get("holderIdentity") for lease in leases if "-shard-" in lease["metadata"]["name"]})
