"""How long new and changed sources wait, as a user sees it: by their status."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.storms import role

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.storms import Spec
    from benchmarks.tenants import Tenant

_LOOK_SECONDS = 0.1


class Wait(NamedTuple):
    """A change that someone waits for."""

    name: str
    generation: int
    began: float


class Waits:
    """Sources of a tenant that someone waits for.

    Parameters
    ----------
    tenant
        The tenant.
    now
        The clock, in seconds.
    """

    def __init__(self, tenant: Tenant, now: Callable[[], float] = time.monotonic) -> None:
        self._tenant = tenant
        self._now = now
        self._pending: list[Wait] = []
        self.seconds: list[float] = []
        """How long each one took that has completed."""

    def create(self, name: str, spec: Spec) -> None:
        """Create a source, and wait for it from then on."""
        self._tenant.create(name, spec)
        self._pending.append(Wait(name, 1, self._now()))

    def change(self, name: str, spec: Spec) -> None:
        """Change a source, and wait for it from then on."""
        self._pending.append(Wait(name, self._tenant.change(name, spec), self._now()))

    def look(self) -> None:
        """Check which have completed."""
        if not self._pending:
            return
        ready = self._tenant.ready()
        now = self._now()
        come = [wait for wait in self._pending if ready.get(wait.name, 0) >= wait.generation]
        self.seconds += [now - wait.began for wait in come]
        self._pending = [wait for wait in self._pending if wait not in come]

    def end(self) -> int:
        """Count those that have not completed as if they did now, a lower bound, and return how many there are."""
        now = self._now()
        self.seconds += [now - wait.began for wait in self._pending]
        left, self._pending = len(self._pending), []
        return left


class Guests:
    """New sources of one tenant, and changes to those of another, one of each every few seconds.

    Parameters
    ----------
    new, changed
        The tenants; the second has the sources `names`.
    names
        The sources to change, in turn.
    every
        Seconds between two of them.
    """

    def __init__(self, new: Tenant, changed: Tenant, names: list[str], every: float) -> None:
        self.new = Waits(new)
        self.changed = Waits(changed)
        self._names = names
        self._every = every

    def receive(self, seconds: float, grace: float) -> None:
        """Create and change them for a while, and keep watching for some more seconds."""
        began = time.monotonic()
        number = 0
        while (passed := time.monotonic() - began) < seconds + grace:
            if number * self._every <= passed < seconds:
                # Every other one has its own role, so that its calls include one to STS.
                self.new.create(f"new-{number:05d}", role(f"new-{number:05d}") if number % 2 else {})
                name = self._names[number % len(self._names)]
                self.changed.change(name, {"configurationProfile": f"{name}-{number}"})
                number += 1
            self.new.look()
            self.changed.look()
            time.sleep(_LOOK_SECONDS)
