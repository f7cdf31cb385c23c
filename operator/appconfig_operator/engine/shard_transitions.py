"""How a shard passes from one replica to the next: the old one stores its sessions, and the new one loads them.

One thread calls `step` again and again, and no step waits: renewals of Leases must not be delayed. So calls of the
store run in another thread, and steps look for their outcome.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.handover import HandoverError
from appconfig_operator.logs import LogOnce

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.core.sharding.held_lease import HeldLease
    from appconfig_operator.engine.ports import HandoverStore, ShardRunner

logger = logging.getLogger(__name__)

ATTEMPTS = 3
RETRY_SECONDS = 0.5
"""Between a failed call of the store and the next one."""


class HeldLeaseGuard:
    """A Lease as the workers see it. Safe to ask from any thread.

    Attributes
    ----------
    lapsed
        Whether someone has seen it lapsed.
    """

    def __init__(self, held_lease: HeldLease, monotonic: Callable[[], float]) -> None:
        self._held_lease = held_lease
        self._monotonic = monotonic
        self.lapsed = False

    def remaining(self) -> float:
        """Return the seconds that it still lasts. Zero or less: it has lapsed, and may be renewed."""
        left = self._held_lease.until - self._monotonic()
        if left <= 0:
            self.lapsed = True
        return left


class Phase(Enum):
    """How far a shard is between winning and releasing it."""

    ACQUIRED = auto()
    """Its Lease is held. Its sessions may be in the store."""
    SESSIONS_LOADED = auto()
    """Its sessions are here, and its sources are not polled yet."""
    ACTIVE = auto()
    """Its sources are polled."""
    DRAINING = auto()
    """No more polls begin. Some may be under way."""
    DRAINED = auto()
    """No poll is under way. Its sessions are here."""
    RELEASABLE = auto()
    """Its sessions are in the store, as far as they could be stored. Its Lease can be released."""


@dataclass(slots=True)
class ShardTransition:
    """A shard whose Lease is held.

    Attributes
    ----------
    task
        A call of the store, if one is under way. It returns the sessions that are here afterwards, or `None` if the
        store was not called, because the Lease had lapsed.
    """

    guard: HeldLeaseGuard
    phase: Phase = Phase.ACQUIRED
    sessions: list[HandedOver] = field(default_factory=list, repr=False)
    task: Future[list[HandedOver] | None] | None = field(default=None, repr=False)
    failures: int = 0
    not_before: float = float("-inf")


class ShardTransitions:
    """Starts to poll shards, and hands them over.

    Parameters
    ----------
    runner
        Who polls.
    store
        Where sessions wait between two replicas.
    executor
        Makes the calls of the store, one after the other. So a shard that is lost and won again finds what was stored
        late.
    monotonic
        Seconds.
    """

    def __init__(
        self, runner: ShardRunner, store: HandoverStore, executor: Executor, monotonic: Callable[[], float]
    ) -> None:
        self._runner = runner
        self._store = store
        self._executor = executor
        self._monotonic = monotonic
        self._transitions: dict[int, ShardTransition] = {}
        self._log = LogOnce(logger)

    @property
    def under_way(self) -> bool:
        """Whether a shard is neither polled nor releasable."""
        return any(
            transition.phase not in {Phase.ACTIVE, Phase.RELEASABLE} for transition in self._transitions.values()
        )

    def gained(self, shard: int, held_lease: HeldLease) -> None:
        """Note that the Lease of a shard is held from now on."""
        self._transitions[shard] = ShardTransition(HeldLeaseGuard(held_lease, self._monotonic))

    def lost(self, shard: int) -> None:
        """Note that another replica has a shard, with its sessions, also those that are still in the store."""
        if self._transitions.pop(shard).phase in {Phase.ACTIVE, Phase.DRAINING}:
            self._runner.discard(shard)

    def released(self, shard: int) -> None:
        """Note that the Lease of a shard is released."""
        del self._transitions[shard]

    def active(self) -> list[int]:
        """Return the shards that are polled."""
        return [shard for shard, transition in self._transitions.items() if transition.phase is Phase.ACTIVE]

    def step(self, shard: int, *, leaving: bool) -> bool:
        """Do the next thing for a shard, and return whether it may be released.

        Nothing is started, exported or stored while its Lease has lapsed: someone else may have it by now.

        Parameters
        ----------
        shard
            One that is held.
        leaving
            Whether another replica is to get it.
        """
        transition = self._transitions[shard]
        self._collect(transition)
        if transition.task is not None:
            return False  # only its outcome shows where the sessions are
        if transition.phase is Phase.RELEASABLE and not leaving:
            # It stays after all, so its sessions are needed here.
            transition.phase, transition.failures = Phase.ACQUIRED, 0
        if transition.phase is Phase.ACTIVE and leaving:
            transition.phase = Phase.DRAINING
        drained = transition.phase is Phase.DRAINING and self._runner.drain(shard)
        now = self._monotonic()
        if transition.guard.remaining() > 0 and now >= transition.not_before:
            if leaving:
                self._hand_over(shard, transition, drained=drained)
            elif transition.phase is not Phase.DRAINING or drained:
                self._activate(shard, transition)
        return transition.phase is Phase.RELEASABLE

    def _activate(self, shard: int, transition: ShardTransition) -> None:
        if transition.phase is Phase.ACTIVE:
            if transition.guard.lapsed:
                transition.guard.lapsed = False  # first: who sees it lapsed from here on needs another call
                self._runner.resume(shard)
            return
        if transition.phase is Phase.DRAINING:
            # A drained shard cannot continue, but it can start over without the store.
            transition.sessions, transition.phase = self._runner.stop_and_export(shard), Phase.DRAINED
        elif transition.phase is Phase.ACQUIRED:
            self._load_sessions(shard, transition)
        if transition.phase in {Phase.SESSIONS_LOADED, Phase.DRAINED} and transition.guard.remaining() > 0:
            sessions, transition.sessions = transition.sessions, []
            transition.guard.lapsed = False
            try:
                self._runner.start(shard, transition.guard, {session.uid: session for session in sessions})
            except Exception:
                self._runner.discard(shard)  # what has started, so that it can start over
                raise
            transition.phase, transition.failures = Phase.ACTIVE, 0
            logger.info("Polling shard %d here, with %d sessions handed over", shard, len(sessions))

    def _hand_over(self, shard: int, transition: ShardTransition, *, drained: bool) -> None:
        if transition.phase is Phase.ACQUIRED:
            transition.phase = Phase.RELEASABLE  # nothing was loaded yet
        if drained:
            transition.sessions, transition.phase = self._runner.stop_and_export(shard), Phase.DRAINED
        if transition.phase in {Phase.SESSIONS_LOADED, Phase.DRAINED}:
            self._store_sessions(shard, transition)

    def _load_sessions(self, shard: int, transition: ShardTransition) -> None:
        def take() -> list[HandedOver] | None:
            return self._store.take(shard) if transition.guard.remaining() > 0 else None

        transition.task = self._executor.submit(take)
        self._collect(transition)

    def _store_sessions(self, shard: int, transition: ShardTransition) -> None:
        sessions = transition.sessions
        if not sessions:
            transition.phase, transition.failures = Phase.RELEASABLE, 0
            return

        def put() -> list[HandedOver] | None:
            if transition.guard.remaining() <= 0:
                return None
            self._store.put(shard, sessions)
            return []

        transition.task = self._executor.submit(put)
        self._collect(transition)

    def _collect(self, transition: ShardTransition) -> None:
        """Take the outcome of a call of the store, once it has ended."""
        if transition.task is None or not transition.task.done():
            return
        task, transition.task = transition.task, None
        loading = transition.phase is Phase.ACQUIRED
        try:
            sessions = task.result()
        except HandoverError as error:
            if not self._failed_for_good(transition):
                return
            sessions = []
            self._log.log(
                f"Sessions could not be taken over, so new ones are started: {error}"
                if loading
                else f"Sessions could not be handed over, so the next replica starts new ones: {error}"
            )
        if sessions is not None:
            transition.sessions, transition.failures = sessions, 0
            transition.phase = Phase.SESSIONS_LOADED if loading else Phase.RELEASABLE

    def _failed_for_good(self, transition: ShardTransition) -> bool:
        transition.failures += 1
        transition.not_before = self._monotonic() + RETRY_SECONDS
        if transition.failures < ATTEMPTS:
            return False
        transition.not_before = float("-inf")
        return True
