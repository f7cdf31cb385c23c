"""Threads that watch for ConfigMaps that sources wait for: someone else creates, deletes or releases them.

A source that cannot write its ConfigMap, because it belongs to another one or is missing, would otherwise notice only
at its next poll, which can be a day away. These ConfigMaps have no label of the operator, so the watch has no selector.
It is open only while there is a source that waits.
"""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.logs import LogOnce
from appconfig_operator.watches import patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appconfig_operator.engine.scheduler import Scheduler
    from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two checks for sources that wait, while there are none."""


class AwaitedWatches:
    """A watch for each namespace, or one for all of them.

    Parameters
    ----------
    scheduler
        Knows which sources wait, and is notified of changes.
    config_maps
        All ConfigMaps of each namespace.
    stop
        Set when the operator is to stop.
    """

    def __init__(
        self, scheduler: Scheduler, config_maps: Sequence[ConfigMapMetadata], *, stop: threading.Event
    ) -> None:
        self._scheduler = scheduler
        self._stop = stop
        self._threads = [
            threading.Thread(target=self._run, args=[maps], name="awaited", daemon=True) for maps in config_maps
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def _run(self, config_maps: ConfigMapMetadata) -> None:
        log, pause = LogOnce(logger), LOOK_SECONDS
        while not self._stop.wait(pause):
            pause = LOOK_SECONDS
            if self._scheduler.waits_in(config_maps.namespace):
                began = monotonic()
                trouble, pause = self._try(config_maps)
                if not self._stop.is_set():
                    log.log(trouble)
                if monotonic() - began < LOOK_SECONDS:
                    pause = max(pause, patience.WATCH_AGAIN_SECONDS)  # something in between closes it at once

    def _try(self, config_maps: ConfigMapMetadata) -> tuple[str, float]:
        """Follow as long as a source waits, and return what is wrong, and the seconds until the next check."""
        what = "The watch for ConfigMaps that sources wait for"
        try:
            self._follow(config_maps)
        except (ApiError, UnreachableError) as error:
            trouble = f"{what} failed ({error}). They are checked when their sources are polled"
            return trouble, patience.patience(error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the watch continues)
            return f"{what} ended ({type(error).__name__}), and is restarted", patience.WATCH_AGAIN_SECONDS
        return "", LOOK_SECONDS

    def _follow(self, config_maps: ConfigMapMetadata) -> None:
        since = config_maps.now()
        # Changes between their last poll and now were not reported.
        for namespace, name in self._scheduler.waited_for(config_maps.namespace):
            self._scheduler.config_map_changed(namespace, name)
        for metadata, _ in config_maps.watch(since):
            self._scheduler.config_map_changed(metadata["namespace"], metadata["name"])
            if self._stop.is_set() or not self._scheduler.waits_in(config_maps.namespace):
                return
