"""A thread that looks for sources whose deletion the watch has missed, and for namespaces that let the operator in."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.logs import LogOnce
from appconfig_operator.watches import patience

if TYPE_CHECKING:
    from appconfig_operator.kube.sources import Sources
    from appconfig_operator.watches.known_sources import KnownSources
    from appconfig_operator.watches.namespace_access import NamespaceAccess
    from appconfig_operator.watches.sources import SourceWatch

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 600.0
"""Between two sweeps, beside those after each gap that the watch has reported."""

REFUSED_SECONDS = 10.0
"""Between two looks into namespaces that the operator is not allowed to look into."""

SETTLE_SECONDS = 2.0
"""Without a sign of a gap before a sweep: the list that the watch restarts with gives a sign for each source."""

SETTLE_TIMES = 30
"""How often this is waited for at most: where gaps never end, there is a sweep all the same."""


class DeletionSweeper:
    """Sweeps after each gap in the watch, and by the clock.

    Parameters
    ----------
    watch
        Reports gaps, and is restarted when other namespaces are to be watched.
    known
        The sources that are known.
    access
        Which namespaces refuse.
    sources
        Whether the CRD is there.
    stop
        Set when the operator is to stop.
    """

    def __init__(
        self,
        watch: SourceWatch,
        known: KnownSources,
        access: NamespaceAccess,
        sources: Sources,
        stop: threading.Event,
    ) -> None:
        self._watch = watch
        self._known = known
        self._access = access
        self._sources = sources
        self._stop = stop
        self._log = LogOnce(logger, level=logging.ERROR)
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _run(self) -> None:
        while self._wait():
            pause = self._sweep()
            if pause:  # what was deleted is looked for again
                self._stop.wait(pause)
                self._watch.gap.set()

    def _wait(self) -> bool:
        """Wait until there is a reason to sweep, and return whether to continue."""
        waited = 0.0
        while not self._stop.is_set():
            listed = self._known.listed.is_set()
            # Until all are known, a source that was deleted in between would be waited for in vain.
            gap = self._watch.gap.wait(self._pause() if listed else SETTLE_SECONDS)
            if not gap and not listed and self._known.listed.is_set():
                continue
            if not gap and listed and self._access.refused:
                waited += REFUSED_SECONDS
                if waited < SWEEP_SECONDS and not self._access.regained():
                    continue
            self._settle()
            return not self._stop.is_set()
        return False

    def _pause(self) -> float:
        return REFUSED_SECONDS if self._access.refused else SWEEP_SECONDS

    def _settle(self) -> None:
        """Wait until the watch gives no more signs of a gap, within bounds."""
        for _ in range(SETTLE_TIMES):
            self._watch.gap.clear()
            if self._stop.wait(SETTLE_SECONDS) or not self._watch.gap.is_set():
                return
        self._watch.gap.clear()

    def _sweep(self) -> float:
        """Forget what was deleted, and return the seconds until the next try, or 0 when it succeeded."""
        try:
            if self._sources.served():
                self._known.forget_deleted()
                self._watch.renew()
            else:
                self._watch.end()  # Kopf would watch nothing, forever: the CRD went while it looked for it
        except (ApiError, UnreachableError) as error:
            self._log.log("")  # the watch meets it, too, and reports it
            return patience.patience(error)
        except Exception as error:  # noqa: BLE001 (a gateway's JSON, say: no one else would look anymore)
            kind = type(error).__name__
            self._log.log(f"Cannot check for sources whose deletion was missed ({kind}); retrying")
            return patience.WATCH_AGAIN_SECONDS
        self._log.log("")
        return 0.0
