"""Healthy sources in some namespaces during a storm in another: all share one operator and one AWS endpoint."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks import lateness, polls, routes
from benchmarks.blackhole import Blackhole
from benchmarks.data_plane import Outcome
from benchmarks.guests import Guests
from benchmarks.polls import Window
from benchmarks.storms import NOWHERE, STORMS
from benchmarks.tenants import INTERVAL, Tenant
from benchmarks.world import World
from sandbox.processes.output import say as to_output
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.api import Api
    from benchmarks.data_plane import DataPlane
    from benchmarks.storms import Spec, Storm
    from benchmarks.world import Replica

Observed = dict[str, float]

HEALTHY = 400
"""Sources to time: with 1,200 polls, the jitter of 0.75 s hides only lateness below 0.3 s."""
JITTER_SHARE = 0.05
"""The maximum that the operator adds to an interval to spread polls."""

_SETTLE_SECONDS = 10.0
"""By then, the storm occupies every worker that it can."""
_WINDOW_SECONDS = 45.0
_GRACE_SECONDS = 5.0
_GUEST_EVERY = 5.0
_SYNC_TIMEOUT = 60.0
_CHANGED = [f"changed-{number:05d}" for number in range(10)]


class Neighbourhood:
    """Healthy tenants, served and synced.

    Parameters
    ----------
    api
        The administrator's requests.
    data_plane
        The data plane that the operator polls.
    prefix
        The prefix of the namespaces.
    healthy
        The number of sources to poll and time.
    interval
        Seconds between two polls, as answered by the data plane.
    """

    def __init__(
        self, api: Api, data_plane: DataPlane, *, prefix: str = "", healthy: int = HEALTHY, interval: float = INTERVAL
    ) -> None:
        self._data_plane = data_plane
        self._interval = interval
        self._healthy = Tenant(api, f"{prefix}healthy")
        self._new = Tenant(api, f"{prefix}new")
        self.storm = Tenant(api, f"{prefix}storm")
        self._names = {f"healthy-{number:05d}" for number in range(healthy)}

    @property
    def namespaces(self) -> list[str]:
        """All of them."""
        return [tenant.namespace for tenant in (self._healthy, self._new, self.storm)]

    def settle(self) -> None:
        """Create the healthy sources, and wait until they are synced."""
        names = [*self._names, *_CHANGED]
        self._healthy.create_all({name: {} for name in names})
        wait_until(lambda: len(self._healthy.ready()) == len(names), _SYNC_TIMEOUT, "the healthy sources")
        # Each has been polled again, so that their intervals are spread as usual.
        time.sleep(self._interval * (1 + JITTER_SHARE))

    def watch(self, seconds: float, guest_every: float, grace: float = _GRACE_SECONDS) -> Observed:
        """Watch polls, and create and change sources, for some seconds."""
        guests = Guests(self._new, self._healthy, _CHANGED, guest_every)
        window = Window(time.time(), time.time() + seconds)
        guests.receive(seconds, grace)
        waiting, unchanged = guests.new.end(), guests.changed.end()
        until = time.time()
        calls = self._data_plane.calls()
        mine = [call for call in calls if call.profile in self._names]
        found = lateness.observed(polls.overdue(mine, window, until, self._interval), JITTER_SHARE * self._interval)
        return {
            **found,
            "polled": len({call.profile for call in polls.polls(polls.within(mine, window))}),
            "held_calls": polls.count(polls.within(calls, window), Outcome.HELD),
            "new_longest": max(guests.new.seconds),
            "new_waiting": waiting,
            "new": len(guests.new.seconds),
            "change_longest": max(guests.changed.seconds),
            "change_waiting": unchanged,
            "changes": len(guests.changed.seconds),
        }


@contextmanager
def replacing(tenant: Tenant, spec: Callable[[int], Spec], size: int, each_second: int) -> Iterator[None]:
    """Delete a number of sources each second, the oldest first, and create the same number.

    Parameters
    ----------
    tenant
        The tenant, which has the sources from `storm-00000` up to `size`.
    spec
        The spec, by the number of a source.
    size
        The number of sources.
    each_second
        How many of them to replace; 0: none.
    """
    done = threading.Event()

    def replace() -> None:
        oldest = 0
        while not done.wait(1.0):
            old = range(oldest, oldest + each_second)
            tenant.delete_all(map(name_of, old))
            tenant.create_all({name_of(number + size): spec(number + size) for number in old})
            oldest += each_second

    thread = threading.Thread(target=replace, name="replacing")
    if each_second:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if each_second:
            thread.join()


def name_of(number: int) -> str:
    """Return the name of a source in a storm."""
    return f"storm-{number:05d}"


def rage(tenant: Tenant, spec: Callable[[int], Spec], size: int) -> None:
    """Create the sources of a storm."""
    tenant.create_all({name_of(number): spec(number) for number in range(size)})


def _observe(folder: Path, storm: Storm) -> Observed:
    with Blackhole() as hole, World(folder) as world:
        neighbourhood = Neighbourhood(world.api, world.data_plane)
        replica: Replica = world.operator("operator", aws=routes.environment(folder, {NOWHERE: hole.url}))
        replica.start()
        neighbourhood.settle()
        rage(neighbourhood.storm, storm.spec, storm.size)
        with replacing(neighbourhood.storm, storm.spec, storm.size, storm.replaced):
            time.sleep(_SETTLE_SECONDS)
            observed = neighbourhood.watch(_WINDOW_SECONDS, _GUEST_EVERY)
        replica.process.check()
        return observed


def observe(
    folder: Path, names: Sequence[str] = tuple(STORMS), say: Callable[[str], None] = to_output
) -> dict[str, Observed]:
    """Run each storm in its own world."""
    found = {}
    for name in names:
        say(f"next to {STORMS[name].words}")
        found[name] = _observe(folder / name, STORMS[name])
    return found
