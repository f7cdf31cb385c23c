"""When each source is polled: all sources that there are, and a queue of polls for the shards that are held here."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.pace import Pace
from appconfig_operator.core.status.state import state_of
from appconfig_operator.engine.held_shards import HeldShard
from appconfig_operator.engine.schedule import Schedule
from appconfig_operator.engine.scheduler_snapshot import SchedulerSnapshot, lateness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.core.target.drift import ConfigMapSnapshot
    from appconfig_operator.engine.poll import PollOutcome
    from appconfig_operator.engine.sessions import SessionFactory
    from appconfig_operator.engine.state.source_state import SourceState
    from appconfig_operator.engine.workers import Job

logger = logging.getLogger(__name__)


class Scheduler:
    """Hands out polls when they are due, and never two of one source at once. Safe to share between threads.

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
    """

    def __init__(self, sessions: SessionFactory, *, shards: int, workers: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._schedule = Schedule(sessions, shards=shards, workers=workers, monotonic=monotonic, lock=self._lock)
        self._queue = self._schedule.queue
        self._shards = self._schedule.shards
        self._states = self._schedule.states
        self._sessions = sessions
        self._cut_off = False

    def stop(self) -> None:
        """Hand out no more polls."""
        with self._lock:
            self._queue.close()

    def cut_off(self) -> None:
        """Count the polls that are still under way as ended: the process is about to end, and takes them with it."""
        with self._lock:
            self._cut_off = True

    def age(self) -> float:
        """Return the seconds since a worker last asked for a poll, or waited for one."""
        return self._queue.age()

    # Sources that come, change and go.

    def put(self, source: Source) -> bool:
        """Take in a source as the API server reports it now. A changed spec, or a request to sync, is polled at once.

        Returns
        -------
        bool
            Whether it was there before.
        """
        if source.deleting:
            self.remove(source.uid)
            return False
        with self._lock:
            return self._schedule.put(source)

    def remove(self, uid: str) -> None:
        """Forget a source, and its session with it."""
        with self._lock:
            self._schedule.remove(uid)

    def keep_only(self, uids: set[str], among: set[str]) -> None:
        """Forget sources that were deleted unnoticed: those of `among` that are not in `uids`."""
        for uid in among - uids:
            self.remove(uid)

    def uids(self) -> set[str]:
        """Return the uids of all sources."""
        with self._lock:
            return set(self._states)

    def states(self) -> list[SourceState]:
        """Return all sources, to be read only."""
        with self._lock:
            return list(self._states.values())

    # For metrics, and for Events, which wait while the scheduler is busy.

    def busy(self) -> bool:
        """Return whether a poll that is expected to be quick waits for a worker. A cancelled one may count."""
        with self._lock:
            return self._schedule.lanes.quick_ready or self._queue.delay() == 0.0

    def snapshot(self) -> SchedulerSnapshot:
        """Return what is known at this moment."""
        with self._lock:
            states, slots = self._states.values(), self._schedule.lanes.slots
            known, late = len(states), lateness(states, self._monotonic())
            under_way = {Pace.QUICK: slots.quick, Pace.SLOW: slots.slow}
            # Without those whose Lease has lapsed: another replica may count them by now.
            active = {number for number, shard in self._shards.items() if shard.active}
            polled = [
                (poll_state.status.stored.conditions, state.source.spec.suspend)
                for state in states
                if state.shard in active and (poll_state := state.poll_state) is not None
            ]
        return SchedulerSnapshot(
            sources=Counter(state_of(conditions, suspended=suspend) for conditions, suspend in polled),
            sources_known=known,
            queue_depth=sum(map(len, late.values())),
            oldest_due={pace: max(seconds, default=0.0) for pace, seconds in late.items()},
            polls_under_way=under_way,
        )

    # ConfigMaps that change.

    def observe(self, uid: str, seen: ConfigMapSnapshot) -> None:
        """Take in what became of the ConfigMap of a source. A change of someone else is reverted at once."""
        with self._lock:
            self._schedule.wake((seen.namespace, seen.name))
            state = self._states.get(uid)
            if state is not None:
                state.note_label(seen)
                self._note_snapshot(state, seen)
            for other in self._schedule.asking_for((seen.namespace, seen.name)):
                if other is not state:
                    self._note_snapshot(other, replace(seen, labeled=False))  # someone has overwritten its label

    def _note_snapshot(self, state: SourceState, seen: ConfigMapSnapshot) -> None:
        if state.owns_target(seen):
            state.config_maps.observe(seen)
        if state.poll_state is not None and not state.schedule.running:
            self._schedule.check_drift(state, state.poll_state)

    def config_map_changed(self, namespace: str, name: str) -> None:
        """Wake the sources that wait for a ConfigMap: it was created, changed or deleted, whoever owns it."""
        with self._lock:
            self._schedule.wake((namespace, name))

    def waits_in(self, namespace: str | None) -> bool:
        """Return whether a source waits for a ConfigMap in a namespace; with `None`, in any."""
        with self._lock:
            return self._schedule.waiting.waits_in(namespace)

    def waited_for(self, namespace: str | None) -> list[tuple[str, str]]:
        """Return namespace and name of the ConfigMaps of a namespace that sources wait for; with `None`, of all."""
        with self._lock:
            return self._schedule.waiting.targets(namespace)

    def note_waiting_owners(self, uids: frozenset[str], namespace: str, name: str) -> None:
        """Note which sources are owners of a ConfigMap because they wait for it, or waited for it before a restart."""
        with self._lock:
            self._schedule.note_waiting_owners(uids, (namespace, name))

    def targets(self, namespace: str | None) -> dict[str, tuple[str, str]]:
        """Return namespace and name of the labeled ConfigMaps of a namespace, or of all, by the uid of their source."""
        with self._lock:
            return {
                uid: (state.source.namespace, written.name)
                for uid, state in self._states.items()
                if (written := state.written) is not None
                and namespace in {None, state.source.namespace}
                and state.source.spec.target.creation_policy is not CreationPolicy.MERGE
            }

    # Shards that come and go.

    def start(self, shard: int, guard: LeaseGuard, sessions: Mapping[str, HandedOver]) -> None:
        """Poll the sources of a shard from now on, continuing with the sessions, by uid, that were handed over."""
        with self._lock:
            self._shards[shard] = HeldShard(guard)
            for state in self._schedule.of(shard):
                self._schedule.start(state, sessions.get(state.source.uid))

    def resume(self, shard: int) -> None:
        """Continue after the guard lapsed and came back, with no one else in between."""
        with self._lock:
            self._schedule.resume(shard)

    def drain(self, shard: int) -> bool:
        """Begin no more polls of a shard, and return whether those under way have ended. Call it until they have."""
        with self._lock:
            held = self._shards.get(shard)
            if held is None:
                return True
            held.draining = True
            return held.polls == 0 or self._cut_off

    def stop_and_export(self, shard: int) -> list[HandedOver]:
        """End the sessions of a drained shard, and return those that another replica can continue with.

        A source that is still being polled is not among them: no one knows what becomes of its token.
        """
        with self._lock:
            handed_over = [
                given
                for state in self._schedule.of(shard)
                if state.poll_state is not None and not state.schedule.running and not state.schedule.restart_requested
                if (given := self._sessions.export(state.source, state.poll_state, state.schedule.due)) is not None
            ]
            for state in self._schedule.of(shard):
                if state.poll_state is not None and state.poll_state.status.is_current:
                    # Newer than what the watch has reported.
                    state.source = replace(state.source, status=state.poll_state.status.stored)
            self._schedule.forget(shard)
        return handed_over

    def discard(self, shard: int) -> None:
        """Forget the sessions of a shard that another replica has taken."""
        with self._lock:
            self._schedule.forget(shard)

    # Polls.

    def next(self) -> Job | None:
        """Wait for a poll that may begin, and begin it. `None`: the scheduler stops."""
        with self._lock:
            poll = self._queue.get()
            return None if poll is None else self._schedule.begin(poll)

    def done(self, job: Job, polled: PollOutcome) -> None:
        """Take back a source whose poll has ended, and queue its next one."""
        with self._lock:
            self._schedule.done(job, polled)
