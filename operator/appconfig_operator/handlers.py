"""Kopf: events of `AppConfigSource` resources in. The only module that imports Kopf.

Only `@kopf.on.event`: timers, daemons and change handlers of Kopf add finalizers or annotations to the resource.
"""

from __future__ import annotations

import itertools
import logging
import re
from typing import TYPE_CHECKING, Any, Protocol

import kopf

from appconfig_operator.api.v1alpha1 import GROUP, PLURAL, VERSION, Source

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Sequence

logger = logging.getLogger(__name__)

_IDENTITY: Any = "appconfig-operator"  # a type of Kopf that it does not show

_KOPF = logging.getLogger("kopf")
_REFUSED = re.compile(r"failed; will retry: GET (\S+) -> APIForbiddenError")


class Sink(Protocol):
    """Where the resources go. Its methods return at once."""

    def put(self, source: Source) -> bool:
        """Take in a source as it is now, and tell whether it was there before."""

    def pass_over(self, uid: str) -> None:
        """Take note of a source that cannot be read."""

    def remove(self, uid: str) -> None:
        """Forget a source."""


async def watch(  # noqa: PLR0913 (what Kopf is told, all by name)
    sink: Sink,
    *,
    namespaces: Sequence[str],
    stop: asyncio.Event,
    on_gap: Callable[[], None],
    on_refused: Callable[[str], None],
    page: Callable[[], int],
) -> None:
    """Watch the resources until stopped. The CRD must be installed.

    Parameters
    ----------
    sink
        Where the resources go.
    namespaces
        Where to look, empty for everywhere.
    stop
        Ends the watch.
    on_gap
        Called, and often so, when the watch had to begin anew: what was deleted before that, it may never tell.
    on_refused
        Called with the URL of a list or watch that the API server refuses: Kopf tries it again, for ever.
    page
        Returns how many resources may be asked for at once: they come as whole objects, and one may have 1.5 MB.

    Raises
    ------
    Exception
        Whatever ends Kopf: an error in a watch stream, a deleted CRD, refused credentials. Watch again then.
    """
    refusals = _Refusals(on_refused)
    _KOPF.addHandler(refusals)
    try:
        await _operator(sink, namespaces=namespaces, stop=stop, on_gap=on_gap, page=page)
    finally:
        _KOPF.removeHandler(refusals)


async def _operator(
    sink: Sink, *, namespaces: Sequence[str], stop: asyncio.Event, on_gap: Callable[[], None], page: Callable[[], int]
) -> None:
    settings = _settings(page())

    def settle() -> None:
        settings.watching.chunk_size = page()  # read at each list, and there is one whenever the watch begins anew

    await kopf.operator(
        registry=_registry(sink, on_gap, settle),
        settings=settings,
        standalone=True,
        # Without it, Kopf asks for the name of the user: a uid that the image does not know has none.
        identity=_IDENTITY,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )


class _Refusals(logging.Handler):
    """Reads in what Kopf logs which requests are refused: it tells of that in no other way."""

    def __init__(self, on_refused: Callable[[str], None]) -> None:
        super().__init__()
        self._on_refused = on_refused

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        found = _REFUSED.search(record.getMessage())
        if found is not None:
            self._on_refused(found[1])


def _registry(sink: Sink, on_gap: Callable[[], None], settle: Callable[[], None]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(kopf.login_via_client)

    # Asynchronous, so that Kopf calls it in its loop: a thread for each event costs more than the handler.
    async def on_event(event: kopf.RawEvent, **_: object) -> None:
        settle()
        if event["type"] == "DELETED":
            sink.remove(event["object"]["metadata"]["uid"])
            return
        try:
            source = Source.from_dict(event["object"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            metadata = event["object"]["metadata"]
            sink.pass_over(metadata["uid"])
            logger.error(  # noqa: TRY400 (the CRD does not let this pass: it is another version's)
                "An AppConfigSource cannot be read (%s). Do the CRD and the operator have the same version?",
                type(error).__name__,
                extra={"namespace": metadata.get("namespace"), "source": metadata.get("name")},
            )
            return
        if sink.put(source) and event["type"] is None:  # None: from a list
            on_gap()

    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(on_event)
    return registry


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps no last state of an object: without it, Kopf copies each body, for handlers that there are none of."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Return nothing."""
        return kopf.BodyEssence({})

    def fetch(self, **_: object) -> None:
        """Return nothing."""

    def store(self, **_: object) -> None:
        """Store nothing."""


class _NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers, and so looks for none in each body."""

    def fetch(self, **_: object) -> None:
        """Return nothing."""

    def store(self, **_: object) -> None:
        """Store nothing."""

    def purge(self, **_: object) -> None:
        """Remove nothing."""

    def touch(self, **_: object) -> None:
        """Touch nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Clear nothing."""
        return essence


class _Backoffs:
    """Seconds between the tries of a request, without end: Kopf gives up, and ends, where they end."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.5, 1, 2, 3, 5), itertools.repeat(10))


def _settings(page: int) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.networking.error_backoffs = _Backoffs()
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 60
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    # A list in pages, and tasks of single objects that end soon: at 10,000 objects, memory would rise for a moment, and
    # stay so, by more than all sources take together.
    settings.watching.chunk_size = page
    settings.queueing.idle_timeout = 0.1
    # Looking for CRDs and namespaces that come and go would need cluster-wide rights.
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    settings.process.ultimate_exiting_timeout = None
    return settings
