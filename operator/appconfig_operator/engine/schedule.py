"""All sources, and when each one is polled. It knows no threads: the scheduler has the lock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.assignment import shard_of
from appconfig_operator.core.target.drift import drift, untouched
from appconfig_operator.engine.delay_queue import DelayQueue
from appconfig_operator.engine.entry import Entry, asks_for_more
from appconfig_operator.engine.lane_queue import LaneQueue
from appconfig_operator.engine.lanes import QueuedPoll
from appconfig_operator.engine.restart_limiter import RestartLimiter
from appconfig_operator.engine.target_index import TargetIndex, target_of
from appconfig_operator.engine.wait_index import WAKE_SECONDS, WaitIndex
from appconfig_operator.engine.workers import Job
from appconfig_operator.logs import about

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.engine.held_shards import HeldShard
    from appconfig_operator.engine.poll import Polled
    from appconfig_operator.engine.sessions import Starting
    from appconfig_operator.engine.state.poll_state import PollState
    from appconfig_operator.engine.target_index import Target

logger = logging.getLogger(__name__)


class Schedule:
    """Sources, and when each one is polled.

    Parameters
    ----------
    sessions
        Starts sources, and exports their sessions.
    shards
        How many parts the sources are split into.
    workers
        Quick polls at once.
    monotonic
        Seconds.
    lock
        The scheduler's.
    """

    def __init__(
        self,
        sessions: Starting,
        *,
        shards: int,
        workers: int,
        monotonic: Callable[[], float],
        lock: threading.Lock,
    ) -> None:
        self.sessions = sessions
        self.entries: dict[str, Entry] = {}
        self.shards: dict[int, HeldShard] = {}
        self.lanes = LaneQueue(workers, self._admit)
        self.queue = DelayQueue(self.lanes, lock, monotonic)
        self.waiting = WaitIndex()
        self._restarts = RestartLimiter()
        self._targets = TargetIndex()
        self._count = shards
        self._monotonic = monotonic

    def put(self, source: Source) -> bool:
        """Take in a source, and return whether it was there before."""
        entry = self.entries.get(source.uid)
        if entry is not None:
            self._change(entry, source)
            return True
        entry = self.entries[source.uid] = Entry(source, shard_of(source.uid, self._count))
        self._targets.add(source)
        if entry.shard in self.shards:
            self._reserve_restart(entry)
            self.start(entry, None)
        return False

    def _change(self, entry: Entry, source: Source) -> None:
        before = entry.source
        if source.generation < before.generation:
            return
        entry.source = source
        if source.generation > before.generation:
            self._targets.discard(before)
            self._targets.add(source)
            self._wake_others(before)  # it may want another ConfigMap now, and have given this one up
        if entry.memory is None:
            return
        if not entry.running:
            entry.adopt(entry.memory)
        if asks_for_more(source, than=before):
            entry.changed = True
            if not entry.running:
                self._restart(entry, entry.memory)

    def remove(self, uid: str) -> Entry | None:
        """Forget a source, and return what was kept of it."""
        entry = self.entries.pop(uid, None)
        self.waiting.set(uid, None)
        if entry is not None:
            self._cancel(entry)
            self._give_back_restart(entry)
            self._targets.discard(entry.source)
            self._wake_others(entry.source)
        return entry

    # ConfigMaps.

    def asking_for(self, target: Target) -> list[Entry]:
        """Return the sources that ask for a ConfigMap. Others can remove its label, but not change its name."""
        return [self.entries[uid] for uid in self._targets.asking_for(target)]

    def wake(self, target: Target) -> None:
        """Poll the sources that wait for a ConfigMap soon."""
        for uid in self.waiting.waiting_for(target):
            self._wake_one(self.entries[uid])

    def _wake_others(self, source: Source) -> None:
        for uid in self.waiting.waiting_for(target_of(source)):
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
        entry.memory.woken = True  # also where a poll is near: it may write the status alone
        if entry.queue_token is not None and entry.due > entry.not_before:
            self._schedule(entry, 0.0)

    # Sessions.

    def start(self, entry: Entry, handed_over: HandedOver | None) -> None:
        """Start to poll a source."""
        start = self.sessions.start(entry.source, handed_over)
        entry.memory, entry.unlooked, entry.proven = start.state, True, start.proven
        entry.astray = True  # what was its target may be a stray
        entry.memory.delivery.unreleased |= entry.waits
        self._schedule(entry, start.delay, first=start.first)
        self.check_drift(entry, start.state)

    def _restart(self, entry: Entry, before: PollState) -> None:
        entry.changed = False
        entry.memory = self.sessions.start_anew(entry.source, before)
        self._reserve_restart(entry)
        self._schedule(entry, 0.0)

    def _reserve_restart(self, entry: Entry) -> None:
        if entry.begins:
            return  # what it has reserved already is good for the newest spec, too
        now = self._monotonic()
        entry.not_before = max(entry.not_before, now + self._restarts.reserve(entry.source, now))
        entry.begins = True

    def _give_back_restart(self, entry: Entry) -> None:
        if entry.begins:
            self._restarts.give_back(entry.source)

    def check_drift(self, entry: Entry, state: PollState) -> None:
        """Check what became of the ConfigMap of a source, if that is still to be done."""
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

    # The queue.

    def _schedule(self, entry: Entry, delay: float, *, first: bool = False) -> None:
        """Queue the next poll of a source, in place of the one that it has there."""
        if entry.running:
            return  # it is queued again when this poll ends
        self._cancel(entry)
        if entry.source.spec.suspend:
            logger.info("Suspended: no calls, nothing changes", extra=about(entry.source))
            return
        now = self._monotonic()
        wait = entry.not_before - now
        entry.due = now + max(delay, wait)
        poll = QueuedPoll(entry.source.uid, self.lanes.lane(entry), entry.due, first=first and wait <= 0)
        entry.queue_token = poll
        self.queue.put(poll)

    def _cancel(self, entry: Entry) -> None:
        if entry.queue_token is not None:
            entry.queue_token.cancelled, entry.queue_token = True, None

    def _admit(self, poll: QueuedPoll) -> bool:
        """Return whether a poll whose turn it is may begin, as far as its shard goes."""
        entry = self.entries[poll.uid]
        shard = self.shards[entry.shard]
        if shard.draining:
            self._cancel(entry)
            return False
        if shard.guard.remaining() <= 0:
            shard.parked.append(poll)
            return False
        return True

    def begin(self, poll: QueuedPoll) -> Job:
        """Begin a poll that the queue has handed out."""
        entry = self.entries[poll.uid]
        assert entry.memory is not None, "a poll without a memory"  # noqa: S101 (`forget` takes both)
        now = self._monotonic()
        shard = self.shards[entry.shard]
        shard.polls += 1
        entry.running, entry.queue_token, entry.begins, entry.looked = True, None, False, now
        # Read now: `put` may set another source right after it, with a memory of its own to come.
        return Job(entry, entry.source, entry.memory, shard.guard, poll.due, self.lanes.begin(poll, now))

    def done(self, job: Job, polled: Polled) -> None:
        """Take back a source whose poll has ended, and queue its next one."""
        self._end(job, polled)
        entry = job.entry
        if self.entries.get(job.source.uid) is not entry or entry.memory is None:
            return
        entry.adopt(entry.memory)
        self._note_wait(job, polled)
        if entry.memory is not job.state:  # the shard went, and came again, meanwhile
            self._schedule(entry, 0.0)
        elif polled.delay is None:
            self.remove(job.source.uid)
            return
        elif entry.changed:
            self._restart(entry, job.state)
        else:
            self._schedule(entry, polled.delay)
        if entry.woken:
            self._wake_up(entry)
        self.check_drift(entry, entry.memory)

    def _end(self, job: Job, polled: Polled) -> None:
        """Free the slot of a poll, and note whether it was quick."""
        job.entry.running = False
        quick = self.lanes.end(job.running, self._monotonic())
        if polled.answered is not None or not quick:
            job.entry.proven = quick and polled.answered is True
        self.queue.wake()
        shard = self.shards.get(job.entry.shard)
        if shard is not None and shard.guard is job.guard:
            shard.polls -= 1

    def _note_wait(self, job: Job, polled: Polled) -> None:
        if polled.answered is None:
            return  # nothing was tried, so it waits for the same as before
        target = None if polled.awaits is None else (job.source.namespace, polled.awaits)
        if self.waiting.set(job.source.uid, target):
            # Nobody has noticed what changed between its poll and now.
            job.entry.woken = target is not None

    # Shards.

    def of(self, shard: int) -> list[Entry]:
        """Return the sources of a shard."""
        return [entry for entry in self.entries.values() if entry.shard == shard]

    def resume(self, shard: int) -> None:
        """Queue again the polls of a shard whose turn came while its Lease had lapsed."""
        held = self.shards.get(shard)
        if held is not None:
            parked, held.parked = held.parked, []
            for poll in parked:
                self.lanes.put(poll)
            self.queue.wake()

    def forget(self, shard: int) -> None:
        """Forget the sessions of a shard."""
        self.shards.pop(shard, None)
        for entry in self.of(shard):
            self._cancel(entry)
            self._give_back_restart(entry)
            entry.forget()
            self.waiting.set(entry.source.uid, None)
