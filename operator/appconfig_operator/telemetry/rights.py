"""Which permissions the operator lacks: in the log once each, for the probe and for a metric.

This observes the calls that the operator makes anyway, and makes none to find out: so it needs no permission for that,
and the answers of the API server are certain.
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
    """Observes the answers of the API server. Safe to share between threads.

    Parameters
    ----------
    namespaces
        The namespaces that are served; empty: all.
    monotonic
        The clock, in seconds.
    """

    def __init__(self, namespaces: Sequence[str], monotonic: Callable[[], float]) -> None:
        self._refusals = Refusals(namespaces)
        self._monotonic = monotonic
        self._lock = threading.Lock()

    def answered(self, verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        """Note whether a call was allowed. Only calls for which the operator should have permission matter."""
        right = Right(verb, resource, namespace)
        if right.kind not in EFFECTS or (resource == "leases" and not namespace):
            return  # the Leases of other operators: looking at them is optional
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
        """Return a line per permission that is denied wherever it is needed, and without which no source is served."""
        with self._lock:
            now = self._monotonic()
            back = self._refusals.expire(now)
            lines = [f"the operator is not allowed to {right}" for right in self._refusals.crippling(now)]
        self._log_back(back)
        return lines

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of namespaces that deny each verb on each resource, including 0 for those that used to."""
        with self._lock:
            back = self._refusals.expire(self._monotonic())
            counts = self._refusals.counts()
        self._log_back(back)
        return counts

    def _log_back(self, rights: Sequence[Right]) -> None:
        for right in rights:
            if EFFECTS[right.kind]:
                logger.info("The operator is now allowed to %s", right)
