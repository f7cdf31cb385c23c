"""The thread that keeps this replica's share of the shards."""

from __future__ import annotations

import logging
import threading
import traceback
from typing import TYPE_CHECKING, Protocol

from appconfig_operator.core.sharding.election import Change, Election
from appconfig_operator.core.sharding.held_lease import NEVER
from appconfig_operator.core.sharding.lease import member_lease
from appconfig_operator.core.sharding.lease_requests import Failure, LeaseError
from appconfig_operator.engine.complaints import Complaints
from appconfig_operator.engine.shard_transitions import ShardTransitions

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from appconfig_operator.core.sharding.held_lease import HeldLease
    from appconfig_operator.core.sharding.lease_requests import Answer, Request
    from appconfig_operator.core.sharding.membership import Replica
    from appconfig_operator.engine.ports import HandoverStore, ShardRunner

logger = logging.getLogger(__name__)

SOON_SECONDS = 0.05
"""Until the next look at polls that are to end, or at a store that is to be tried again."""

LONGEST_MOVE_SECONDS = 0.5
"""After so long the Leases are looked after again, before more is handed over."""

NOT_READY_SECONDS = 0.2
AFTER_A_BUG_SECONDS = 1.0

LONGEST_WAIT_SECONDS = 5.0
"""The thread shows that it lives this often at least."""


class LeaseStore(Protocol):
    """Where the Leases are."""

    def carry_out(self, request: Request) -> Answer:
        """Carry out a request. Raises `LeaseError`."""


