"""Threads that report changes of the sources' ConfigMaps to the scheduler."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.target.drift import ConfigMapSnapshot, snapshot, source_uid
from appconfig_operator.core.target.references import waiting
from appconfig_operator.kube.errors import FORBIDDEN, ApiError, UnreachableError
from appconfig_operator.logs import LogOnce
from appconfig_operator.watches import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appconfig_operator.engine.scheduler import Scheduler
    from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata

logger = logging.getLogger(__name__)

REPORTED = 1000
"""How many ConfigMaps that cannot be read are logged: anyone can create more."""


class ConfigMapWatches:
    """A watch for each namespace, or one for all of them.

    Parameters
    ----------
    scheduler
        What to notify.
    config_maps
        The ConfigMaps of each namespace.
    after
        Set when the sources of these ConfigMaps are known.
    stop
        Set when the operator is to stop.

    Attributes
    ----------
    listed
        Set when all were listed or the list failed. In that case, each ConfigMap is read before it is written.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        config_maps: Sequence[ConfigMapMetadata],
        *,
        after: threading.Event,
        stop: threading.Event,
    ) -> None:
        self.listed = threading.Event()
        self._lock = threading.Lock()
        self._unlisted = set(range(len(config_maps)))
        self._watches = [
            ConfigMapWatch(scheduler, maps, after=after, on_listed=partial(self._listed, number), stop=stop)
            for number, maps in enumerate(config_maps)
        ]

    def start(self) -> None:
        """Start the threads."""
        for watch in self._watches:
            watch.start()

    def _listed(self, number: int) -> None:
        with self._lock:
            self._unlisted.discard(number)
            if not self._unlisted:
                self.listed.set()


class ConfigMapWatch:
    """Watches the ConfigMaps that the operator created, for as long as the process lives.

    Parameters
    ----------
    scheduler
        What to notify.
    config_maps
        The ConfigMaps of one namespace, or of all.
    after
        Set when the sources of these ConfigMaps are known.
    on_listed
        Called when the ConfigMaps were listed or the list failed.
    stop
        Set when the operator is to stop.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        config_maps: ConfigMapMetadata,
        *,
        after: threading.Event,
        on_listed: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        self._on_listed = on_listed
        self._scheduler = scheduler
        self._config_maps = config_maps
        self._after = after
        self._stop = stop
        self._unread: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._run, name="drift", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def _run(self) -> None:
        log = LogOnce(logger)
        while not self._after.wait(patience.WATCH_AGAIN_SECONDS) and not self._stop.is_set():
            pass
        while not self._stop.is_set():
            trouble, pause = self._try()
            self._on_listed()
            if not self._stop.is_set():
                log.log(trouble)
            self._stop.wait(pause)

    def _try(self) -> tuple[str, float]:
        """Follow until it ends, and return what is wrong, and the seconds until the next try."""
        try:
            self._follow()
        except (ApiError, UnreachableError) as error:
            return _trouble(error), patience.patience(error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the watch continues)
            trouble = f"The watch on ConfigMaps ended ({type(error).__name__}), and is restarted"
            return trouble, patience.WATCH_AGAIN_SECONDS
        return "", patience.WATCH_AGAIN_SECONDS

    def _follow(self) -> None:
        # What is missing from the list was deleted between two watches, unless it was created after the list began.
        before = self._scheduler.targets(self._config_maps.namespace)
        known = set(before.values())
        there: set[tuple[str, str]] = set()
        since = ""
        for version, page in self._config_maps.list():
            if version != since:  # the list has begun, or started over
                there, since = set(), version
            self._report_all(page)
            # Anyone can create ConfigMaps with our label: nothing is kept of those that belong to no source here.
            there |= known & {(metadata["namespace"], metadata["name"]) for metadata in page}
            del page  # or it would stay in memory beside the next one
        for uid, (namespace, name) in before.items():
            if (namespace, name) not in there:
                self._scheduler.observe(uid, ConfigMapSnapshot(namespace, name))
        self._on_listed()
        for metadata, still_there in self._config_maps.watch(since):
            self._report(metadata, there=still_there)
            if self._stop.is_set():
                return

    def _report_all(self, page: Sequence[Mapping[str, Any]]) -> None:
        for metadata in page:
            self._report(metadata, there=True)

    def _report(self, metadata: Mapping[str, Any], *, there: bool) -> None:
        """Report a ConfigMap. One that cannot be read is skipped: it must not delay the others."""
        which = (str(metadata.get("namespace")), str(metadata.get("name")))
        try:
            self._notify(metadata, there=there)
        except Exception as error:  # noqa: BLE001 (anyone can create one, with anything in it)
            self._skip(which, error)
        else:
            self._unread.discard(which)

    def _skip(self, which: tuple[str, str], error: Exception) -> None:
        if which in self._unread or len(self._unread) >= REPORTED:
            return
        self._unread.add(which)
        logger.warning(
            "The metadata of ConfigMap %s cannot be read (%s), so changes to it are noticed when its source is polled",
            "/".join(which),
            type(error).__name__,
        )

    def _notify(self, metadata: Mapping[str, Any], *, there: bool) -> None:
        uid = source_uid(metadata)
        if uid is not None:
            self._scheduler.observe(uid, snapshot(metadata, there=there))
        waits = waiting(metadata) if there else frozenset()
        self._scheduler.note_waiting_owners(waits, metadata["namespace"], metadata["name"])


def _trouble(error: ApiError | UnreachableError) -> str:
    if isinstance(error, UnreachableError):
        return f"The watch on ConfigMaps broke ({error}), and is restarted"
    if error.status == FORBIDDEN:
        return ""  # `rights` logs a missing right
    said = f": {error.explanation.rstrip('.')}" if error.message else ""
    return f"The watch on ConfigMaps was refused ({error}){said}"
