"""The sources that there are and their turns, with no regard to threads: the scheduler has the lock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.assignment import shard_of
from appconfig_operator.core.target.drift import drift, untouched
from appconfig_operator.engine.awaited import WAKE_SECONDS, Awaited
from appconfig_operator.engine.entry import Entry, asks_for_more
from appconfig_operator.engine.starts import Starts
from appconfig_operator.engine.turns import Turns
from appconfig_operator.engine.workers import Job
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.engine.awaited import Target
    from appconfig_operator.engine.poll import Polled
    from appconfig_operator.engine.sessions import Starting
    from appconfig_operator.engine.state.poll_state import PollState

logger = logging.getLogger(__name__)


class Schedule:
    """Sources, and when each is polled.

    Parameters
    ----------
    sessions
        Where memories come from.
    shards
        How many parts the sources are split into.
    workers
        Quick polls at once.
    monotonic
        Seconds.
    notify
        Called when there may be a turn sooner than before.
    """

    def __init__(
        self,
        sessions: Starting,
        *,
        shards: int,
        workers: int,
        monotonic: Callable[[], float],
        notify: Callable[[], None],
    ) -> None:
        self.sessions = sessions
        self.entries: dict[str, Entry] = {}
        self.turns = Turns(workers)
        self.awaited = Awaited()
        self._starts = Starts()
        self._wanting: dict[Target, tuple[str, ...]] = {}  # uids of those whose target it is
        self._count = shards
        self._monotonic = monotonic
        self._notify = notify

    def put(self, source: Source) -> bool:
        """Take in a source, and return whether it was there before."""
        entry = self.entries.get(source.uid)
        if entry is not None:
            self._change(entry, source)
            return True
        entry = self.entries[source.uid] = Entry(source, shard_of(source.uid, self._count))
        self._want(source)
        if entry.shard in self.turns.shards:
            self._reserve_start(entry)
            self.start(entry, None)
        return False

    def _change(self, entry: Entry, source: Source) -> None:
        before = entry.source
        if source.generation < before.generation:
            return
        entry.source = source
        if source.generation > before.generation:
            self._want_no_more(before)
            self._want(source)
            self._wake_others(before)  # it may want another ConfigMap now, and have given this one up
        if entry.memory is None:
            return
        if not entry.running:
            entry.adopt(entry.memory)
        if asks_for_more(source, than=before):
            entry.changed = True
            if not entry.running:
                self._begin_anew(entry, entry.memory)

    def remove(self, uid: str) -> Entry | None:
        """Forget a source, and return what was kept of it."""
        entry = self.entries.pop(uid, None)
        self.awaited.set(uid, None)
        if entry is not None:
            self._give_back_start(entry)
            self._want_no_more(entry.source)
            self._wake_others(entry.source)
        return entry

    # Whose a ConfigMap is.

    def wanting(self, target: Target) -> list[Entry]:
        """Return those whose target a ConfigMap is: its mark can be overwritten, its name cannot."""
        return [self.entries[uid] for uid in self._wanting.get(target, ())]

    def _want(self, source: Source) -> None:
        target = (source.namespace, source.spec.target.name)
        self._wanting[target] = (*self._wanting.get(target, ()), source.uid)

    def _want_no_more(self, source: Source) -> None:
        target = (source.namespace, source.spec.target.name)
        left = tuple(uid for uid in self._wanting.get(target, ()) if uid != source.uid)
        if left:
            self._wanting[target] = left
        else:
            self._wanting.pop(target, None)

    # What others wait for.

    def wake(self, target: Target) -> None:
        """Let those look again, soon, who wait for a ConfigMap."""
        for uid in self.awaited.of(target):
            self._wake_one(self.entries[uid])

    def _wake_others(self, source: Source) -> None:
        for uid in self.awaited.of((source.namespace, source.spec.target.name)):
            if uid != source.uid:
                self._wake_one(self.entries[uid])

    def _wake_one(self, entry: Entry) -> None:
        entry.woken = True
        if not entry.running:
            self._wake_up(entry)

    def _wake_up(self, entry: Entry) -> None:
        entry.woken = False
        entry.not_before = max(entry.not_before, entry.looked + WAKE_SECONDS)
        if entry.memory is None:
            return
        entry.memory.woken = True  # also where a turn is near: it may be meant for the status alone
        if entry.ticket is not None and entry.due > entry.not_before:
            self._schedule(entry, 0.0)

    # Beginnings.

    def start(self, entry: Entry, handed_over: HandedOver | None) -> None:
        """Begin to poll a source."""
        start = self.sessions.start(entry.source, handed_over)
        entry.memory, entry.unlooked, entry.proven = start.state, True, start.proven
        entry.astray = True  # the target that it was may be a stray
        entry.memory.delivery.unreleased |= entry.waits
        self._schedule(entry, start.delay, first=start.first)
        self.look(entry, start.state)

    def _begin_anew(self, entry: Entry, before: PollState) -> None:
        entry.changed = False
        entry.memory = self.sessions.start_anew(entry.source, before)
        self._reserve_start(entry)
        self._schedule(entry, 0.0)

    def _reserve_start(self, entry: Entry) -> None:
        if entry.begins:
            return  # the place that it has reserved already is good for the newest spec, too
        now = self._monotonic()
        entry.not_before = max(entry.not_before, now + self._starts.reserve(entry.source, now))
        entry.begins = True

    def _give_back_start(self, entry: Entry) -> None:
        if entry.begins:
            self._starts.give_back(entry.source)

    def look(self, entry: Entry, state: PollState) -> None:
        """Look at what became of the ConfigMap of a source, if that is still to be done."""
        if entry.strayed(state):
            self._schedule(entry, 0.0)
        if entry.seen is None:
            return
        state.drift.untouched = untouched(entry.seen, state.status.written)
        if not entry.unlooked or state.drift.found is not None:
            return
        entry.unlooked = False
        what = drift(entry.seen, state.status.written, owner=entry.owns(state))
        if what is not None:
            state.drift.found = what
            self._schedule(entry, 0.0)

    # Turns.

    def _schedule(self, entry: Entry, delay: float, *, first: bool = False) -> None:
        if entry.running:
            return  # it gets its next turn when this one ends
        if entry.source.spec.suspend:
            logger.info("Suspended: no calls, nothing changes", extra=about(entry.source))
            entry.ticket = None
            return
        now = self._monotonic()
        wait = entry.not_before - now
        self.turns.add(entry, now + max(delay, wait), first=first and wait <= 0)
        self._notify()

    def take(self, now: float) -> Job | float | None:
        """Give a source its turn, or say in how many seconds there may be one. `None`: nobody knows."""
        taken = self.turns.take(self.entries, now)
        if not isinstance(taken, tuple):
            return taken
        entry, running = taken
        assert entry.memory is not None, "a turn without a memory"  # noqa: S101 (`forget` takes both)
        shard = self.turns.shards[entry.shard]
        shard.running += 1
        entry.running, entry.begins, entry.looked = True, False, now
        # Read under the lock: `put` may set another source right after it, with a memory of its own to come.
        return Job(entry, entry.source, entry.memory, shard.guard, entry.due, running)

    def done(self, job: Job, polled: Polled) -> None:
        """Take back a source whose poll has ended, and give it its next turn."""
        entry = job.entry
        entry.running = False
        quick = self.turns.ended(job.running, self._monotonic())
        if polled.answered is not None or not quick:
            entry.proven = quick and polled.answered is True
        self._notify()  # a slot is free
        shard = self.turns.shards.get(entry.shard)
        if shard is not None and shard.guard is job.guard:
            shard.running -= 1
        if self.entries.get(job.source.uid) is not entry or entry.memory is None:
            return
        entry.adopt(entry.memory)
        self._note_awaited(job, polled)
        if entry.memory is not job.state:  # the shard went, and came again, meanwhile
            self._schedule(entry, 0.0)
        elif polled.delay is None:
            self.remove(job.source.uid)
            return
        elif entry.changed:
            self._begin_anew(entry, job.state)
        else:
            self._schedule(entry, polled.delay)
        if entry.woken:
            self._wake_up(entry)
        self.look(entry, entry.memory)

    def _note_awaited(self, job: Job, polled: Polled) -> None:
        if polled.answered is None:
            return  # nothing was tried: it waits for what it waited for
        target = None if polled.awaits is None else (job.source.namespace, polled.awaits)
        if self.awaited.set(job.source.uid, target):
            # What has changed since its look, and before it was known to wait, nobody has noticed.
            job.entry.woken = target is not None

    # Shards.

    def of(self, shard: int) -> list[Entry]:
        """Return the entries of a shard."""
        return [entry for entry in self.entries.values() if entry.shard == shard]

    def forget(self, shard: int) -> None:
        """Forget the sessions of a shard."""
        self.turns.shards.pop(shard, None)
        for entry in self.of(shard):
            self._give_back_start(entry)
            entry.forget()
            self.awaited.set(entry.source.uid, None)
