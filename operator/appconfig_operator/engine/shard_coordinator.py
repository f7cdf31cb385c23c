"""The thread that holds this replica's share of the shards: it renews Leases, and starts and stops polling."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from appconfig_operator.core.sharding.election import Change, Election
from appconfig_operator.core.sharding.lease import member_lease
from appconfig_operator.core.sharding.lease_requests import Failure, LeaseError
from appconfig_operator.engine.complaints import Complaints
from appconfig_operator.engine.shard_transitions import ShardTransitions
from appconfig_operator.logs import type_and_place

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from appconfig_operator.core.sharding.held_lease import HeldLease
    from appconfig_operator.core.sharding.lease_requests import Answer, Request
    from appconfig_operator.core.sharding.membership import Replica
    from appconfig_operator.engine.ports import HandoverStore, ShardRunner
    from appconfig_operator.engine.shard_view import ShardView

logger = logging.getLogger(__name__)

SOON_SECONDS = 0.05
"""Between two looks at polls that are to end, or at a store that is to be tried again."""

LONGEST_STEPS_SECONDS = 0.5
"""After so long Leases are renewed again, before more shards are handed over."""

NOT_READY_SECONDS = 0.2
AFTER_A_BUG_SECONDS = 1.0

LONGEST_WAIT_SECONDS = 5.0
"""The longest that the thread waits without a heartbeat."""


class LeaseStore(Protocol):
    """Where the Leases are."""

    def carry_out(self, request: Request) -> Answer:
        """Carry out a request. Raises `LeaseError`."""


class ShardCoordinator:
    """Takes part in the election for as long as the process lives, and has the shards that it wins polled.

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
        A thread of its own for calls of `store`: one that hangs must not delay renewals.
    view
        Shows other threads how things stand.
    ready
        Set when all sources are known. Before that, this replica takes no shard.
    monotonic
        Seconds. It counts the time that the machine is suspended: the Leases of others continue meanwhile.
    """

    def __init__(  # noqa: PLR0913 (what it brings together)
        self,
        me: Replica,
        *,
        leases: LeaseStore,
        runner: ShardRunner,
        store: HandoverStore,
        executor: Executor,
        view: ShardView,
        ready: threading.Event,
        monotonic: Callable[[], float],
    ) -> None:
        self._me = me
        self._member = member_lease(me.identity)
        self._leases = leases
        self.view = view
        self._ready = ready
        self._monotonic = monotonic
        self._election = Election(me)
        self._transitions = ShardTransitions(runner, store, executor, monotonic)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._complaints = Complaints(monotonic)
        self._mismatch_logged = False
        self._stopping = False
        self._listed = False
        self._thread = threading.Thread(target=self._run, name="shards", daemon=True)

    @property
    def failing(self) -> float:
        """For how many seconds Leases could not be listed, or one not be written. 0: they can be."""
        return self._complaints.seconds

    @property
    def complaint(self) -> str:
        """What came of the request for a Lease that has been failing for longest, or empty."""
        return self._complaints.words

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Release all shards, and wait for that.

        Parameters
        ----------
        timeout
            Seconds. What is not released by then, others take once its Lease has expired.

        Returns
        -------
        bool
            Whether all of them are released.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (wait := self._run_safely()) is not None:
            if wait > 0:
                self._wake.wait(wait)
                self._wake.clear()

    def _run_safely(self) -> float | None:
        try:
            return self.run_once()
        except Exception as error:  # noqa: BLE001 (a bug that one shard meets must not cost the others their Leases)
            # Not the exception's own text: it could quote what was handed over.
            logger.error("The loop of the shards failed with %s", type_and_place(error))  # noqa: TRY400 (without the text)
            return AFTER_A_BUG_SECONDS

    def run_once(self) -> float | None:
        """Do what is due: one request, and a step for each shard that is held.

        Returns
        -------
        float or None
            Seconds until there is more to do. `None`: never, as all shards are released.
        """
        self.view.beat()
        if self._stop.is_set() and not self._stopping:
            self._stopping = True
            self._election.stop()
        if not self._ready.is_set():
            return None if self._stopping else NOT_READY_SECONDS
        now = self._monotonic()  # before the request is sent: its Lease is relied on from here
        request = self._election.next(now)
        if request is not None:
            self._carry_out(request)
        moved = self._step_shards()
        self._publish()
        self._complaints.log()
        if self._election.finished:
            logger.info("Released all shards")
            return None
        return 0.0 if moved or request is not None else self._wait()

    def _wait(self) -> float:
        longest = SOON_SECONDS if self._transitions.under_way or self._stopping else LONGEST_WAIT_SECONDS
        return min(longest, max(0.0, self._election.wake() - self._monotonic()))

    def _carry_out(self, request: Request) -> None:
        answer: Answer = Failure.UNKNOWN
        sent = self._monotonic()
        try:
            answer = self._leases.carry_out(request)
            self._complaints.worked(request)
        except LeaseError as error:
            self._complaints.failed(request, str(error), sent=sent)
        finally:  # also after a bug: then the outcome of the request is unknown
            changes = self._election.answered(answer, self._monotonic())
        for change, shard in changes:
            self._apply(change, shard)
        if isinstance(answer, list):
            self._listed = True
            if any(lease.name == self._member for lease in answer):
                self.view.join()
        self._look_for_mismatched_replicas()

    def _apply(self, change: Change, shard: int) -> None:
        if change is Change.GAINED:
            self._transitions.gained(shard, self._election.held[shard])
        elif change is Change.RELEASED:
            self._transitions.released(shard)
            logger.info("Released shard %d", shard)
        else:
            self._transitions.lost(shard)
            logger.warning("Lost shard %d: another replica holds its Lease, or the Lease was deleted", shard)

    def _step_shards(self) -> bool:
        """Do the next step for each shard, and return whether there is a request to make for one.

        A bug that one shard meets is raised only after the others had their step: theirs may be to resume.
        """
        began, leaving, moved = self._monotonic(), self._election.leaving(), False
        failed: Exception | None = None
        for shard, held_lease in self._election.held.items():
            try:
                moved |= self._step(shard, held_lease, leaving=shard in leaving)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is raised below)
                failed = failed or error
            if self._monotonic() - began > LONGEST_STEPS_SECONDS:
                break
        if failed is not None:
            raise failed
        return moved

    def _step(self, shard: int, held_lease: HeldLease, *, leaving: bool) -> bool:
        may_go = self._transitions.step(shard, leaving=leaving)
        if may_go and not held_lease.handed_over:
            self._election.release(shard)
            return True
        if held_lease.handed_over and not may_go:
            self._election.keep(shard)
            return True
        return False

    def _publish(self) -> None:
        self.view.publish(
            held_leases=self._election.held,
            active=self._transitions.active(),
            members=self._election.members if self._listed else 0,
        )

    def _look_for_mismatched_replicas(self) -> None:
        mismatched_replicas = self._election.mismatched_replicas
        if mismatched_replicas and not self._mismatch_logged:
            logger.warning(
                "No shards are taken over while there are replicas with a different --shards than %d: all need the "
                "same. This is normal during a rolling update. Their Leases: %s",
                self._me.shards,
                ", ".join(mismatched_replicas),
            )
        elif self._mismatch_logged and not mismatched_replicas:
            logger.info("All replicas have the same --shards")
        self._mismatch_logged = bool(mismatched_replicas)
