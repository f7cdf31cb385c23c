"""The operator's memory with large, refused and hostile objects."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

from benchmarks import sources
from benchmarks.data_plane.documents import Kind
from benchmarks.loops.identities import resident_with
from benchmarks.usage import peak_bytes, resident_bytes
from benchmarks.world import World
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.world import Replica

Observed = dict[str, float]

REFUSED_SOURCES = 300
POLLS = 1000
INTERVAL = 15
"""Seconds between two polls: the shortest that AWS allows."""
LARGE_SOURCES = 30
HOSTILE_OBJECTS = 500
IDENTITIES = 1000
HOSTILE_BYTES = 1_200_000

_SETTLE_SECONDS = 10.0
_TIMEOUT = 600.0
_FINALIZER = "bench.example/%08d"


def refused(folder: Path) -> Observed:
    """Write one source, then let all others be refused, and keep polling."""
    with World(folder, Kind.REFUSED, INTERVAL) as world:
        replica = _started(world)
        pid = replica.process.pid
        idle = resident_bytes(pid)
        sources.create(world.api, 1, {"format": "Raw"})
        world.wait_for_statuses(sources.names(1), replica.process)
        time.sleep(_SETTLE_SECONDS)
        one = resident_bytes(pid)
        sources.remove_all(world.api)
        names = sources.names(REFUSED_SOURCES)
        sources.create(world.api, REFUSED_SOURCES, {"format": "YAML"})
        world.wait_for_statuses(names, replica.process)
        mark = world.data_plane.count()
        settled = _after(world, replica, mark + REFUSED_SOURCES)
        after = _after(world, replica, mark + REFUSED_SOURCES + POLLS)
        return {
            "idle_bytes": idle,
            "one_bytes": one,
            "settled_bytes": settled,
            "after_bytes": after,
            "peak_bytes": peak_bytes(pid),
        }


def large(folder: Path) -> Observed:
    """Start with large documents that were never synced."""
    with World(folder, Kind.LARGE) as world:
        sources.create(world.api, LARGE_SOURCES, {"format": "YAML"})
        replica = world.operator("first")
        replica.start()
        world.wait_for_statuses(sources.names(LARGE_SOURCES), replica.process)
        pid = replica.process.pid
        written = world.api.call("GET", "/api/v1/namespaces/bench/configmaps?limit=1000")["items"]
        return {
            "peak_bytes": peak_bytes(pid),
            "after_bytes": resident_bytes(pid),
            "written": sum("config.yaml" in item.get("data", {}) for item in written),
        }


def hostile(folder: Path) -> Observed:
    """Start with ConfigMaps that anyone could have created: with our label, and as much metadata as etcd can store."""
    with World(folder) as world:
        finalizers = [_FINALIZER % number for number in range(HOSTILE_BYTES // len(json.dumps(_FINALIZER % 0) + ","))]
        path = f"/api/v1/namespaces/{sources.NAMESPACE}/configmaps"

        def make(number: int) -> None:
            labels = {"appconfig-operator.io/source-uid": str(uuid4())}
            metadata = {"name": f"hostile-{number}", "labels": labels, "finalizers": finalizers}
            world.api.call("POST", path, {"metadata": metadata})

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(make, range(HOSTILE_OBJECTS)))
        sources.create(world.api, 1)
        replica = world.operator("first")
        replica.start()
        world.wait_for_statuses(sources.names(1), replica.process)
        synced = time.time() - replica.began
        time.sleep(_SETTLE_SECONDS)
        pid = replica.process.pid
        return {"peak_bytes": peak_bytes(pid), "after_bytes": resident_bytes(pid), "first_sync_seconds": synced}


def identities(folder: Path) -> Observed:
    """Poll with many identities."""
    folder.mkdir()
    one, all_of_them = resident_with(IDENTITIES, folder)
    return {"one_bytes": one, "after_bytes": all_of_them}


def _started(world: World) -> Replica:
    replica = world.operator("first")
    replica.start()
    time.sleep(_SETTLE_SECONDS)
    return replica


def _after(world: World, replica: Replica, calls: int) -> float:
    """Return the resident memory after the data plane has received a number of calls."""

    def there() -> bool:
        replica.process.check()
        return world.data_plane.count() >= calls

    wait_until(there, _TIMEOUT, f"{calls} calls")
    return resident_bytes(replica.process.pid)


SCENARIOS: Mapping[str, Callable[[Path], Observed]] = {
    "refused-content": refused,
    "hostile-configmaps": hostile,
    "large-documents": large,
    "identities": identities,
}
"""The scenarios, by the name of the benchmark."""
