"""When each source is polled: all sources that there are, and turns for those of the shards held here."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.drift import Seen, drift, untouched
from appconfig_operator.core.shards import shard_of
from appconfig_operator.engine.entry import Entry, asks_for_more
from appconfig_operator.engine.turns import Shard, Turns
from appconfig_operator.engine.turnstile import Turnstile
from appconfig_operator.engine.workers import Job
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.handover import HandedOver
    from appconfig_operator.engine.memory import Memory
    from appconfig_operator.engine.ports import Holding
    from appconfig_operator.engine.sessions import Starting

logger = logging.getLogger(__name__)


class Scheduler:
    """Gives each source its turn, and never two at once.

    Parameters
    ----------
    sessions
        Where memories come from.
    shards
        How many parts the sources are split into.
    monotonic
        Seconds.
    """

    def __init__(self, sessions: Starting, *, shards: int, monotonic: Callable[[], float]) -> None:
        self._sessions = sessions
        self._count = shards
        self._monotonic = monotonic
        self._entries: dict[str, Entry] = {}
        self._turns = Turns()
        self._lock = threading.Lock()
        self._turnstile = Turnstile(self._lock, monotonic)
        self._cut_off = False

    def stop(self) -> None:
        """Give no more turns."""
        with self._lock:
            self._turnstile.stop()

    def cut_off(self) -> None:
        """Count the polls that are still under way as ended: the process is about to end, and takes them with it."""
        with self._lock:
            self._cut_off = True

    def age(self) -> float:
        """Return the seconds since a worker last asked for, or waited for, a turn."""
        return self._turnstile.age()

    # Sources that come, change and go.

    def put(self, source: Source) -> bool:
        """Take in a source as the API server tells it now. A changed spec, or a request to sync, is polled at once.

        Returns
        -------
        bool
            Whether it was there before.
        """
        if source.deleting:
            self.remove(source.uid)
            return False
        with self._lock:
            entry = self._entries.get(source.uid)
            if entry is None:
                entry = self._entries[source.uid] = Entry(source, shard_of(source.uid, self._count))
                if entry.shard in self._turns.shards:
                    self._start(entry, None)
                return False
            self._change(entry, source)
        return True

    def _change(self, entry: Entry, source: Source) -> None:
        if entry.memory is None:
            if source.generation >= entry.source.generation:
                entry.source = source
            return
        before = entry.source
        if source.generation < before.generation:
            return
        entry.source = source
        if not entry.running:
            entry.adopt(entry.memory)
        if asks_for_more(source, than=before):
            entry.changed = True
            if not entry.running:
                self._begin_anew(entry, entry.memory)

    def remove(self, uid: str) -> None:
        """Forget a source, and its session with it."""
        with self._lock:
            entry = self._entries.pop(uid, None)
        if entry is not None and entry.memory is not None:
            logger.info("Deleted: its session ends", extra=about(entry.source))

    def keep_only(self, uids: set[str], among: set[str]) -> None:
        """Forget sources that were deleted unnoticed: those of `among` that are not in `uids`."""
        for uid in among - uids:
            self.remove(uid)

    def uids(self) -> set[str]:
        """Return the uids of all sources that are there."""
        with self._lock:
            return set(self._entries)

    def entries(self) -> list[Entry]:
        """Return all entries, to be looked at only."""
        with self._lock:
            return list(self._entries.values())

    def busy(self) -> bool:
        """Tell whether a source waits for a worker, at the cost of a glance."""
        with self._lock:
            return self._turns.due(self._monotonic())

    def overdue(self) -> int:
        """Count the sources whose turn has come and that wait for a worker."""
        with self._lock:
            return self._turns.overdue(self._entries, self._monotonic())

    # What becomes of ConfigMaps.

    def saw(self, uid: str, seen: Seen) -> None:
        """Take in what became of the ConfigMap of a source. A change of somebody else is put right at once."""
        with self._lock:
            entry = self._entries.get(uid)
            if entry is None or not entry.concerned_by(seen):
                return
            entry.seen, entry.unlooked = seen, True
            if entry.memory is not None and not entry.running:
                self._look(entry, entry.memory)

    def targets(self, namespace: str | None) -> dict[str, tuple[str, str]]:
        """Return namespace and name of the ConfigMaps that carry the mark of a source, by its uid.

        Parameters
        ----------
        namespace
            Where, or `None` for everywhere.
        """
        with self._lock:
            return {
                uid: (entry.source.namespace, written.name)
                for uid, entry in self._entries.items()
                if (written := entry.written) is not None
                and namespace in {None, entry.source.namespace}
                and entry.source.spec.target.creation_policy is not CreationPolicy.MERGE
            }

    def _look(self, entry: Entry, memory: Memory) -> None:
        if entry.seen is None:
            return
        memory.untouched = untouched(entry.seen, memory.written)
        if not entry.unlooked or memory.drift is not None:
            return
        entry.unlooked = False
        what = drift(entry.seen, memory.written)
        if what is not None:
            memory.drift = what
            self._schedule(entry, 0.0)

    # Shards that come and go.

    def begin(self, shard: int, holding: Holding, sessions: Mapping[str, HandedOver]) -> None:
        """Poll the sources of a shard from now on, going on with the sessions, by uid, that were handed over."""
        with self._lock:
            self._turns.shards[shard] = Shard(holding)
            for entry in self._of(shard):
                self._start(entry, sessions.get(entry.source.uid))

    def resume(self, shard: int) -> None:
        """Go on after the holding lapsed and came back, with nobody else in between."""
        with self._lock:
            if shard in self._turns.shards:
                self._turnstile.notify()

    def drain(self, shard: int) -> bool:
        """Begin no more polls of a shard, and tell whether those under way have ended. Call it until they have."""
        with self._lock:
            held = self._turns.shards.get(shard)
            if held is None:
                return True
            held.draining = True
            return held.running == 0 or self._cut_off

    def surrender(self, shard: int) -> list[HandedOver]:
        """End the sessions of a drained shard, and return those that another replica can go on with.

        A source that is still being polled is not among them: nobody knows what becomes of its token.
        """
        with self._lock:
            handed_over = [
                given
                for entry in self._of(shard)
                if entry.memory is not None and not entry.running and not entry.changed
                if (given := self._sessions.hand_over(entry.source, entry.memory, entry.due)) is not None
            ]
            for entry in self._of(shard):
                if entry.memory is not None and entry.memory.fresh:
                    # Newer than what the watch has told.
                    entry.source = replace(entry.source, status=entry.memory.status)
            self._forget(shard)
        return handed_over

    def drop(self, shard: int) -> None:
        """Forget the sessions of a shard that another replica has taken."""
        with self._lock:
            self._forget(shard)

    def _forget(self, shard: int) -> None:
        self._turns.shards.pop(shard, None)
        for entry in self._of(shard):
            entry.memory, entry.ticket, entry.changed = None, None, False

    def _of(self, shard: int) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.shard == shard]

    # Turns.

    def _start(self, entry: Entry, handed_over: HandedOver | None) -> None:
        start = self._sessions.start(entry.source, handed_over)
        entry.memory, entry.unlooked = start.memory, True
        self._schedule(entry, start.delay, first=start.first)
        self._look(entry, start.memory)

    def _begin_anew(self, entry: Entry, before: Memory) -> None:
        entry.changed = False
        entry.memory = self._sessions.start_anew(entry.source, before)
        self._schedule(entry, 0.0)

    def _schedule(self, entry: Entry, delay: float, *, first: bool = False) -> None:
        if entry.running:
            return  # it gets its next turn when this one ends
        if entry.source.spec.suspend:
            logger.info("Suspended: no calls, nothing changes", extra=about(entry.source))
            entry.ticket = None
            return
        self._turns.add(entry, self._monotonic() + delay, first=first)
        self._turnstile.notify()

    def next(self) -> Job | None:
        """Wait for the next source whose turn it is. `None`: the scheduler stops."""
        with self._lock:
            return self._turnstile.wait(self._take)

    def _take(self, now: float) -> Job | float | None:
        turn = self._turns.take(self._entries, now)
        if not isinstance(turn, Entry):
            return turn
        assert turn.memory is not None, "a turn without a memory"  # noqa: S101 (`_forget` takes both)
        shard = self._turns.shards[turn.shard]
        shard.running += 1
        turn.running = True
        # Read under the lock: `put` may set another source right after it, with a memory of its own to come.
        return Job(turn, turn.source, turn.memory, shard.holding, turn.due)

    def done(self, job: Job, delay: float | None) -> None:
        """Take back a source whose poll has ended, and give it its next turn."""
        entry = job.entry
        with self._lock:
            entry.running = False
            shard = self._turns.shards.get(entry.shard)
            if shard is not None and shard.holding is job.holding:
                shard.running -= 1
            if self._entries.get(job.source.uid) is not entry or entry.memory is None:
                return
            entry.adopt(entry.memory)
            if entry.memory is not job.memory:  # the shard went, and came again, meanwhile
                self._schedule(entry, 0.0)
            elif delay is None:
                del self._entries[job.source.uid]
                return
            elif entry.changed:
                self._begin_anew(entry, job.memory)
            else:
                self._schedule(entry, delay)
            self._look(entry, entry.memory)
