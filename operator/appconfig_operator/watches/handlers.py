"""Kopf: events of `AppConfigSource` resources in. The only module that imports Kopf.

Only `@kopf.on.event`: timers, daemons and change handlers of Kopf add finalizers or annotations to the resource.
"""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import kopf

from appconfig_operator.api.v1alpha1 import GROUP, PLURAL, VERSION, Source
from appconfig_operator.kube.connection import expect, load

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable, Iterator, Sequence

logger = logging.getLogger(__name__)

_IDENTITY: Any = "appconfig-operator"  # a type of Kopf that it does not show

LOGIN_AGAIN_SECONDS = 10.0
"""Until the settings of the connection are read again when they could not be."""

_KOPF = logging.getLogger("kopf")
_REFUSED = re.compile(r"failed; will retry: GET (\S+) -> APIForbiddenError")


class Sink(Protocol):
    """Where the resources go. Its methods return at once."""

    def put(self, source: Source) -> bool:
        """Take in a source as it is now, and return whether it was there before."""

    def pass_over(self, uid: str) -> None:
        """Take note of a source that cannot be read."""

    def remove(self, uid: str) -> None:
        """Forget a source."""


async def watch(  # noqa: PLR0913 (all by name)
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
        Called, and often so, when the watch had to begin again: what was deleted before that, it may never report.
    on_refused
        Called with the URL of a list or watch that the API server refuses: Kopf tries it again, forever.
    page
        Returns how many resources may be asked for at once: they come as whole objects, and one may have 1.5 MB.

    Raises
    ------
    Exception
        Whatever ends Kopf: an error in a watch stream, a deleted CRD, refused credentials. Watch again then.
    """
    listener = _Listener(on_refused, stop)
    _KOPF.addHandler(listener)
    try:
        await _operator(sink, namespaces=namespaces, stop=stop, on_gap=on_gap, page=page)
    finally:
        _KOPF.removeHandler(listener)
    if listener.failure is not None:
        raise listener.failure


async def _operator(
    sink: Sink, *, namespaces: Sequence[str], stop: asyncio.Event, on_gap: Callable[[], None], page: Callable[[], int]
) -> None:
    settings = _settings(page())

    def settle() -> None:
        settings.watching.chunk_size = page()  # read at each list, and there is one whenever the watch begins again

    await kopf.operator(
        registry=_registry(sink, on_gap, settle),
        settings=settings,
        standalone=True,
        # Otherwise Kopf looks up the user's name, and a uid that the image does not know has none.
        identity=_IDENTITY,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )


class _Listener(logging.Handler):
    """Reads in what Kopf logs which requests are refused, and what ends it: it reports that in no other way, or late.

    Attributes
    ----------
    failure
        The first error that ended a task which is to run for as long as the watch does.
    """

    def __init__(self, on_refused: Callable[[str], None], stop: asyncio.Event) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._on_refused = on_refused
        self._stop = stop

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        text = record.getMessage()
        found = _REFUSED.search(text)
        if found is not None:
            self._on_refused(found[1])
        if record.exc_info and " has failed: " in text and self.failure is None:
            self.failure = record.exc_info[1]
            self._stop.set()  # by itself, Kopf waits 5 s for a task that waits for this


@dataclass(frozen=True, kw_only=True)
class Login(kopf.ConnectionInfo):
    """What Kopf logs in with. It compares two of them, so as not to try again what was refused.

    Attributes
    ----------
    tls_server_name
        The name that the API server's certificate has to have, or nothing: that of its address.
    """

    tls_server_name: str | None = None

    def as_ssl_context(self) -> ssl.SSLContext:
        """Make the context that expects that name: Kopf has no setting for it."""
        context = super().as_ssl_context()
        if self.tls_server_name:
            expect(context, self.tls_server_name, instead_of=urlsplit(self.server).hostname)
        return context


def login(**_kwargs: object) -> Login:
    """Take what ordinary calls take: Kopf's own login leaves out proxies and `tls-server-name`.

    Raises
    ------
    ConnectionSettingsError
        When the files that say it are no longer usable: Kopf tries again later.
    """
    settings = load()  # each time: Kopf calls this when the API server rejects what it has
    proxy = (
        settings.proxy
    )  # before the token, which the client may read again, and with it what the file says of a proxy
    scheme, _blank, token = str(settings.get_api_key_with_prefix("BearerToken") or "").rpartition(" ")
    return Login(
        server=settings.host,
        ca_path=settings.ssl_ca_cert,
        insecure=not settings.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=settings.cert_file,
        private_key_path=settings.key_file,
        proxy_url=proxy,
        tls_server_name=settings.tls_server_name,
    )


def _registry(sink: Sink, on_gap: Callable[[], None], settle: Callable[[], None]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry, backoff=LOGIN_AGAIN_SECONDS)(login)

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
    """Keeps no last state of an object. Otherwise Kopf copies each body, for handlers that do not exist here."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Return nothing."""
        return kopf.BodyEssence({})

    def fetch(self, **_: object) -> None:
        """Return nothing."""

    def store(self, **_: object) -> None:
        """Store nothing."""


class _NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers, so Kopf does not look for it in each body."""

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
    """Seconds between the attempts of a request, without end: Kopf stops where they end."""

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
