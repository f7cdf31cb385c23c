"""Lanes: the due polls of sources that share their fate, and how lanes take turns, namespace by namespace.

Sources of one namespace that call AWS as the same identity in the same region share a lane, as long as they are alike
in whether they answered quickly the last time. So a source that hangs delays only sources of its own kind.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from appconfig_operator.core.identity import identity_of
from appconfig_operator.engine.lazy_heap import LazyHeap

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.identity import Identity

LaneKey: TypeAlias = "tuple[str, Identity, str | None, bool]"
"""Namespace, identity, region, and whether the last poll was quick."""


class LaneState(Enum):
    """What a lane waits for."""

    IDLE = auto()
    """It has no poll that is due."""
    READY = auto()
    """It has one, and waits for its turn."""
    BLOCKED = auto()
    """It has one, and waits until one of its polls under way, or of its namespace, ends."""


@dataclass(slots=True, eq=False)
class PaceTracker:
    """Whether polls take long.

    Attributes
    ----------
    slow
        Whether one did, and none has been quick since.
    overrunning
        How many are under way that have taken long already.
    """

    slow: bool = False
    overrunning: int = 0

    def ended(self, *, quick: bool) -> None:
        """Note how a poll has ended."""
        if not quick:
            self.slow = True
        elif not self.overrunning:
            self.slow = False


@dataclass(slots=True, eq=False, weakref_slot=True)
class NamespaceLoad:
    """What the polls of one namespace take up.

    Attributes
    ----------
    slow_slots
        How many slots for slow polls they hold.
    unknown
        The pace of its lanes that are not known to be quick, all together: sources that hang do not get a fresh start
        with each new region that they name.
    """

    name: str
    slow_slots: int = 0
    unknown: PaceTracker = field(default_factory=PaceTracker)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Lane:
    """The polls of sources that share their fate.

    Attributes
    ----------
    namespace
        What it shares with the other lanes of its namespace.
    known_quick
        Whether its sources answered quickly the last time.
    polls
        Those that are due.
    slow_slots
        How many slots for slow polls its polls hold.
    """

    namespace: NamespaceLoad
    known_quick: bool
    polls: LazyHeap[QueuedPoll] = field(default_factory=LazyHeap)
    state: LaneState = LaneState.IDLE
    slow_slots: int = 0
    _pace: PaceTracker = field(default_factory=PaceTracker)

    @property
    def pace(self) -> PaceTracker:
        """Whether its polls take long."""
        return self._pace if self.known_quick else self.namespace.unknown

    @property
    def slow(self) -> bool:
        """Whether its polls begin in slots for slow ones."""
        return self.pace.slow


@dataclass(slots=True, eq=False)
class QueuedPoll:
    """A poll that waits: until it is due, for the turn of its lane, and for a slot.

    Attributes
    ----------
    uid
        Of the source.
    due
        When it may begin, by the monotonic clock.
    first
        Whether it goes before the others of its lane.
    cancelled
        Whether its source has another place in the queue by now, or none.
    """

    uid: str
    lane: Lane
    due: float
    first: bool = False
    cancelled: bool = False


class RoundRobin:
    """Lanes that are ready, in turn: one of each namespace, then the next one of each."""

    def __init__(self) -> None:
        self._lanes: dict[NamespaceLoad, deque[Lane]] = {}  # in the order in which they are served

    def __bool__(self) -> bool:
        """Return whether there is a lane."""
        return bool(self._lanes)

    def put(self, lane: Lane) -> None:
        """Add a lane behind the others."""
        lane.state = LaneState.READY
        self._lanes.setdefault(lane.namespace, deque()).append(lane)

    def pop(self) -> Lane:
        """Remove the next lane and return it. Its namespace goes behind the others."""
        namespace = next(iter(self._lanes))
        lanes = self._lanes.pop(namespace)
        lane = lanes.popleft()
        if lanes:
            self._lanes[namespace] = lanes
        return lane


def lane_key(source: Source, *, known_quick: bool) -> LaneKey:
    """Return which lane a source belongs to."""
    return source.namespace, identity_of(source), source.spec.region, known_quick
