"""Lanes: the turns of sources that share their fate, and rings that serve lanes in turn, namespace by namespace.

Sources of one namespace that call AWS as the same identity in the same region share a lane, as long as they are alike
in whether they answered quickly the last time. So a source that hangs stands in nobody's way but that of its kind.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from appconfig_operator.core.identity import identity_of

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.identity import Identity

Turn: TypeAlias = tuple[float, int, str]
"""Rank, ticket, uid. The rank is the due time; what was never synced has rank 0 and goes first within its lane."""

Key: TypeAlias = "tuple[str, Identity, str | None, bool]"
"""Namespace, identity, region, and whether the last poll was quick."""


class Place(Enum):
    """Where a lane is."""

    IDLE = auto()
    """It has no turns."""
    WAITING = auto()
    """Its next turn is still to come."""
    READY = auto()
    """In a ring: a turn has come."""
    HELD = auto()
    """A turn has come, and as many polls are under way as may be."""


@dataclass(slots=True, eq=False)
class Pace:
    """Whether polls take long.

    Attributes
    ----------
    slow
        Whether one was found to, and none has been quick since.
    stuck
        How many are under way that have taken long already.
    """

    slow: bool = False
    stuck: int = 0

    def took(self, *, long: bool) -> None:
        """Take in how a poll has ended."""
        if long:
            self.slow = True
        elif not self.stuck:
            self.slow = False


@dataclass(slots=True, eq=False)
class Tenant:
    """A namespace.

    Attributes
    ----------
    lanes
        How many there are of it.
    charged
        How many slots for slow polls its polls hold.
    unproven
        How things stand with its lanes of sources that have not proven to be quick, all together: whoever creates
        sources that hang, in ever new regions, does not get a fresh start with each of them.
    """

    name: str
    lanes: int = 0
    charged: int = 0
    unproven: Pace = field(default_factory=Pace)


@dataclass(slots=True, eq=False)
class Lane:
    """The turns of sources that share their fate.

    Attributes
    ----------
    key, tenant
        Whose it is.
    turns
        A heap.
    place, due
        Where it is, and under which rank it waits there.
    running, charged
        How many polls are under way, and how many of these hold slots for slow polls.
    """

    key: Key
    tenant: Tenant
    turns: list[Turn] = field(default_factory=list)
    place: Place = Place.IDLE
    due: float = 0.0
    running: int = 0
    charged: int = 0
    _pace: Pace = field(default_factory=Pace)

    @property
    def proven(self) -> bool:
        """Whether its sources answered quickly the last time."""
        return self.key[3]

    @property
    def pace(self) -> Pace:
        """Whether its polls take long."""
        return self._pace if self.proven else self.tenant.unproven

    @property
    def slow(self) -> bool:
        """Whether its polls begin in slots for slow ones."""
        return self.pace.slow

    @property
    def unused(self) -> bool:
        """Whether nothing is lost when it is forgotten."""
        return self.place is Place.IDLE and not self.turns and not self.running


class Ring:
    """Lanes that are ready, served in turn: one of each namespace, then the next one of each."""

    def __init__(self) -> None:
        self._tenants: dict[Tenant, deque[Lane]] = {}  # in the order in which they are served

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._tenants)

    def put(self, lane: Lane) -> None:
        """Add a lane behind the others."""
        lane.place = Place.READY
        self._tenants.setdefault(lane.tenant, deque()).append(lane)

    def pop(self) -> Lane:
        """Take the next lane. Its namespace goes behind the others."""
        tenant = next(iter(self._tenants))
        lanes = self._tenants.pop(tenant)
        lane = lanes.popleft()
        if lanes:
            self._tenants[tenant] = lanes
        return lane


def lane_key(source: Source, *, proven: bool) -> Key:
    """Return the lane of a source."""
    return source.namespace, identity_of(source), source.spec.region, proven
