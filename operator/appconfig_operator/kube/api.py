"""A connection to the API server: JSON in, JSON out.

The typed models of the client cost more time than the call, and drop fields that they do not know; a ConfigMap is
read, changed and written back whole, so it goes through as the API server sent it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from kubernetes import client, config
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from appconfig_operator.kube.connection import load, unusable_proxy
from appconfig_operator.kube.errors import UnreachableError, was_authorized
from appconfig_operator.kube.fence import Fence
from appconfig_operator.kube.requests import described, namespace_of
from appconfig_operator.kube.responses import RESPONSE_BYTES, api_error, decoded, json_lines, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from urllib3 import BaseHTTPResponse

    from appconfig_operator.kube.requests import OnRight

    OnCall = Callable[[str, str, int | None], None]
    """Is notified of each call: verb and resource as in RBAC, and the HTTP status, `None` when there was no answer."""


CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0
IDLE_SECONDS = 90.0
"""Silence after which a stream counts as broken. The API server sends a bookmark about once a minute."""

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def connect(
    *, workers: int, fence: Fence | None = None, on_call: OnCall | None = None, on_right: OnRight | None = None
) -> Api:
    """Connect as the Pod's ServiceAccount, else as `KUBECONFIG` says.

    Nothing is sent yet: the API server may be away.

    Parameters
    ----------
    workers
        How many calls there are at once: the size of the connection pool.
    fence
        Bounds the writes of threads that work under a Lease.
    on_call, on_right
        Are notified of each call.

    Raises
    ------
    ConnectionSettingsError
        When neither is there, or the kubeconfig cannot be used.
    """
    configuration = load()
    configuration.connection_pool_maxsize = workers + 2
    configuration.retries = False  # the scheduler retries, with backoff and for all sources alike
    try:
        return Api(client.ApiClient(configuration), fence, on_call, on_right)
    except (ValueError, ImportError) as error:  # urllib3's own are ValueErrors; one for SOCKS needs a library
        raise unusable_proxy(error) from error


class Api:
    """Calls of the Kubernetes API. Safe to share between threads.

    Parameters
    ----------
    api_client
        The connection.
    fence
        Bounds the writes of threads that work under a Lease.
    on_call, on_right
        Are notified of each call, in the thread that makes it, once the response has begun.
    """

    def __init__(
        self,
        api_client: client.ApiClient,
        fence: Fence | None = None,
        on_call: OnCall | None = None,
        on_right: OnRight | None = None,
    ) -> None:
        self._client = api_client
        proxy = api_client.configuration.proxy  # now: with each token, the client reads the setting again
        self._proxy = _shown(str(proxy)) if proxy else ""
        self._fence = fence or Fence()
        self._on_call = on_call
        self._on_right = on_right

    @property
    def server(self) -> str:
        """The address of the API server, without a user and password, which a kubeconfig may contain."""
        return _shown(self._client.configuration.host)

    @property
    def proxy(self) -> str:
        """The address of the proxy in front of it, likewise, or empty."""
        return self._proxy

    def call(  # noqa: PLR0913 (what an HTTP call consists of)
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Make one call and return the object in the response.

        `timeout` is in seconds, for each wait on the network; without it, it is the one of all calls.

        Raises
        ------
        ApiError, UnreachableError
            As `sized`.
        """
        return self.sized(
            method, path, query=query, body=body, content_type=content_type, accept=accept, timeout=timeout
        )[0]

    def sized(  # noqa: PLR0913 (what an HTTP call consists of)
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
        limit_bytes: int = RESPONSE_BYTES,
    ) -> tuple[dict[str, Any], int]:
        """Make one call as `call` does, and return the size of the response in bytes, too.

        Never more than `limit_bytes` of the response are held.

        Raises
        ------
        ApiError
            When the API server refuses, with what it says.
        UnreachableError
            When there is no response, so that it is unknown whether a write was carried out. Or when it was not sent,
            because the Lease under which this thread works has lapsed.
        ResponseTooLongError
            When the response has more than `limit_bytes`.
        """
        limit = self._fence.limit() if method != "GET" else None
        try:
            response = self._send(
                method,
                path,
                query,
                {"Accept": accept, "Content-Type": content_type},
                # Not by the client's own request(): it escapes all that is not ASCII, and a ConfigMap near its limit
                # would then be longer than the 3 MiB that the API server takes as a body.
                body=None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
                timeout=Timeout(
                    connect=timeout or CONNECT_TIMEOUT_SECONDS, read=timeout or READ_TIMEOUT_SECONDS, total=limit
                ),
            )
            raw = read(response, limit_bytes)
            self._note_right(method, path, response.status, raw)
        except (HTTPError, config.ConfigException, OSError) as error:  # the last two: the token is read again at times
            raise UnreachableError(type(error).__name__) from error
        return decoded(response, raw), len(raw)

    def stream(self, path: str, *, query: Mapping[str, str], accept: str) -> Iterator[dict[str, Any]]:
        """Make one call whose response has one JSON object per line, as that of a watch.

        Raises
        ------
        ApiError
            When the API server refuses.
        UnreachableError
            When the stream breaks, or nothing comes for `IDLE_SECONDS`.
        """
        try:
            timeout = Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=IDLE_SECONDS)
            response = self._send("GET", path, query, {"Accept": accept}, timeout=timeout, watch=True)
            try:
                raw = b"" if response.status == 200 else read(response, RESPONSE_BYTES)  # noqa: PLR2004 (HTTP: OK)
                self._note_right("GET", path, response.status, raw, watch=True)
                if response.status != 200:  # noqa: PLR2004 (HTTP: OK)
                    raise api_error(response, raw)
                yield from json_lines(response.stream())
            finally:
                response.close()
        except (HTTPError, config.ConfigException, OSError) as error:
            raise UnreachableError(type(error).__name__) from error

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
        *,
        watch: bool = False,
        **options: Any,  # noqa: ANN401 (those of urllib3)
    ) -> BaseHTTPResponse:
        status: int | None = None
        try:
            url, prepared = self._prepared(path, query, headers)
            response: BaseHTTPResponse = self._client.rest_client.pool_manager.request(
                method, url, headers=prepared, preload_content=False, **options
            )
            status = response.status
            return response
        finally:
            if self._on_call is not None:
                self._on_call(*described(method, path, watch=watch), status)

    def _note_right(self, method: str, path: str, status: int, body: bytes, *, watch: bool = False) -> None:
        allowed = was_authorized(status, body)
        if self._on_right is not None and allowed is not None:
            self._on_right(*described(method, path, watch=watch), namespace_of(path), allowed=allowed)

    def _prepared(
        self, path: str, query: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Return URL and headers. Letting the client make them costs a sixth of the call."""
        settings = self._client.configuration
        prepared = {**self._client.default_headers, **headers}
        for scheme in settings.auth_settings().values():  # reads the token again when it is time
            prepared[scheme["key"]] = scheme["value"]
        url = f"{settings.host}{path}"
        return (f"{url}?{urlencode(query)}" if query else url), prepared


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
