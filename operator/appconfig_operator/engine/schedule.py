"""All sources, and when each one is polled. It knows no threads: the scheduler has the lock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.assignment import shard_of
from appconfig_operator.core.target.drift import drift, untouched
from appconfig_operator.engine.delay_queue import DelayQueue
from appconfig_operator.engine.lane_queue import LaneQueue
from appconfig_operator.engine.lanes import QueuedPoll
from appconfig_operator.engine.restart_limiter import RestartLimiter
from appconfig_operator.engine.state.source_state import SourceState, needs_restart
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
    from appconfig_operator.engine.poll import PollOutcome
    from appconfig_operator.engine.sessions import SessionFactory
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
        sessions: SessionFactory,
        *,
        shards: int,
        workers: int,
        monotonic: Callable[[], float],
        lock: threading.Lock,
    ) -> None:
        self.sessions = sessions
        self.states: dict[str, SourceState] = {}
        self.shards: dict[int, HeldShard] = {}
        self.lanes = LaneQueue(workers, self._admit)
        self.queue = DelayQueue(self.lanes, lock, monotonic)
        self.waiting = WaitIndex()
        self._restarts = RestartLimiter()
        self._targets = TargetIndex()
        self._waiting_owners: dict[Target, frozenset[str]] = {}
        self._shard_count = shards
        self._monotonic = monotonic

    def put(self, source: Source) -> bool:
        """Take in a source, and return whether it was there before."""
        state = self.states.get(source.uid)
        if state is not None:
            self._change(state, source)
            return True
        state = self.states[source.uid] = SourceState(source, shard_of(source.uid, self._shard_count))
        self._targets.add(source)
        if state.shard in self.shards:
            self._reserve_restart(state)
            self.start(state, None)
        return False

    def _change(self, state: SourceState, source: Source) -> None:
        before = state.source
        if source.generation < before.generation:
            return
        state.source = source
        if source.generation > before.generation:
            self._targets.discard(before)
            self._targets.add(source)
            self._wake_others(before)  # it may want another ConfigMap now, and have given this one up
        if state.poll_state is None:
            return
        if not state.schedule.running:
            state.note_status(state.poll_state)
        if needs_restart(source, than=before):
            state.schedule.restart_requested = True
            if not state.schedule.running:
                self._restart(state, state.poll_state)

    def remove(self, uid: str) -> None:
        """Forget a source, and its session with it."""
        state = self.states.pop(uid, None)
        self.waiting.set(uid, None)
        if state is None:
            return
        if state.poll_state is not None:
            logger.info("Deleted: its session ends", extra=about(state.source))
        for name in state.config_maps.waiting_for:
            target = state.source.namespace, name
            self._set_waiting_owners(target, self._waiting_owners.get(target, frozenset()) - {uid})
        state.schedule.cancel()
        self._give_back_restart(state)
        self._targets.discard(state.source)
        self._wake_others(state.source)

    # ConfigMaps.

    def asking_for(self, target: Target) -> list[SourceState]:
        """Return the sources that ask for a ConfigMap. Others can remove its label, but not change its name."""
        return [self.states[uid] for uid in self._targets.asking_for(target)]

    def wake(self, target: Target) -> None:
        """Poll the sources that wait for a ConfigMap soon."""
        for uid in self.waiting.waiting_for(target):
            self._wake_one(self.states[uid])

    def _wake_others(self, source: Source) -> None:
        for uid in self.waiting.waiting_for(target_of(source)):
            if uid != source.uid:
                self._wake_one(self.states[uid])

    def _wake_one(self, state: SourceState) -> None:
        state.schedule.woken = True
        if not state.schedule.running:
            self._wake_up(state)

    def _wake_up(self, state: SourceState) -> None:
        state.schedule.woken = False
        state.schedule.postpone(state.schedule.last_polled_at + WAKE_SECONDS)
        if state.poll_state is None:
            return
        state.poll_state.woken = True  # also where a poll is near: it may write the status alone
        if state.schedule.queued_poll is not None and state.schedule.due > state.schedule.not_before:
            self._enqueue(state, 0.0)

    def note_waiting_owners(self, uids: frozenset[str], target: Target) -> None:
        """Note which sources are owners of a ConfigMap because they wait for it, or waited for it before a restart."""
        for uid in self._waiting_owners.pop(target, frozenset()) - uids:
            if (state := self.states.get(uid)) is not None:
                state.config_maps.waiting_for -= {target[1]}
        known = (self.states.get(uid) for uid in uids)
        noted = frozenset(state.source.uid for state in known if state is not None and state.note_waiting(*target))
        self._set_waiting_owners(target, noted)

    def _set_waiting_owners(self, target: Target, uids: frozenset[str]) -> None:
        if uids:
            self._waiting_owners[target] = uids
        else:
            self._waiting_owners.pop(target, None)

    # Sessions.

    def start(self, state: SourceState, handed_over: HandedOver | None) -> None:
        """Start to poll a source."""
        start = self.sessions.start(state.source, handed_over)
        state.start(start.poll_state, known_quick=start.known_quick)
        self._enqueue(state, start.delay, first=start.first)
        self.check_drift(state, start.poll_state)

    def _restart(self, state: SourceState, before: PollState) -> None:
        state.schedule.restart_requested = False
        state.poll_state = self.sessions.restart(state.source, before)
        self._reserve_restart(state)
        self._enqueue(state, 0.0)

    def _reserve_restart(self, state: SourceState) -> None:
        if state.schedule.restart_reserved:
            return  # what it has reserved already is good for the newest spec, too
        now = self._monotonic()
        state.schedule.postpone(now + self._restarts.reserve(state.source, now))
        state.schedule.restart_reserved = True

    def _give_back_restart(self, state: SourceState) -> None:
        if state.schedule.restart_reserved:
            self._restarts.give_back(state.source)

    def check_drift(self, state: SourceState, poll_state: PollState) -> None:
        """Check what became of the ConfigMap of a source, if that is still to be done."""
        if state.note_strays(poll_state):
            self._enqueue(state, 0.0)
        if state.config_maps.snapshot is None:
            return
        poll_state.drift.untouched = untouched(state.config_maps.snapshot, poll_state.status.written)
        if not state.config_maps.drift_check_pending or poll_state.drift.found is not None:
            return
        state.config_maps.drift_check_pending = False
        what = drift(state.config_maps.snapshot, poll_state.status.written, owner=state.written_under_owner(poll_state))
        if what is not None:
            poll_state.drift.found = what
            self._enqueue(state, 0.0)

    # The queue.

    def _enqueue(self, state: SourceState, delay: float, *, first: bool = False) -> None:
        """Queue the next poll of a source, in place of the one that it has there."""
        if state.schedule.running:
            return  # it is queued again when this poll ends
        state.schedule.cancel()
        if state.source.spec.suspend:
            logger.info("Suspended: no calls, nothing changes", extra=about(state.source))
            return
        now = self._monotonic()
        wait = state.schedule.not_before - now
        state.schedule.due = now + max(delay, wait)
        poll = QueuedPoll(state.source.uid, self.lanes.lane(state), state.schedule.due, first=first and wait <= 0)
        state.schedule.queued_poll = poll
        self.queue.put(poll)

    def _admit(self, poll: QueuedPoll) -> bool:
        """Return whether a poll whose turn it is may begin, as far as its shard goes."""
        state = self.states[poll.uid]
        shard = self.shards[state.shard]
        if shard.draining:
            state.schedule.cancel()
            return False
        if shard.guard.remaining() <= 0:
            shard.parked.append(poll)
            return False
        return True

    def begin(self, poll: QueuedPoll) -> Job:
        """Begin a poll that the queue has handed out."""
        state = self.states[poll.uid]
        assert state.poll_state is not None, "a poll without a state"  # noqa: S101 (`SourceState.stop` cancels the poll with it)
        now = self._monotonic()
        shard = self.shards[state.shard]
        shard.polls += 1
        state.schedule.begin(now)
        # Read now: `put` may set another source right after it, with a `PollState` of its own to come.
        return Job(state, state.source, state.poll_state, shard.guard, poll.due, self.lanes.begin(poll, now))

    def done(self, job: Job, polled: PollOutcome) -> None:
        """Take back a source whose poll has ended, and queue its next one."""
        self._end(job, polled)
        state = job.state
        if self.states.get(job.source.uid) is not state or state.poll_state is None:
            return
        state.note_status(state.poll_state)
        self._note_wait(job, polled)
        if state.poll_state is not job.poll_state:  # the shard went, and came again, meanwhile
            self._enqueue(state, 0.0)
        elif polled.delay is None:
            self.remove(job.source.uid)
            return
        elif state.schedule.restart_requested:
            self._restart(state, job.poll_state)
        else:
            self._enqueue(state, polled.delay)
        if state.schedule.woken:
            self._wake_up(state)
        self.check_drift(state, state.poll_state)

    def _end(self, job: Job, polled: PollOutcome) -> None:
        """Free the slot of a poll, and note whether it was quick."""
        job.state.schedule.running = False
        quick = self.lanes.end(job.slot, self._monotonic())
        if polled.healthy is not None or not quick:
            job.state.schedule.known_quick = quick and polled.healthy is True
        self.queue.wake()
        shard = self.shards.get(job.state.shard)
        if shard is not None and shard.guard is job.guard:
            shard.polls -= 1

    def _note_wait(self, job: Job, polled: PollOutcome) -> None:
        if polled.healthy is None:
            return  # nothing was tried, so it waits for the same as before
        target = None if polled.waits_for is None else (job.source.namespace, polled.waits_for)
        if self.waiting.set(job.source.uid, target):
            # No one has noticed what changed between its poll and now.
            job.state.schedule.woken = target is not None

    # Shards.

    def of(self, shard: int) -> list[SourceState]:
        """Return the sources of a shard."""
        return [state for state in self.states.values() if state.shard == shard]

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
        for state in self.of(shard):
            self._give_back_restart(state)
            state.stop()
            self.waiting.set(state.source.uid, None)
