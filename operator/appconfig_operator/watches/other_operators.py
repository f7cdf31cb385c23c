"""A thread that checks once, at the start, whether another operator polls the same sources, and warns of it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from appconfig_operator.core.sharding.other_operators import leases_of_others, renewed, warning
from appconfig_operator.kube.errors import ApiError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""Between two attempts, while the API server is away."""

LOOKS = 5
"""At the Leases, within the time in which each is renewed."""

LEAST_SECONDS = 1.0
"""Between two of them."""


class Leases(Protocol):
    """Those of operators in all namespaces."""

    def visible(self) -> bool:
        """Return whether they may be looked at."""

    def list(self) -> Sequence[Mapping[str, Any]]:
        """List them."""


class OtherOperators:
    """Warns of other operators.

    Parameters
    ----------
    leases
        Of all of them.
    own
        The namespace of this one's.
    namespaces
        Those that this one serves, empty: all.
    stop
        Set when the operator is to stop.
    """

    def __init__(self, leases: Leases, *, own: str, namespaces: Sequence[str], stop: threading.Event) -> None:
        self._leases = leases
        self._own = own
        self._namespaces = namespaces
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name="others", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except UnreachableError:
                self._stop.wait(AGAIN_SECONDS)
            except ApiError as error:
                logger.debug("Cannot determine whether another operator is running (%s)", error)
                return
            except Exception as error:  # noqa: BLE001 (anyone can create a Lease, and nothing depends on this check)
                logger.debug("Cannot determine whether another operator is running (%s)", type(error).__name__)
                return
            else:
                return

    def _look(self) -> None:
        if not self._leases.visible():
            logger.debug(
                "Cannot determine whether another operator is running: not allowed to list Leases in all namespaces"
            )
            return
        before = leases_of_others(self._leases.list(), self._own)
        # A Lease alone proves nothing: its holder may be gone. It is alive when it renews the Lease.
        pause = max(LEAST_SECONDS, max((lease.duration for lease in before), default=0) / LOOKS)
        reported: set[str] = set()
        for _ in range(LOOKS):
            if not {lease.namespace for lease in before} - reported or self._stop.wait(pause):
                return
            for namespace, serves in renewed(before, leases_of_others(self._leases.list(), self._own)).items():
                words = "" if namespace in reported else warning(namespace, serves, self._namespaces)
                reported.add(namespace)
                if words:
                    logger.warning("%s", words)
