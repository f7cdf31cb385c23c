"""A thread that keeps a watch on the sources, whatever ends it in between."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.requests import described, namespace_of
from appconfig_operator.kube.sources import list_refusal, unreachable
from appconfig_operator.logs import LogOnce
from appconfig_operator.watches import handlers, patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.kube.requests import OnRight
    from appconfig_operator.kube.sources import Sources
    from appconfig_operator.watches.known_sources import KnownSources
    from appconfig_operator.watches.namespace_access import NamespaceAccess

logger = logging.getLogger(__name__)

NOT_INSTALLED = "The CRD appconfigsources.appconfig-operator.io is not installed: apply crds/"


class _KopfRun:
    """The run of Kopf that is under way, if one is: one thread runs it, and any can end it.

    Attributes
    ----------
    left_out
        The namespaces that it was started without.
    renewed
        Whether it was ended on purpose, to be started again.
    """

    def __init__(self) -> None:
        self.left_out: frozenset[str] = frozenset()
        self.renewed = False
        self._lock = threading.Lock()
        self._under_way: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @contextmanager
    def under_way(self) -> Iterator[asyncio.Event]:
        """Give what is set to end it."""
        ended = asyncio.Event()
        with self._lock:
            self._under_way = (asyncio.get_running_loop(), ended)
        try:
            yield ended
        finally:
            with self._lock:
                self._under_way = None

    def end(self) -> None:
        """End it. Does not wait."""
        with self._lock:
            if self._under_way is not None:
                loop, ended = self._under_way
                loop.call_soon_threadsafe(ended.set)


class SourceWatch:
    """Runs Kopf again and again, for as long as the process lives.

    Parameters
    ----------
    known
        Where the sources go.
    access
        Which namespaces can be watched.
    sources
        The resources.
    stop
        Set when the operator is to stop.
    on_right
        Is notified of what Kopf is refused.

    Attributes
    ----------
    gap
        Set, and often so, when the watch may have missed a deletion.
    """

    def __init__(
        self,
        known: KnownSources,
        access: NamespaceAccess,
        sources: Sources,
        stop: threading.Event,
        *,
        on_right: OnRight,
    ) -> None:
        self.gap = threading.Event()
        self._known = known
        self._access = access
        self._sources = sources
        self._stop = stop
        self._on_right = on_right
        self._log = LogOnce(logger, level=logging.ERROR)
        self._kopf = _KopfRun()
        self._thread = threading.Thread(target=self._keep_watching, name="watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """End the watch, for good once `stop` is set. Does not wait: what it still reports is not polled anymore."""
        if self._stop.is_set():
            self.gap.set()  # whoever waits for one has to end, too
        self._kopf.end()

    def renew(self) -> None:
        """Start the watch again if it was started for other namespaces than those that can be watched by now."""
        if self._access.refused != self._kopf.left_out:
            self._kopf.renewed = True
            self._kopf.end()

    def _keep_watching(self) -> None:
        while not self._stop.is_set():
            pause = patience.WATCH_AGAIN_SECONDS
            try:
                pause = self._try()
            # Whatever ends Kopf, the watch continues; a cancellation that leaks from it, too.
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                self._ended(f" ({type(error).__name__})")
            self._stop.wait(pause)

    def _try(self) -> float:
        """Watch until that ends, and return the seconds until the next try."""
        try:
            if not self._sources.served():
                self._complain(NOT_INSTALLED)
                return patience.WATCH_AGAIN_SECONDS
            self._known.forget_deleted()  # what was deleted while no one watched
        except UnreachableError as error:
            self._complain(unreachable(error, self._sources.server, self._sources.proxy))
            return patience.WATCH_AGAIN_SECONDS
        except ApiError as error:
            self._complain(list_refusal(error))
            return patience.patience(error)
        if self._access.refused:
            self.gap.set()  # the sweeper may sleep for long yet
        self._log.log("")
        self._kopf.renewed = False
        asyncio.run(self._watch())
        if not self._kopf.renewed:
            self._ended()
        return patience.WATCH_AGAIN_SECONDS

    async def _watch(self) -> None:
        with self._kopf.under_way() as ended:
            if self._stop.is_set():
                return
            # Read once, and only when the run can be ended: who finds another set later renews it.
            left_out = self._kopf.left_out = self._access.refused
            await handlers.watch(
                self._known,
                namespaces=[namespace for namespace in self._access.namespaces if namespace not in left_out],
                stop=ended,
                on_gap=self.gap.set,
                on_refused=self._kopf_refused,
                page=lambda: self._sources.page,
            )

    def _kopf_refused(self, url: str) -> None:
        parts = urlsplit(url)
        verb, resource = described("GET", parts.path, watch="watch=true" in parts.query)
        self._on_right(verb, resource, namespace_of(parts.path), allowed=False)
        if verb == "list":
            self.gap.set()  # the sweep finds out which namespace is to be left out

    def _ended(self, kind: str = "") -> None:
        self._complain(NOT_INSTALLED if self._sources.gone() else f"The watch ended{kind}, and is restarted")

    def _complain(self, trouble: str) -> None:
        if not self._stop.is_set():
            self._log.log(trouble)
