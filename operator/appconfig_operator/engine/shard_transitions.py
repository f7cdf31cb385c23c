"""A shard on its way from one replica to the next: its sessions are fetched before, and left behind after.

Each step is called again and again from one thread, and none waits: renewals of Leases must not be held up. So what the
store has to do runs in another thread, and the steps look for its outcome.
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
AGAIN_SECONDS = 0.5
"""After a failed attempt at the store."""


class HeldLeaseGuard:
    """A Lease as the workers see it. Safe to ask from any thread.

    Attributes
    ----------
    lapsed
        Whether somebody was notified that it has lapsed.
    """

    def __init__(self, held_lease: HeldLease, monotonic: Callable[[], float]) -> None:
        self._held_lease = held_lease
        self._monotonic = monotonic
        self.lapsed = False

    def remaining(self) -> float:
        """Return for how many seconds yet. Zero or less: it has lapsed, and may come back."""
        left = self._held_lease.until - self._monotonic()
        if left <= 0:
            self.lapsed = True
        return left


class Phase(Enum):
    """How far a shard is."""

    ACQUIRED = auto()
    """Gained. Its sessions may be in the store."""
    SESSIONS_LOADED = auto()
    """Its sessions are here, and nothing polls yet."""
    ACTIVE = auto()
    DRAINING = auto()
    DRAINED = auto()
    """Nothing polls any more. Its sessions are here."""
    RELEASABLE = auto()
    """Its sessions are in the store, as far as they could be stored. The Lease may go."""


@dataclass(slots=True)
class ShardTransition:
    """A shard between gaining and losing it.

    Attributes
    ----------
    task
        What the store is asked for, if it is. It returns the sessions that are here then, and `None` when it was not
        begun, because the Lease had lapsed meanwhile.
    """

    guard: HeldLeaseGuard
    phase: Phase = Phase.ACQUIRED
    sessions: list[HandedOver] = field(default_factory=list, repr=False)
    task: Future[list[HandedOver] | None] | None = field(default=None, repr=False)
    failures: int = 0
    not_before: float = float("-inf")


class ShardTransitions:
    """Takes shards up and gives them away.

    Parameters
    ----------
    runner
        Who polls.
    store
        Where sessions wait.
    executor
        Runs one after the other what is asked of the store: of a shard that is lost and gained again, what was stored
        late is found.
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
        """Whether a shard is neither polled nor ready to go."""
        return any(
            transition.phase not in {Phase.ACTIVE, Phase.RELEASABLE} for transition in self._transitions.values()
        )

    def gained(self, shard: int, held_lease: HeldLease) -> None:
        """Take in that a shard is held from now on."""
        self._transitions[shard] = ShardTransition(HeldLeaseGuard(held_lease, self._monotonic))

    def lost(self, shard: int) -> None:
        """Take in that another replica has it. Its sessions are that one's, also those still to be fetched."""
        if self._transitions.pop(shard).phase in {Phase.ACTIVE, Phase.DRAINING}:
            self._runner.discard(shard)

    def released(self, shard: int) -> None:
        """Take in that its Lease is free."""
        del self._transitions[shard]

    def active(self) -> list[int]:
        """Return the shards that are polled."""
        return [shard for shard, transition in self._transitions.items() if transition.phase is Phase.ACTIVE]

    def step(self, shard: int, *, leaving: bool) -> bool:
        """Do the next thing for a shard, and return whether it may be released.

        Nothing is started, exported or stored while its Lease has lapsed: somebody else may have it by now.

        Parameters
        ----------
        shard
            One that is held.
        leaving
            Whether another replica is to have it.
        """
        transition = self._transitions[shard]
        self._settle(transition)
        if transition.task is not None:
            return False  # what is here, and what is in the store, only its outcome shows
        if transition.phase is Phase.RELEASABLE and not leaving:
            # It stays after all, and what was stored is needed here.
            transition.phase, transition.failures = Phase.ACQUIRED, 0
        if transition.phase is Phase.ACTIVE and leaving:
            transition.phase = Phase.DRAINING
        drained = transition.phase is Phase.DRAINING and self._runner.drain(shard)
        now = self._monotonic()
        if transition.guard.remaining() > 0 and now >= transition.not_before:
            if leaving:
                self._give(shard, transition, drained=drained)
            elif transition.phase is not Phase.DRAINING or drained:
                self._take(shard, transition)
        return transition.phase is Phase.RELEASABLE

    def _take(self, shard: int, transition: ShardTransition) -> None:
        if transition.phase is Phase.ACTIVE:
            if transition.guard.lapsed:
                transition.guard.lapsed = False  # before: whoever is notified from here on needs another call
                self._runner.resume(shard)
            return
        if transition.phase is Phase.DRAINING:
            # It cannot be told to go on, and needs no store to start over.
            transition.sessions, transition.phase = self._runner.stop_and_export(shard), Phase.DRAINED
        elif transition.phase is Phase.ACQUIRED:
            self._fetch(shard, transition)
        if transition.phase in {Phase.SESSIONS_LOADED, Phase.DRAINED} and transition.guard.remaining() > 0:
            sessions, transition.sessions = transition.sessions, []
            transition.guard.lapsed = False
            try:
                self._runner.start(shard, transition.guard, {session.uid: session for session in sessions})
            except Exception:
                self._runner.discard(shard)  # what was begun of it, so that it can start over
                raise
            transition.phase, transition.failures = Phase.ACTIVE, 0
            logger.info("Polling shard %d here, with %d sessions handed over", shard, len(sessions))

    def _give(self, shard: int, transition: ShardTransition, *, drained: bool) -> None:
        if transition.phase is Phase.ACQUIRED:
            transition.phase = Phase.RELEASABLE  # nothing was fetched yet
        if drained:
            transition.sessions, transition.phase = self._runner.stop_and_export(shard), Phase.DRAINED
        if transition.phase in {Phase.SESSIONS_LOADED, Phase.DRAINED}:
            self._put(shard, transition)

    def _fetch(self, shard: int, transition: ShardTransition) -> None:
        def take() -> list[HandedOver] | None:
            return self._store.take(shard) if transition.guard.remaining() > 0 else None

        transition.task = self._executor.submit(take)
        self._settle(transition)

    def _put(self, shard: int, transition: ShardTransition) -> None:
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
        self._settle(transition)

    def _settle(self, transition: ShardTransition) -> None:
        """Take in what became of a task, once it has ended."""
        if transition.task is None or not transition.task.done():
            return
        task, transition.task = transition.task, None
        arrived = transition.phase is Phase.ACQUIRED
        try:
            sessions = task.result()
        except HandoverError as error:
            if not self._gives_up(transition):
                return
            sessions = []
            self._log.log(
                f"Sessions could not be taken over, so new ones are started: {error}"
                if arrived
                else f"Sessions could not be handed over, so the next replica starts new ones: {error}"
            )
        if sessions is not None:
            transition.sessions, transition.failures = sessions, 0
            transition.phase = Phase.SESSIONS_LOADED if arrived else Phase.RELEASABLE

    def _gives_up(self, transition: ShardTransition) -> bool:
        transition.failures += 1
        transition.not_before = self._monotonic() + AGAIN_SECONDS
        if transition.failures < ATTEMPTS:
            return False
        transition.not_before = float("-inf")
        return True
