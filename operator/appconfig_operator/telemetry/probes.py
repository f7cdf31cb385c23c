"""The probes for the kubelet: whether this process is alive, and whether it is ready."""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from appconfig_operator.telemetry.http_server import Page, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

LIVE = "/healthz"
READY = "/readyz"


class Probe:
    """A page that lists problems. The log reports when the probe starts to fail, and when it succeeds again.

    Parameters
    ----------
    name
        The name for the log: "Health", "Readiness".
    complaints
        Returns one line per problem. Has to be quick.
    bad
        The HTTP status if there is a problem.
    level
        The level of the log line when the probe starts to fail.
    """

    def __init__(self, name: str, complaints: Callable[[], Sequence[str]], bad: HTTPStatus, level: int) -> None:
        self._name = name
        self._complaints = complaints
        self._bad = bad
        self._level = level
        self._lock = threading.Lock()
        self._was_bad = False

    def page(self, _accept: str = "") -> Page:
        """Collect the problems, and respond."""
        complaints = self._complaints()
        self._log(complaints)
        return text(*complaints, status=self._bad) if complaints else text("ok")

    def _log(self, complaints: Sequence[str]) -> None:
        with self._lock:  # probes may overlap
            turned = bool(complaints) != self._was_bad
            self._was_bad = bool(complaints)
        if turned and complaints:
            logger.log(self._level, "%s: %s", self._name, "; ".join(complaints))
        elif turned:
            logger.info("%s: ok again", self._name)


def pages(
    *, health: Callable[[], Sequence[str]], ready: Callable[[], Sequence[str]]
) -> dict[str, Callable[[str], Page]]:
    """Make the pages of the health port.

    Parameters
    ----------
    health
        Returns the problems that only a restart can fix.
    ready
        Returns the problems that prevent this process from doing its work.
    """
    return {
        LIVE: Probe("Health", health, HTTPStatus.INTERNAL_SERVER_ERROR, logging.ERROR).page,
        # Every start begins with not being ready.
        READY: Probe("Readiness", ready, HTTPStatus.SERVICE_UNAVAILABLE, logging.INFO).page,
    }
