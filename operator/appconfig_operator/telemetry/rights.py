"""Which of its rights the operator lacks: in the log once each, for the probe and for a metric.

What is asked is never a test, but what the operator has to do anyway: no right is needed to find out, and what the API
server answers is certain.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from appconfig_operator.core.missing_rights import EFFECTS, Refusals, Right, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)


class Rights:
    """Takes in the answers of the API server. Safe to share between threads.

    Parameters
    ----------
    namespaces
        Those that are served, empty: all.
    monotonic
        Seconds.
    """

    def __init__(self, namespaces: Sequence[str], monotonic: Callable[[], float]) -> None:
        self._refusals = Refusals(namespaces)
        self._monotonic = monotonic
        self._lock = threading.Lock()

    def answered(self, verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        """Take in whether a call was let through. Only those are of interest that the operator has a right for."""
        right = Right(verb, resource, namespace)
        if right.kind not in EFFECTS or (resource == "leases" and not namespace):
            return  # other operators' Leases are looked at where that is allowed, and it need not be
        with self._lock:
            now = self._monotonic()
            if allowed:
                back = self._refusals.allow(right, now)
                words = ""
            else:
                back = False
                words = describe(right, self._refusals.named(right)) if self._refusals.refuse(right, now) else ""
        if words:
            logger.error("%s", words)
        if back:
            self._log_back([right])

    def missing(self) -> list[str]:
        """Return a line for each right that is refused wherever it is asked for, without which no source is served."""
        with self._lock:
            now = self._monotonic()
            back = self._refusals.expire(now)
            lines = [f"the operator is not allowed to {right}" for right in self._refusals.crippling(now)]
        self._log_back(back)
        return lines

    def counts(self) -> dict[tuple[str, str], int]:
        """Return in how many namespaces each verb on each resource is refused, also 0 where it was before."""
        with self._lock:
            back = self._refusals.expire(self._monotonic())
            counts = self._refusals.counts()
        self._log_back(back)
        return counts

    def _log_back(self, rights: Sequence[Right]) -> None:
        for right in rights:
            if EFFECTS[right.kind]:
                logger.info("The operator is no longer forbidden to %s", right)
