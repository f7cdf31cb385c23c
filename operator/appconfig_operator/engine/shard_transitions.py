"""A shard on its way from one replica to the next: its sessions are fetched before, and left behind after.

Each step is called again and again from one thread, and none waits: renewals of Leases must not be held up. So what the
store has to do is an errand for another thread, and the steps look for its outcome.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.handover import HandoverError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from appconfig_operator.core.sharding.handover import HandedOver
    from appconfig_operator.core.sharding.held_lease import Tenure
    from appconfig_operator.engine.ports import HandoverStore, ShardHost

logger = logging.getLogger(__name__)

ATTEMPTS = 3
AGAIN_SECONDS = 0.5
"""After a failed attempt at the store."""


class TenureHolding:
    """A Lease as the workers see it. Safe to ask from any thread.

    Attributes
    ----------
    lapsed
        Whether somebody was told that it has lapsed.
    """

    def __init__(self, tenure: Tenure, monotonic: Callable[[], float]) -> None:
        self._tenure = tenure
        self._monotonic = monotonic
        self.lapsed = False

    def remaining(self) -> float:
        """Return for how many seconds yet. Zero or less: it has lapsed, and may come back."""
        left = self._tenure.until - self._monotonic()
        if left <= 0:
            self.lapsed = True
        return left


class Phase(Enum):
    """How far a shard is."""

    ARRIVED = auto()
    """Gained. Its sessions may be in the store."""
    TAKEN = auto()
    """Its sessions are here, and nothing polls yet."""
    POLLING = auto()
    DRAINING = auto()
    SURRENDERED = auto()
    """Nothing polls any more. Its sessions are here."""
    STORED = auto()
    """Its sessions are in the store, as far as they could be stored. The Lease may go."""


@dataclass(slots=True)
class Stay:
    """A shard between gaining and losing it.

    Attributes
    ----------
    errand
        What the store is asked for, if it is. It returns the sessions that are here then, and `None` when it was not
        begun, because the Lease had lapsed meanwhile.
    """

    holding: TenureHolding
    phase: Phase = Phase.ARRIVED
    sessions: list[HandedOver] = field(default_factory=list, repr=False)
    errand: Future[list[HandedOver] | None] | None = field(default=None, repr=False)
    failures: int = 0
    not_before: float = float("-inf")


class Turnover:
    """Takes shards up and gives them away.

    Parameters
    ----------
    host
        Who polls.
    store
        Where sessions wait.
    errands
        Runs one after the other what is asked of the store: of a shard that is lost and gained again, what was stored
        late is found.
    monotonic
        Seconds.
    """

    def __init__(
        self, host: ShardHost, store: HandoverStore, errands: Executor, monotonic: Callable[[], float]
    ) -> None:
        self._host = host
        self._store = store
        self._errands = errands
        self._monotonic = monotonic
        self._stays: dict[int, Stay] = {}
        self._warned = ""

    @property
    def under_way(self) -> bool:
        """Whether a shard is neither polled nor ready to go."""
        return any(stay.phase not in {Phase.POLLING, Phase.STORED} for stay in self._stays.values())

    def gained(self, shard: int, tenure: Tenure) -> None:
        """Take in that a shard is held from now on."""
        self._stays[shard] = Stay(TenureHolding(tenure, self._monotonic))

    def lost(self, shard: int) -> None:
        """Take in that another replica has it. Its sessions are that one's, also those still to be fetched."""
        if self._stays.pop(shard).phase in {Phase.POLLING, Phase.DRAINING}:
            self._host.drop(shard)

    def released(self, shard: int) -> None:
        """Take in that its Lease is free."""
        del self._stays[shard]

    def active(self) -> list[int]:
        """Return the shards that are polled."""
        return [shard for shard, stay in self._stays.items() if stay.phase is Phase.POLLING]

    def step(self, shard: int, *, leaving: bool) -> bool:
        """Do the next thing for a shard, and tell whether it may be released.

        Nothing is begun, surrendered or stored while its Lease has lapsed: somebody else may have it by now.

        Parameters
        ----------
        shard
            One that is held.
        leaving
            Whether another replica is to have it.
        """
        stay = self._stays[shard]
        self._settle(stay)
        if stay.errand is not None:
            return False  # what is here, and what is in the store, only its outcome tells
        if stay.phase is Phase.STORED and not leaving:
            # It stays after all, and what was stored is needed here.
            stay.phase, stay.failures = Phase.ARRIVED, 0
        if stay.phase is Phase.POLLING and leaving:
            stay.phase = Phase.DRAINING
        drained = stay.phase is Phase.DRAINING and self._host.drain(shard)
        now = self._monotonic()
        if stay.holding.remaining() > 0 and now >= stay.not_before:
            if leaving:
                self._give(shard, stay, drained=drained)
            elif stay.phase is not Phase.DRAINING or drained:
                self._take(shard, stay)
        return stay.phase is Phase.STORED

    def _take(self, shard: int, stay: Stay) -> None:
        if stay.phase is Phase.POLLING:
            if stay.holding.lapsed:
                stay.holding.lapsed = False  # before: whoever is told from here on needs another call
                self._host.resume(shard)
            return
        if stay.phase is Phase.DRAINING:
            # It cannot be told to go on, and needs no store to begin anew.
            stay.sessions, stay.phase = self._host.surrender(shard), Phase.SURRENDERED
        elif stay.phase is Phase.ARRIVED:
            self._fetch(shard, stay)
        if stay.phase in {Phase.TAKEN, Phase.SURRENDERED} and stay.holding.remaining() > 0:
            sessions, stay.sessions = stay.sessions, []
            stay.holding.lapsed = False
            try:
                self._host.begin(shard, stay.holding, {session.uid: session for session in sessions})
            except Exception:
                self._host.drop(shard)  # what was begun of it, so that it can be begun anew
                raise
            stay.phase, stay.failures = Phase.POLLING, 0
            logger.info("Shard %d is polled here, %d sessions were handed over", shard, len(sessions))

    def _give(self, shard: int, stay: Stay, *, drained: bool) -> None:
        if stay.phase is Phase.ARRIVED:
            stay.phase = Phase.STORED  # nothing was fetched yet
        if drained:
            stay.sessions, stay.phase = self._host.surrender(shard), Phase.SURRENDERED
        if stay.phase in {Phase.TAKEN, Phase.SURRENDERED}:
            self._put(shard, stay)

    def _fetch(self, shard: int, stay: Stay) -> None:
        def take() -> list[HandedOver] | None:
            return self._store.take(shard) if stay.holding.remaining() > 0 else None

        stay.errand = self._errands.submit(take)
        self._settle(stay)

    def _put(self, shard: int, stay: Stay) -> None:
        sessions = stay.sessions
        if not sessions:
            stay.phase, stay.failures = Phase.STORED, 0
            return

        def put() -> list[HandedOver] | None:
            if stay.holding.remaining() <= 0:
                return None
            self._store.put(shard, sessions)
            return []

        stay.errand = self._errands.submit(put)
        self._settle(stay)

    def _settle(self, stay: Stay) -> None:
        """Take in what became of an errand, once it has ended."""
        if stay.errand is None or not stay.errand.done():
            return
        errand, stay.errand = stay.errand, None
        arrived = stay.phase is Phase.ARRIVED
        try:
            sessions = errand.result()
        except HandoverError as error:
            if not self._gives_up(stay):
                return
            sessions = []
            self._warn(
                f"Sessions could not be taken over, new ones are started: {error}"
                if arrived
                else f"Sessions could not be handed over, the next replica starts new ones: {error}"
            )
        if sessions is not None:
            stay.sessions, stay.failures = sessions, 0
            stay.phase = Phase.TAKEN if arrived else Phase.STORED

    def _gives_up(self, stay: Stay) -> bool:
        stay.failures += 1
        stay.not_before = self._monotonic() + AGAIN_SECONDS
        if stay.failures < ATTEMPTS:
            return False
        stay.not_before = float("-inf")
        return True

    def _warn(self, words: str) -> None:
        """Log what is wrong once, and not for each shard."""
        if words != self._warned:
            logger.warning("%s", words)
        self._warned = words
