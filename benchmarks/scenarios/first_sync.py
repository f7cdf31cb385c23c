"""First sync of 1,000 sources by the operator and by a bare loop, alternately, in one cluster."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import sources
from benchmarks.data_plane import Operation
from benchmarks.usage import cpu_seconds
from benchmarks.world import World, is_status_write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.audit import Request
    from sandbox.processes.process import Process

SIZE = 1000
ROUNDS = 3


class Sync(NamedTuple):
    """How long a first sync took, in seconds."""

    work: float
    """From the first call to AWS to the answer to the last write of a status."""
    whole: float
    """From the start of the process."""
    cpu: float
    """CPU time of the process until then."""


def measure(world: World, names: list[str], process: Process, start: Callable[[], object]) -> Sync:
    """Start a process and watch it sync all sources, from outside and in the same way for both.

    Parameters
    ----------
    world
        The world to run in.
    names
        The sources, which exist and have no status.
    process
        The process that syncs them.
    start
        Starts it.
    """
    world.requests()
    mark = world.data_plane.count()
    began = time.time()
    start()
    requests = world.wait_for_statuses(names, process)
    used = cpu_seconds(process.pid)
    return _sync(began, next(call.time for call in world.data_plane.calls(mark)), requests, used)


def _sync(began: float, first_call: float, requests: list[Request], cpu: float) -> Sync:
    ended = max(request.answered for request in requests if is_status_write(request))
    return Sync(work=ended - first_call, whole=ended - began, cpu=cpu)


def observe(folder: Path) -> dict[str, list[float]]:
    """Run the loop and the operator alternately, each with its own sources."""
    loops: list[Sync] = []
    operators: list[Sync] = []
    with World(folder) as world:
        names = sources.names(SIZE)
        for number in range(ROUNDS):
            file = world.file("sources.json")
            file.write_text(json.dumps(sources.create(world.api, SIZE)), encoding="utf-8")
            loop = world.program(f"loop-{number}", "benchmarks.loops.first_sync", file)
            loops.append(measure(world, names, loop, loop.start))
            loop.stop()
            sources.remove_all(world.api)
            sources.create(world.api, SIZE)
            operator = world.operator(f"operator-{number}")
            operators.append(measure(world, names, operator.process, operator.start))
            operator.process.stop()
            sources.remove_all(world.api)
        starts = sum(call.operation == Operation.START for call in world.data_plane.calls())
    observed = {f"loop_{part}": [getattr(run, part) for run in loops] for part in Sync._fields}
    observed |= {f"operator_{part}": [getattr(run, part) for run in operators] for part in Sync._fields}
    return {**observed, "sessions": [starts]}