class ShardCoordinator:
    """Takes part in the election for as long as the process lives, and hands shards to who polls them.

    Parameters
    ----------
    me
        This replica.
    leases
        Where the Leases are.
    runner
        Who polls.
    store
        Where sessions wait between two replicas.
    executor
        A thread of its own for what is asked of `store`: calls that hang there must not hold up renewals.
    ready
        Set when it is known which sources there are: before that, this replica takes nothing.
    monotonic
        Seconds, also of the time that the machine was suspended: the Leases of others went on meanwhile.
    """

    def __init__(  # noqa: PLR0913 (what it brings together)
        self,
        me: Replica,
        *,
        leases: LeaseStore,
        runner: ShardRunner,
        store: HandoverStore,
        executor: Executor,
        ready: threading.Event,
        monotonic: Callable[[], float],
    ) -> None:
        self._me = me
        self._member = member_lease(me.identity)
        self._leases = leases
        self._ready = ready
        self._monotonic = monotonic
        self._election = Election(me)
        self._transitions = ShardTransitions(runner, store, executor, monotonic)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._complaints = Complaints(monotonic)
        self._strangers = False
        self._stopping = False
        # What other threads may see: replaced as a whole, never changed.
        self._beat = monotonic()
        self._held_leases: dict[int, HeldLease] = {}
        self._active: tuple[int, ...] = ()
        self._members = 0
        self._listed = False
        self._joined = False
        self._thread = threading.Thread(target=self._run, name="shards", daemon=True)

    @property
    def held(self) -> tuple[int, ...]:
        """The shards that this replica polls, by their number, without those whose Lease has lapsed."""
        held_leases, now = self._held_leases, self._monotonic()
        return tuple(shard for shard in self._active if shard in held_leases and held_leases[shard].until > now)

    @property
    def members(self) -> int:
        """How many replicas share the shards, with this one. 0: no list of them was seen yet."""
        return self._members

    @property
    def pollers(self) -> int:
        """How many replicas poll at most, and at least 1: those without a shard stand by."""
        return max(1, min(self._members, self._me.shards))

    @property
    def joined(self) -> bool:
        """Whether a list of the Leases has shown this replica's own member Lease, so others see it, too."""
        return self._joined

    @property
    def failing(self) -> float:
        """For how many seconds Leases could not be listed, or one not be written. 0: they can be."""
        return self._complaints.seconds

    @property
    def complaint(self) -> str:
        """What came of the request for a Lease that has been failing for longest, or empty."""
        return self._complaints.words

    @property
    def age(self) -> float:
        """Seconds since the thread last showed that it lives. A call about a Lease that hangs adds to it."""
        return self._monotonic() - self._beat

    @property
    def overdue(self) -> float:
        """Seconds since the first Lease lapsed that this replica could neither renew nor tell to be lost. 0: none."""
        now = self._monotonic()
        return max([0.0, *(now - until for until in self._ends())])

    @property
    def remaining(self) -> float | None:
        """Seconds until the first of the Leases held lapses, negative when it has. `None`: none is held."""
        now = self._monotonic()
        return min((until - now for until in self._ends()), default=None)

    def _ends(self) -> list[float]:
        """Return up to when the Leases held can be relied on. Each is read once: the loop may change it meanwhile."""
        return [until for held_lease in self._held_leases.values() if (until := held_lease.until) != NEVER]

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Give all shards away, and wait for that.

        Parameters
        ----------
        timeout
            Seconds. What is not given away by then, others take once its Lease has expired.

        Returns
        -------
        bool
            Whether all of it is done.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (wait := self._try()) is not None:
            if wait > 0:
                self._wake.wait(wait)
                self._wake.clear()

    def _try(self) -> float | None:
        try:
            return self.turn()
        except Exception as error:  # noqa: BLE001 (a bug met by one shard must not cost the others their Leases)
            # Not the exception's own text: it could quote what was handed over.
            where = "; ".join(
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
            )
            logger.error("The loop of the shards failed with %s at %s", type(error).__name__, where)  # noqa: TRY400 (without the text)
            return AFTER_A_BUG_SECONDS

    def turn(self) -> float | None:
        """Do what is due: one request, and a step for each shard that is on its way.

        Returns
        -------
        float or None
            Seconds until there is more to do, or `None`: never, all is given away.
        """
        self._beat = self._monotonic()
        if self._stop.is_set() and not self._stopping:
            self._stopping = True
            self._election.stop()
        if not self._ready.is_set():
            return None if self._stopping else NOT_READY_SECONDS
        now = self._monotonic()  # before the request is sent: its Lease is relied on from here
        request = self._election.next(now)
        if request is not None:
            self._ask(request)
        moved = self._move()
        self._show()
        self._complaints.log()
        if self._election.finished:
            logger.info("Released all shards")
            return None
        return 0.0 if moved or request is not None else self._wait()

    def _wait(self) -> float:
        longest = SOON_SECONDS if self._transitions.under_way or self._stopping else LONGEST_WAIT_SECONDS
        return min(longest, max(0.0, self._election.wake() - self._monotonic()))

    def _ask(self, request: Request) -> None:
        answer: Answer = Failure.UNKNOWN
        sent = self._monotonic()
        try:
            answer = self._leases.carry_out(request)
            self._complaints.worked(request)
        except LeaseError as error:
            self._complaints.failed(request, str(error), sent=sent)
        finally:  # also after a bug: that nothing is known of the request is the truth then
            changes = self._election.answered(answer, self._monotonic())
        for change, shard in changes:
            self._take_in(change, shard)
        if isinstance(answer, list):
            self._listed = True
            self._joined = self._joined or any(lease.name == self._member for lease in answer)
        self._look_for_mismatched_replicas()

    def _take_in(self, change: Change, shard: int) -> None:
        if change is Change.GAINED:
            self._transitions.gained(shard, self._election.held[shard])
        elif change is Change.RELEASED:
            self._transitions.released(shard)
            logger.info("Released shard %d", shard)
        else:
            self._transitions.lost(shard)
            logger.warning("Lost shard %d: another replica holds its Lease, or the Lease was deleted", shard)

    def _move(self) -> bool:
        """Take each shard a step further, and return whether there is a request to make for one."""
        began, leaving, moved = self._monotonic(), self._election.leaving(), False
        for shard, held_lease in self._election.held.items():
            may_go = self._transitions.step(shard, leaving=shard in leaving)
            if may_go and not held_lease.handed_over:
                self._election.release(shard)
                moved = True
            elif held_lease.handed_over and not may_go:
                self._election.keep(shard)
                moved = True
            if self._monotonic() - began > LONGEST_MOVE_SECONDS:
                break
        return moved

    def _show(self) -> None:
        self._held_leases = self._election.held
        self._active = tuple(sorted(self._transitions.active()))
        self._members = self._election.members if self._listed else 0

    def _look_for_mismatched_replicas(self) -> None:
        mismatched_replicas = self._election.mismatched_replicas
        if mismatched_replicas and not self._strangers:
            logger.warning(
                "No shards are taken over while there are replicas with a different --shards than %d: all need the "
                "same. During a rolling update this passes. Their Leases: %s",
                self._me.shards,
                ", ".join(mismatched_replicas),
            )
        elif self._strangers and not mismatched_replicas:
            logger.info("All replicas have the same --shards")
        self._strangers = bool(mismatched_replicas)
