"""Whose turn it is: a heap of due times, and the shards whose sources have turns at all."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.engine.entry import Entry
    from appconfig_operator.engine.ports import Holding

Turn = tuple[float, int, str]
"""Rank, ticket, uid. The rank is the due time; what was never synced has rank 0 and goes before all else."""

FIRST = 0.0


@dataclass(slots=True)
class Shard:
    """A shard that this replica holds.

    Attributes
    ----------
    holding
        Its Lease.
    draining
        Whether no more polls may begin.
    running
        Polls under way.
    parked
        Turns that came up while the Lease had lapsed.
    """

    holding: Holding
    draining: bool = False
    running: int = 0
    parked: list[Turn] = field(default_factory=list)


class Turns:
    """The heap. Not safe to share between threads: the scheduler has the lock."""

    def __init__(self) -> None:
        self.shards: dict[int, Shard] = {}
        self._heap: list[Turn] = []
        self._tickets = itertools.count()

    def add(self, entry: Entry, due: float, *, first: bool = False) -> None:
        """Give an entry a turn, in place of the one that it had."""
        entry.due = due
        entry.ticket = next(self._tickets)
        heapq.heappush(self._heap, (FIRST if first else due, entry.ticket, entry.source.uid))

    def take(self, entries: dict[str, Entry], now: float) -> Entry | float | None:
        """Take the next turn.

        Returns
        -------
        Entry, float or None
            The entry whose turn it is, or the seconds until there is one, or `None` when nobody waits.
        """
        self._unpark()
        while self._heap:
            rank, ticket, uid = self._heap[0]
            entry = entries.get(uid)
            if entry is not None and entry.ticket == ticket and rank > now:
                return rank - now
            turn = heapq.heappop(self._heap)
            if entry is None or entry.ticket != ticket:
                continue
            shard = self.shards.get(entry.shard)
            if shard is None or shard.draining:
                entry.ticket = None
            elif shard.holding.remaining() <= 0:
                shard.parked.append(turn)
            else:
                entry.ticket = None
                return entry
        return None

    def _unpark(self) -> None:
        for shard in self.shards.values():
            if shard.parked and shard.holding.remaining() > 0:
                for turn in shard.parked:
                    heapq.heappush(self._heap, turn)
                shard.parked.clear()

    def due(self, now: float) -> bool:
        """Tell whether a turn has come. One that is void may count."""
        return bool(self._heap) and self._heap[0][0] <= now

    def overdue(self, entries: dict[str, Entry], now: float) -> int:
        """Count the entries whose turn it is already, and that no worker has taken yet."""
        return sum(1 for entry in entries.values() if entry.ticket is not None and entry.due <= now)
