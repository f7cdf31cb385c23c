"""What the log and the probe say of requests for Leases that fail: each thing once, and not at each try."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.lease_failures import LeaseFailures
from appconfig_operator.core.sharding.lease_requests import DeleteLease
from appconfig_operator.logs import LogOnce

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.core.sharding.lease_requests import Request

logger = logging.getLogger(__name__)


class Complaints:
    """Takes in what becomes of requests for Leases. One thread does that, and any may ask.

    Parameters
    ----------
    monotonic
        Seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures = LeaseFailures()
        self._log = LogOnce(logger, over="Leases can be read and written again")
        self._deletions = LogOnce(logger, over="Unneeded Leases can be deleted again")

    @property
    def seconds(self) -> float:
        """For how many seconds Leases could not be listed, or one not be written. 0: they can be."""
        return self._failures.lasting(self._monotonic())

    @property
    def words(self) -> str:
        """What came of the request that has been failing for longest, or empty."""
        return self._failures.words

    def worked(self, request: Request) -> None:
        """Take in that a request was carried out, whatever its answer."""
        if isinstance(request, DeleteLease):
            self._deletions.log("")
        else:
            self._failures.worked(request)

    def failed(self, request: Request, words: str, *, sent: float) -> None:
        """Take in that a request was refused, or not answered. Failed deletions do not concern the probes."""
        if isinstance(request, DeleteLease):
            self._deletions.log(f"{words}. This only leaves unneeded Leases behind, and nothing waits for it")
        else:
            self._failures.failed(request, words, sent=sent, now=self._monotonic())

    def log(self) -> None:
        """Log what is wrong, when that has changed."""
        self._failures.tidy(self._monotonic())
        self._log.log(self._failures.words)
