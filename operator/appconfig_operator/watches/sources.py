"""Threads that keep the scheduler informed of the sources."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from appconfig_operator.kube.errors import FORBIDDEN, ApiError, UnreachableError
from appconfig_operator.kube.requests import described, namespace_of
from appconfig_operator.kube.sources import list_refusal, unreachable
from appconfig_operator.watches import handlers

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.scheduler import Scheduler
    from appconfig_operator.kube.requests import OnRight
    from appconfig_operator.kube.sources import Sources
    from appconfig_operator.settings import Settings

logger = logging.getLogger(__name__)

WATCH_AGAIN_SECONDS = 5.0

PRUNE_SECONDS = 600.0
"""Between two looks for sources that were deleted unheard, beside those after each gap that the watch has reported."""

LONGEST_WAIT_SECONDS = 60.0
"""Before the watch is tried again at most, whatever `Retry-After` says: nobody hears of new sources meanwhile."""

REFUSED_SECONDS = 10.0
"""Between two looks into namespaces that the operator is not allowed to look into."""

SETTLE_SECONDS = 2.0
"""Without a sign of a gap before the look: the list that the watch restarts with gives a sign for each source."""

SETTLE_TIMES = 30
"""How often this is waited for at most: where gaps never end, they are looked into all the same."""


NOT_INSTALLED = "The CRD appconfigsources.appconfig-operator.io is not installed: apply crds/"


class SourceWatch:
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
    on_right
        Is notified of what Kopf is refused.

    Attributes
    ----------
    listed
        Set when all sources are known that there were at the start.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        sources: Sources,
        settings: Settings,
        stop: threading.Event,
        *,
        on_right: OnRight,
    ) -> None:
        self.listed = threading.Event()
        self._scheduler = scheduler
        self._sources = sources
        self._namespaces = tuple(dict.fromkeys(settings.namespaces))
        self._refused: dict[str, ApiError] = {}
        self._left_out: set[str] = set()  # by the watch that runs
        self._renewed = False
        self._stop = stop
        self._on_right = on_right
        self._awaited: set[str] | None = None
        self._lock = threading.Lock()
        self._end: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._gap = threading.Event()
        self._complaint = ""
        self._again = WATCH_AGAIN_SECONDS
        self._threads = [
            threading.Thread(target=self._run, name="watch", daemon=True),
            threading.Thread(target=self._prune, name="prune", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the watch, for good once `stop` is set. Does not wait: what it still hears is polled no more."""
        if self._stop.is_set():
            self._gap.set()  # the look for deleted sources waits for it
        with self._lock:
            if self._end is not None:
                loop, ended = self._end
                loop.call_soon_threadsafe(ended.set)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self._prepared():
                    self._renewed = False
                    asyncio.run(self._watch())
                    if not self._renewed:
                        self._ended()
            # Whatever ends Kopf, the watch goes on; a cancellation that leaks from it, too.
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                self._ended(f" ({type(error).__name__})")
            self._stop.wait(self._again)

    def _ended(self, kind: str = "") -> None:
        self._complain(NOT_INSTALLED if self._sources.gone() else f"The watch ended{kind}, and is restarted")

    def _prepared(self) -> bool:
        """Return whether there is something to watch, and forget what was deleted while nobody watched."""
        self._again = WATCH_AGAIN_SECONDS
        try:
            if not self._sources.served():
                self._complain(NOT_INSTALLED)
                return False
            self._forget_deleted()
        except UnreachableError as error:
            self._complain(unreachable(error, self._sources.server, self._sources.proxy))
            return False
        except ApiError as error:
            self._again = _patience(error)
            self._complain(list_refusal(error))
            return False
        if self._refused:
            self._gap.set()  # the look for what was deleted may sleep for long yet
        self._complaint = ""
        return True

    def _complain(self, complaint: str) -> None:
        """Log what is wrong, once and not at each try. Empty: it is logged elsewhere."""
        if complaint and complaint != self._complaint and not self._stop.is_set():
            logger.error("%s", complaint)
        self._complaint = complaint

    def _prune(self) -> None:
        complaint, waited = "", 0.0
        while not self._stop.is_set():
            listed = self.listed.is_set()
            # Until all are known, a source that was deleted in between would be waited for in vain.
            gap = self._gap.wait(self._pause() if listed else SETTLE_SECONDS)
            if not gap and not listed and self.listed.is_set():
                continue
            if not gap and listed and self._refused:
                waited += REFUSED_SECONDS
                if waited < PRUNE_SECONDS and not self._let_in():
                    continue
            waited = 0.0
            self._settle()
            if self._stop.is_set():
                return
            before, complaint = complaint, self._look()
            if complaint and complaint != before:
                logger.error("%s", complaint)

    def _pause(self) -> float:
        return REFUSED_SECONDS if self._refused else PRUNE_SECONDS

    def _let_in(self) -> bool:
        """Return whether a namespace that refused answers now: one small request each; a look lists all sources."""
        for namespace in self._refused:
            try:
                self._sources.uids([namespace])
            except (ApiError, UnreachableError):
                continue
            except Exception:  # noqa: BLE001 (the look meets it again, and reports it)
                return True
            return True
        return False

    def _settle(self) -> None:
        """Wait until the watch gives no more signs of a gap, within bounds."""
        for _ in range(SETTLE_TIMES):
            self._gap.clear()
            if self._stop.wait(SETTLE_SECONDS) or not self._gap.is_set():
                return
        self._gap.clear()

    def _look(self) -> str:
        """Forget what was deleted unheard, and return what is wrong that the watch itself does not report."""
        complaint, again = "", WATCH_AGAIN_SECONDS
        try:
            if self._sources.served():
                self._forget_deleted()
                if set(self._refused) != self._left_out:
                    self._renewed = True
                    self.stop()  # to be started again for those that may be looked into now
            else:
                self.stop()  # Kopf would watch nothing, forever: the CRD went while it looked for it
        except ApiError as error:
            again = _patience(error)
        except UnreachableError:
            pass
        except Exception as error:  # noqa: BLE001 (a gateway's JSON, say: nobody else would look any more)
            complaint = f"Cannot check for sources whose deletion was missed ({type(error).__name__}); retrying"
        else:
            return ""
        # What was deleted is looked for again.
        self._stop.wait(again)
        self._gap.set()
        return complaint

    def _forget_deleted(self) -> None:
        before = self._scheduler.uids()
        there = self._uids() if self._namespaces else self._sources.uids(())
        self._scheduler.keep_only(there, among=before)
        if not self.listed.is_set():
            with self._lock:
                self._awaited = there if self._awaited is None else self._awaited & there
            self._arrived()

    def _uids(self) -> set[str]:
        """Return what is in the namespaces that may be looked into, and note which may not: those hold up no other."""
        there: set[str] = set()
        refused: dict[str, ApiError] = {}
        for namespace in self._namespaces:
            try:
                there |= self._sources.uids([namespace])
            except ApiError as error:
                if error.status != FORBIDDEN:
                    raise
                refused[namespace] = error.with_traceback(None)  # kept: its frames would be, too
        if len(refused) == len(self._namespaces):
            raise next(iter(refused.values()))
        self._refused = refused
        return there

    def _arrived(self, uid: str | None = None) -> None:
        """Note that Kopf has reported a source: how many it will report, it does not say."""
        with self._lock:
            if self._awaited is None or self.listed.is_set():
                return
            self._awaited.discard(uid or "")
            if not self._awaited:
                self.listed.set()

    def put(self, source: Source) -> bool:
        """Take in a source as it is now, and return whether it was there before."""
        known = self._scheduler.put(source)
        self._arrived(source.uid)
        return known

    def pass_over(self, uid: str) -> None:
        """Take note of a source that cannot be read."""
        self._arrived(uid)

    def remove(self, uid: str) -> None:
        """Forget a source."""
        self._scheduler.remove(uid)
        self._arrived(uid)

    def _kopf_refused(self, url: str) -> None:
        parts = urlsplit(url)
        verb, resource = described("GET", parts.path, watch="watch=true" in parts.query)
        self._on_right(verb, resource, namespace_of(parts.path), allowed=False)
        if verb == "list":
            self._gap.set()  # the look finds out which namespace is to be left out

    async def _watch(self) -> None:
        ended = asyncio.Event()
        with self._lock:
            self._end = (asyncio.get_running_loop(), ended)
        try:
            if not self._stop.is_set():
                # Read once, and after `_end` is set: who finds another set later ends this watch.
                self._left_out = set(self._refused)
                namespaces = [namespace for namespace in self._namespaces if namespace not in self._left_out]
                await handlers.watch(
                    self,
                    namespaces=namespaces,
                    stop=ended,
                    on_gap=self._gap.set,
                    on_refused=self._kopf_refused,
                    page=lambda: self._sources.page,
                )
        finally:
            with self._lock:
                self._end = None


def _patience(error: ApiError) -> float:
    return max(WATCH_AGAIN_SECONDS, min(error.retry_after, LONGEST_WAIT_SECONDS))
