"""Puts everything together: the only place that builds clients and starts threads."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import signal
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from appconfig_operator import handlers
from appconfig_operator.aws.service import AppConfig
from appconfig_operator.engine.poll import Poller
from appconfig_operator.engine.scheduler import Scheduler
from appconfig_operator.kube.api import ConnectionSettingsError, connect
from appconfig_operator.kube.configmaps import ConfigMaps
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.events import Events
from appconfig_operator.kube.sources import Sources
from appconfig_operator.settings import SettingsError

if TYPE_CHECKING:
    from types import FrameType

    from appconfig_operator.settings import Settings

logger = logging.getLogger(__name__)

GRACE_SECONDS = 4.0
"""For the polls under way when the operator is told to stop. A write takes milliseconds; a call to AWS is cut off."""

WATCH_AGAIN_SECONDS = 5.0

PRUNE_SECONDS = 600.0
"""Between two looks for sources that were deleted unheard, beside those after each gap that the watch has told of."""

SETTLE_SECONDS = 2.0
"""From the first sign of a gap to the look: the list that the watch begins anew with gives a sign for each source."""


def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises
    ------
    SettingsError
        When there is no API server to connect to.
    """
    stop = _stop_on_signal()
    try:
        api = connect(workers=settings.workers)
    except ConnectionSettingsError as error:
        raise SettingsError(str(error)) from error
    sources = Sources(api)
    poller = Poller(
        service=AppConfig(workers=settings.workers, user_agent=f"appconfig-operator/{version('appconfig-operator')}"),
        config_maps=ConfigMaps(api),
        sources=sources,
        events=Events(api, instance=platform.node()),
        monotonic=time.monotonic,
        utc_now=lambda: datetime.now(UTC),
        random=random.random,
    )
    scheduler = Scheduler(poller, workers=settings.workers, monotonic=time.monotonic)
    watcher = Watcher(scheduler, sources, settings, stop)
    scheduler.start()
    watcher.start()
    logger.info("Started: namespaces %s, %d workers", ", ".join(settings.namespaces) or "all", settings.workers)
    stop.wait()
    logger.info("Stopping")
    watcher.stop()
    ended = scheduler.stop(GRACE_SECONDS)
    logger.info("Stopped" if ended else "Stopped, with a call to AWS cut off")
    logging.shutdown()
    # A thread that still waits for a server could hold up an ordinary exit. All writes are done, or idempotent.
    os._exit(0)


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    return stop


class Watcher:
    """Keeps a watch on the resources for as long as the process lives, whatever ends it in between.

    Parameters
    ----------
    scheduler
        Where the resources go.
    sources
        The resources.
    settings
        Which namespaces to watch.
    stop
        Set when the operator is to stop.
    """

    def __init__(self, scheduler: Scheduler, sources: Sources, settings: Settings, stop: threading.Event) -> None:
        self._scheduler = scheduler
        self._sources = sources
        self._namespaces = settings.namespaces
        self._stop = stop
        self._lock = threading.Lock()
        self._end: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._gap = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="watch", daemon=True),
            threading.Thread(target=self._prune, name="prune", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the watch, once `stop` is set. Does not wait: what it still hears is polled no more."""
        with self._lock:
            if self._end is not None:
                loop, ended = self._end
                loop.call_soon_threadsafe(ended.set)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._prepared():
                    asyncio.run(self._watch())
            except Exception as error:  # noqa: BLE001 (whatever ends Kopf, the watch goes on)
                logger.error("The watch ended (%s), and is started again", type(error).__name__)  # noqa: TRY400
            self._stop.wait(WATCH_AGAIN_SECONDS)

    def _prepared(self) -> bool:
        """Tell whether there is something to watch, and forget what was deleted while nobody watched."""
        try:
            if not self._sources.served():
                logger.error("The CRD appconfigsources.appconfig-operator.io is not installed: apply crds/")
                return False
            self._forget_deleted()
        except UnreachableError as error:
            logger.error("The Kubernetes API server cannot be reached (%s); trying again", error)  # noqa: TRY400
            return False
        except ApiError as error:
            logger.error("The Kubernetes API server refused a list (%s): %s", error, error.message)  # noqa: TRY400
            return False
        return True

    def _prune(self) -> None:
        while not self._stop.is_set():
            self._gap.wait(PRUNE_SECONDS)
            self._stop.wait(SETTLE_SECONDS)
            self._gap.clear()
            try:
                self._forget_deleted()
            except Exception as error:  # noqa: BLE001 (whatever it is, sources are deleted tomorrow, too)
                logger.warning("No list of the sources (%s); trying again", error)
                self._stop.wait(WATCH_AGAIN_SECONDS)
                self._gap.set()

    def _forget_deleted(self) -> None:
        before = self._scheduler.uids()
        self._scheduler.keep_only(self._sources.uids(self._namespaces), among=before)

    async def _watch(self) -> None:
        ended = asyncio.Event()
        with self._lock:
            self._end = (asyncio.get_running_loop(), ended)
        try:
            if not self._stop.is_set():
                await handlers.watch(self._scheduler, namespaces=self._namespaces, stop=ended, on_gap=self._gap.set)
        finally:
            with self._lock:
                self._end = None
