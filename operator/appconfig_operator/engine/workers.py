"""A bounded pool of threads, each of which polls one source after the other."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appconfig_operator.core.errors import SourceGoneError
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.engine.poll import PollOutcome
from appconfig_operator.logs import about, type_and_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.sharding.held_lease import LeaseGuard
    from appconfig_operator.engine.ports import Fence, Meter
    from appconfig_operator.engine.slots import RunningPoll
    from appconfig_operator.engine.state.poll_state import PollState
    from appconfig_operator.engine.state.source_state import SourceState

logger = logging.getLogger(__name__)

AFTER_A_BUG_SECONDS = 60.0
"""Until a source is polled again whose poll raised what no one foresaw."""


@dataclass(frozen=True, slots=True)
class Job:
    """One poll to make. Source and state are those of the moment when it began."""

    state: SourceState
    source: Source
    poll_state: PollState
    guard: LeaseGuard
    due: float
    slot: RunningPoll


class Jobs(Protocol):
    """Where workers get polls from."""

    def next(self) -> Job | None:
        """Wait for the next poll. `None`: there are no more."""

    def done(self, job: Job, polled: PollOutcome) -> None:
        """Take a poll back, with its outcome."""


class SourcePoller(Protocol):
    """Polls one source."""

    def poll(self, source: Source, poll_state: PollState) -> PollOutcome:
        """Poll a source. Raises `SourceGoneError`."""


class Workers:
    """The threads. One of them always waits for the next poll, up to a limit: polls that hang delay no others.

    Parameters
    ----------
    jobs
        Where polls come from.
    poller
        Carries them out.
    fence
        Bounds writes by the Lease of the shard.
    meter
        Where figures go.
    limit
        The most threads there may be.
    monotonic
        Seconds.
    """

    def __init__(  # noqa: PLR0913 (the seams of the world, all by name)
        self,
        jobs: Jobs,
        poller: SourcePoller,
        *,
        fence: Fence,
        meter: Meter,
        limit: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._poller = poller
        self._fence = fence
        self._meter = meter
        self._monotonic = monotonic
        self._limit = limit
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0

    def start(self) -> None:
        """Start the first thread."""
        with self._lock:
            self._add()

    def _add(self) -> None:
        # Daemons: a thread that waits for AWS must not keep the process from ending.
        thread = threading.Thread(target=self._work, name=f"worker-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no more: those that there are continue
            logger.warning("Cannot start more threads than %d", len(self._threads))
            return
        self._threads.append(thread)
        self._idle += 1

    def join(self, timeout: float) -> bool:
        """Wait for the threads to end.

        Parameters
        ----------
        timeout
            Seconds, for all together.

        Returns
        -------
        bool
            Whether all did.
        """
        deadline = self._monotonic() + timeout
        with self._lock:
            self._limit = 0  # no more are added
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - self._monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _work(self) -> None:
        while self._work_once():
            with self._lock:
                self._idle += 1

    def _work_once(self) -> bool:
        """Do one poll. In a call of its own, so that a thread that waits holds nothing of the poll before."""
        job = self._jobs.next()
        with self._lock:
            self._idle -= 1
            if job is not None and not self._idle and len(self._threads) < self._limit:
                self._add()
        if job is None:
            return False
        self._jobs.done(job, self._do(job))
        return True

    def _do(self, job: Job) -> PollOutcome:
        began = self._monotonic()
        try:
            with self._fence.under(job.guard):
                polled = self._poller.poll(job.source, job.poll_state)
        except SourceGoneError:
            polled = PollOutcome(None, PollResult.GONE)
        except Exception as error:  # noqa: BLE001 (a bug met by one source must not end the thread that serves all)
            logger.error(  # noqa: TRY400 (the traceback is there, without the text)
                "A poll failed with %s", type_and_place(error), extra=about(job.source)
            )
            polled = PollOutcome(AFTER_A_BUG_SECONDS, PollResult.ERROR, healthy=False)
        lateness = max(0.0, began - job.due)
        self._meter.polled(polled.result, self._monotonic() - began, lateness, slow=job.slot.began_slow)
        return polled
