"""The life of one operator with a number of sources: first sync, polls, deployments, a rolling update."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

from benchmarks import lateness, polls, sources
from benchmarks.data_plane import Outcome
from benchmarks.data_plane.service import POLL_INTERVAL
from benchmarks.loops.paced import READY
from benchmarks.polls import Window
from benchmarks.quantiles import quantile
from benchmarks.scenarios.first_sync import measure
from benchmarks.steps import Step
from benchmarks.usage import cpu_seconds, resident_bytes
from benchmarks.world import World
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from benchmarks.audit import Request
    from benchmarks.world import Replica
    from sandbox.processes.process import Process

Observed = dict[str, float]

LONGEST_PAUSE = POLL_INTERVAL + 3.0
"""Seconds between two polls of a source: the interval, plus the maximum that the operator adds to spread polls."""
ROUND = LONGEST_PAUSE + 3.0
"""Seconds within which each source is polled."""
DEPLOYMENTS = 200
"""The most profiles to deploy at once. A thousand, polled within seconds, would measure a queue of writes."""

_IDLE_SECONDS = 10.0
_CALLS_OF_TWO_ROUNDS = 3


class Scale:
    """A world with sources.

    Parameters
    ----------
    world
        A fresh world.
    size
        The number of sources.
    """

    def __init__(self, world: World, size: int) -> None:
        self._world = world
        self._size = size
        self._names = sources.names(size)
        self.observed: Observed = {}

    def idle(self) -> None:
        """Measure the memory of an operator without sources."""
        replica = self._world.operator("idle")
        replica.start()
        time.sleep(_IDLE_SECONDS)
        self.observed["idle_bytes"] = resident_bytes(replica.process.pid)
        replica.process.stop()

    def begin_replay(self) -> Process:
        """Start the loop that will replay the operator's polls early, so that its sessions are old enough by then."""
        files = self._world.file("schedule.json"), self._world.file("replay.json")
        loop = self._world.program("replay", "benchmarks.loops.paced", str(self._size), *files)
        loop.ready = lambda: READY in loop.log
        loop.start()
        return loop

    def sync(self) -> Replica:
        """Watch the first sync, and wait until each source was polled once more: then the state is steady."""
        sources.create(self._world.api, self._size)
        replica = self._world.operator("first")
        mark = self._world.data_plane.count()
        seen = measure(self._world, self._names, replica.process, replica.start)
        self.observed |= {"sync_seconds": seen.work, "sync_from_start_seconds": seen.whole, "sync_cpu": seen.cpu}
        again = mark + _CALLS_OF_TWO_ROUNDS * self._size
        wait_until(lambda: self._world.data_plane.count() >= again, 2 * ROUND, "a second poll of each source")
        return replica

    def window(self, replica: Replica, seconds: float) -> Window:
        """Watch polls that bring nothing."""
        world, pid = self._world, replica.process.pid
        world.requests()
        mark = world.data_plane.count() - self._size  # the previous poll of each source
        histogram = lateness.read(replica.metrics_port)
        used, start = cpu_seconds(pid), time.time()
        time.sleep(seconds)
        used, window = cpu_seconds(pid) - used, Window(start, time.time())
        replica.process.check()
        histogram = lateness.since(histogram, lateness.read(replica.metrics_port))
        calls = world.data_plane.calls(max(0, mark))
        polled = polls.count(polls.within(calls, window), Outcome.UNCHANGED)
        self.observed |= {
            "window_seconds": window.seconds,
            "window_polls": polled,
            "window_other_calls": len(polls.within(calls, window)) - polled,
            "window_cpu": used,
            "poll_cpu": used / polled,
            "fresh_bytes": resident_bytes(pid),
            **_requests("window", world.requests()),
            **lateness.observed(polls.excesses(calls, window, POLL_INTERVAL), LONGEST_PAUSE - POLL_INTERVAL),
            **{
                f"own_lateness_p{share}": lateness.own_quantile(histogram, share / 100)
                for share in (50, 99)
                if histogram
            },
        }
        return window

    def replay(self, loop: Process, window: Window) -> None:
        """Let the bare loop replay the polls of a window."""
        schedule = polls.schedule(self._world.data_plane.calls(), window)
        schedule = [(when, profile) for when, profile in schedule if profile in set(self._names)]
        self._world.file("schedule.json").write_text(json.dumps(schedule), encoding="utf-8")
        loop.send(signal.SIGUSR1)
        if loop.wait(window.seconds + ROUND):
            message = f"the replay failed: {loop.log}"
            raise RuntimeError(message)
        seen = json.loads(self._world.file("replay.json").read_text(encoding="utf-8"))
        self.observed |= {"replay_cpu": seen["cpu_seconds"] / seen["polls"], "replay_polls": seen["polls"]}

    def deploy(self, replica: Replica) -> None:
        """Deploy new versions, and measure how long each takes from the poll that returned it to its ConfigMap."""
        world = self._world
        world.requests()
        mark = world.data_plane.count()
        # Evenly spread, because sources with similar names are polled one after the other.
        profiles = self._names[:: max(1, self._size // DEPLOYMENTS)][:DEPLOYMENTS]
        world.data_plane.deploy(profiles)
        written: dict[str, float] = {}

        def there() -> bool:
            replica.process.check()
            for request in world.requests():
                if request.succeeded and request.verb == "update" and request.resource == "configmaps":
                    written[request.name] = request.answered
            return len(written) >= len(profiles)

        wait_until(there, 2 * ROUND, f"{len(profiles)} changed ConfigMaps")
        calls = world.data_plane.calls(mark)
        took = [written[call.profile] - call.time for call in calls if call.outcome == Outcome.CONTENT]
        self.observed |= {
            "deployments": len(took),
            "deploy_p50": quantile(took, 0.5),
            "deploy_p99": quantile(took, 0.99),
            "deploy_max": max(took),
        }

    def restart(self, before: Replica) -> None:
        """Start a second replica and stop the first, as in a rolling update, and watch the minute after it."""
        world = self._world
        after = world.operator("second")
        mark = world.data_plane.count() - self._size
        world.requests()
        after.start()
        used = cpu_seconds(after.process.pid)
        stop_sent = time.time()
        before.process.send(signal.SIGTERM)
        before.process.wait(_IDLE_SECONDS)
        stopped = time.time()
        time.sleep(ROUND)
        window = Window(stop_sent, time.time())
        calls = world.data_plane.calls(max(0, mark))
        inside = polls.within(calls, window)
        self.observed |= {
            "restart_stop_seconds": stopped - stop_sent,
            "restart_sessions": polls.count(inside, Outcome.STARTED),
            "restart_early": polls.count(inside, Outcome.EARLY),
            "restart_contents": polls.count(inside, Outcome.CONTENT),
            "restart_unpolled": self._size - len({call.profile for call in polls.polls(inside)}),
            "restart_cpu": cpu_seconds(after.process.pid) - used,
            "restarted_bytes": resident_bytes(after.process.pid),
            **_requests("restart", world.requests()),
        }


def _requests(step: str, requests: list[Request]) -> Observed:
    return {
        f"{step}_writes": sum(request.write for request in requests),
        f"{step}_reads": sum(request.read for request in requests),
        f"{step}_handed_over": sum(request.handed_over for request in requests),
        f"{step}_requests": len(requests),
    }


def observe(folder: Path, size: int, steps: Collection[Step], window_seconds: float) -> Observed:
    """Run the requested steps with a number of sources."""
    with World(folder) as world:
        scale = Scale(world, size)
        if Step.IDLE in steps:
            scale.idle()
        if not set(steps) - {Step.IDLE}:
            return scale.observed
        loop = scale.begin_replay() if Step.REPLAY in steps else None
        replica = scale.sync()
        if {Step.WINDOW, Step.REPLAY} & set(steps):
            window = scale.window(replica, window_seconds)
            if loop is not None:
                scale.replay(loop, window)
        if Step.DEPLOY in steps:
            scale.deploy(replica)
        if Step.RESTART in steps:
            scale.restart(replica)
        return scale.observed
