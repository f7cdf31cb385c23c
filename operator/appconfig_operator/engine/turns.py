"""Whose turn it is: the lanes that have turns, the slots for polls, and the shards whose sources have turns at all."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.engine.lanes import Lane, Place, Ring, Tenant, Turn, lane_key
from appconfig_operator.engine.slots import Slots

if TYPE_CHECKING:
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.engine.entry import Entry
    from appconfig_operator.engine.lanes import Key
    from appconfig_operator.engine.slots import Running

FIRST = 0.0


@dataclass(slots=True)
class Shard:
    """A shard that this replica holds.

    Attributes
    ----------
    guard
        Its Lease.
    draining
        Whether no more polls may begin.
    running
        Polls under way.
    parked
        Turns that came up while the Lease had lapsed, and their lanes.
    """

    guard: LeaseGuard
    draining: bool = False
    running: int = 0
    parked: list[tuple[Lane, Turn]] = field(default_factory=list)


class Turns:
    """Gives turns. Not safe to share between threads: the scheduler has the lock.

    Parameters
    ----------
    workers
        Quick polls at once.
    """

    def __init__(self, workers: int) -> None:
        self.shards: dict[int, Shard] = {}
        self.slots = Slots(workers)
        self._lanes: dict[Key, Lane] = {}
        self._tenants: dict[str, Tenant] = {}
        self._tickets = itertools.count()
        # Lanes by when they are due. One of them that waits no more, or under another rank, is void.
        self._waiting: list[tuple[float, int, Lane]] = []
        self._quick = Ring()
        self._slow = Ring()
        self._held: dict[Tenant, list[Lane]] = {}
        self._pushed = 0  # since void turns were last removed

    def add(self, entry: Entry, due: float, *, first: bool = False) -> None:
        """Give an entry a turn, in place of the one that it had. `first`: it goes before the others of its lane."""
        entry.due = due
        entry.ticket = next(self._tickets)
        lane = self._lane(lane_key(entry.source, proven=entry.proven))
        self._push(lane, (FIRST if first else due, entry.ticket, entry.source.uid))

    def take(self, entries: dict[str, Entry], now: float) -> tuple[Entry, Running] | float | None:
        """Take the next turn.

        Returns
        -------
        tuple, float or None
            The entry whose turn it is, and its poll; or the seconds until there may be one; or `None`: nobody waits.
        """
        self.slots.age(now)
        self._unpark()
        if self._pushed > 4 * len(entries) + 1000:
            self._compact(entries)
        self._ripen(now)
        taken = self._take_from(self._quick, entries, now) or self._take_from(self._slow, entries, now)
        return taken or self._until_next(now)

    def ended(self, running: Running, now: float) -> bool:
        """Take in that a poll has ended, and return whether it was quick."""
        quick = self.slots.end(running, now)
        lane = running.lane
        # Only these change how many polls others may begin.
        freed = list(self._held) if running.charged or not lane.proven else [lane.tenant]
        for tenant in freed:
            for held in self._held.pop(tenant, ()):
                self._ready(held)
        self._forget_unused(lane)
        return quick

    def due(self, now: float) -> bool:
        """Return whether a turn has come of which a quick poll may be expected. One that is void may count."""
        return bool(self._quick) or bool(self._waiting and self._waiting[0][0] <= now)

    def overdue(self, entries: dict[str, Entry], now: float) -> int:
        """Count the entries whose turn it is already, and that no worker has taken yet."""
        return sum(1 for entry in entries.values() if entry.ticket is not None and entry.due <= now)

    def oldest(self, entries: dict[str, Entry], now: float, *, slow: bool) -> float:
        """Return for how many seconds the entry has waited whose turn came first, of slow lanes or of the others."""
        waiting = (entry for entry in entries.values() if entry.ticket is not None and entry.due <= now)
        return now - min((entry.due for entry in waiting if self._is_slow(entry) is slow), default=now)

    def _is_slow(self, entry: Entry) -> bool:
        lane = self._lanes.get(lane_key(entry.source, proven=entry.proven))
        return lane is not None and lane.slow

    def _lane(self, key: Key) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            tenant = self._tenants.setdefault(key[0], Tenant(key[0]))
            tenant.lanes += 1
            lane = self._lanes[key] = Lane(key, tenant)
        return lane

    def _forget_unused(self, lane: Lane) -> None:
        if lane.unused and self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]
            lane.tenant.lanes -= 1
            if not lane.tenant.lanes:
                del self._tenants[lane.tenant.name]

    def _push(self, lane: Lane, turn: Turn) -> None:
        heapq.heappush(lane.turns, turn)
        self._pushed += 1
        if lane.place is Place.IDLE or (lane.place is Place.WAITING and turn[0] < lane.due):
            self._wait(lane)

    def _compact(self, entries: dict[str, Entry]) -> None:
        """Remove void turns, which would stay until they are due: that may be a day."""
        self._pushed = 0
        self._waiting.clear()
        for lane in list(self._lanes.values()):
            live = [turn for turn in lane.turns if turn[2] in entries and entries[turn[2]].ticket == turn[1]]
            lane.turns[:] = live
            heapq.heapify(lane.turns)
            if lane.place is Place.WAITING:
                lane.place = Place.IDLE
                if lane.turns:
                    self._wait(lane)
                else:
                    self._forget_unused(lane)

    def _wait(self, lane: Lane) -> None:
        """Let a lane wait for its first turn."""
        lane.place, lane.due = Place.WAITING, lane.turns[0][0]
        heapq.heappush(self._waiting, (lane.due, next(self._tickets), lane))

    def _ready(self, lane: Lane) -> None:
        (self._slow if lane.slow else self._quick).put(lane)

    def _ripen(self, now: float) -> None:
        """Move lanes to the rings whose turn has come."""
        while self._waiting and self._waiting[0][0] <= now:
            due, _, lane = heapq.heappop(self._waiting)
            if lane.place is Place.WAITING and lane.due == due:
                self._ready(lane)

    def _take_from(self, ring: Ring, entries: dict[str, Entry], now: float) -> tuple[Entry, Running] | None:
        while ring and (self.slots.slow_free if ring is self._slow else self.slots.quick_free):
            lane = ring.pop()
            if lane.slow is not (ring is self._slow):
                self._ready(lane)  # it has changed since
            elif not self.slots.may_begin(lane):
                lane.place = Place.HELD
                self._held.setdefault(lane.tenant, []).append(lane)
            else:
                entry = self._pop(lane, entries, now)
                running = self.slots.begin(lane, now) if entry is not None else None
                self._put_back(lane, now)
                if entry is not None and running is not None:
                    return entry, running
        return None

    def _put_back(self, lane: Lane, now: float) -> None:
        lane.place = Place.IDLE
        if lane.turns and lane.turns[0][0] <= now:
            self._ready(lane)
        elif lane.turns:
            self._wait(lane)
        else:
            self._forget_unused(lane)

    def _pop(self, lane: Lane, entries: dict[str, Entry], now: float) -> Entry | None:
        """Take the first turn of a lane that has come and is not void."""
        while lane.turns and lane.turns[0][0] <= now:
            turn = heapq.heappop(lane.turns)
            entry = entries.get(turn[2])
            if entry is None or entry.ticket != turn[1]:
                continue
            shard = self.shards.get(entry.shard)
            if shard is None or shard.draining:
                entry.ticket = None
            elif shard.guard.remaining() <= 0:
                shard.parked.append((lane, turn))
            else:
                entry.ticket = None
                return entry
        return None

    def _unpark(self) -> None:
        for shard in self.shards.values():
            if shard.parked and shard.guard.remaining() > 0:
                for lane, turn in shard.parked:
                    self._push(self._lane(lane.key), turn)
                shard.parked.clear()

    def _until_next(self, now: float) -> float | None:
        """Return the seconds until a lane is due, or a slot gets free because a poll in it takes long."""
        waits = [self._waiting[0][0] - now] if self._waiting else []
        ages = self.slots.next_age(now) if self._quick else None
        return min([*waits, *([] if ages is None else [ages])], default=None)
