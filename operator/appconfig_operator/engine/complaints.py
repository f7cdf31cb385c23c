"""What the log and the probe say of requests for Leases that fail: each thing once, and not at each try."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appconfig_operator.core.sharding.lease_requests import DeleteLease
from appconfig_operator.core.sharding.lease_troubles import LeaseTroubles

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
        self._troubles = LeaseTroubles()
        self._told = ""
        self._litter = ""

    @property
    def seconds(self) -> float:
        """For how many seconds Leases could not be listed, or one not be written. 0: they can be."""
        return self._troubles.lasting(self._monotonic())

    @property
    def words(self) -> str:
        """What came of the request that has been failing for longest, or empty."""
        return self._troubles.words

    def worked(self, request: Request) -> None:
        """Take in that a request was carried out, whatever its answer."""
        if not isinstance(request, DeleteLease):
            self._troubles.worked(request)
        elif self._litter:
            self._litter = ""
            logger.info("Unneeded Leases can be deleted again")

    def failed(self, request: Request, words: str, *, sent: float) -> None:
        """Take in that a request was refused, or not answered. What was to be deleted only, no probe needs to know."""
        if not isinstance(request, DeleteLease):
            self._troubles.failed(request, words, sent=sent, now=self._monotonic())
        elif words != self._litter:
            self._litter = words
            logger.warning("%s. This only leaves unneeded Leases behind, and nothing waits for it", words)

    def log(self) -> None:
        """Log what is wrong, when that has changed."""
        self._troubles.tidy(self._monotonic())
        words = self._troubles.words
        if words and words != self._told:
            logger.warning("%s", words)
        elif self._told and not words:
            logger.info("Leases can be read and written again")
        self._told = words
