"""Connections to the API server: reused when it is well, and every way of failing turned into an error of ours."""

from __future__ import annotations

import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from kubernetes import client
from urllib3.util import connection as urllib3_connection

from appconfig_operator.core.sharding.lease_requests import LeaseError, ListLeases
from appconfig_operator.kube import api as module
from appconfig_operator.kube.api import Api
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.leases import Leases
from sandbox.processes.ports import LOOPBACK
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import api_of, api_of_operator

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from sandbox.kube.control_plane import ControlPlane

SERVED = "/apis/appconfig-operator.io/v1alpha1"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note each connection that urllib3 opens."""
    connections: list[object] = []
    create = urllib3_connection.create_connection

    def count(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connections.append(address)
        return create(address, *args, **kwargs)

    monkeypatch.setattr(urllib3_connection, "create_connection", count)
    return connections


def test_one_connection_for_all_calls(installed: ControlPlane, opened: list[object]) -> None:
    api = api_of_operator(installed)
    for _ in range(5):
        api.call("GET", SERVED)
        with pytest.raises(ApiError, match="HTTP 404"):
            api.call("GET", "/api/v1/namespaces/default/configmaps/none")
        with pytest.raises(ApiError, match="HTTP 403"):
            api.call("POST", "/api/v1/namespaces/default/secrets", body={"metadata": {"name": "none"}})
    assert len(opened) == 1


def test_one_connection_for_each_worker(installed: ControlPlane, opened: list[object]) -> None:
    api = api_of(installed.kubeconfig)
    workers = 4  # what connect() makes room for with workers=2
    together = threading.Barrier(workers)

    def work(_: int) -> None:
        together.wait(10)
        for _ in range(10):
            api.call("GET", SERVED)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    assert 1 <= len(opened) <= workers


def test_certificate_of_somebody_else(installed: ControlPlane) -> None:
    configuration = client.Configuration()
    configuration.host = installed.url
    configuration.retries = False
    with pytest.raises(UnreachableError, match="SSLError"):
        Api(client.ApiClient(configuration)).call("GET", SERVED)


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says."""

    protocol_version = "HTTP/1.1"
    raw: ClassVar[bytes] = b""
    close: ClassVar[bool] = False
    release: ClassVar[threading.Event] = threading.Event()
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if not self.raw:
            self.release.wait(30)
        self.wfile.write(self.raw)
        self.close_connection = self.close

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def server(raw: bytes, *, close: bool = False) -> Iterator[tuple[Api, type[Handler]]]:
    """Run a server that is no API server. `raw` empty: it never answers."""
    attributes = {"raw": raw, "close": close, "release": threading.Event(), "seen": []}
    handler: type[Handler] = type("OneHandler", (Handler,), attributes)
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        configuration = client.Configuration()
        configuration.host = f"http://{LOOPBACK}:{http.server_port}"
        configuration.retries = False
        api = Api(client.ApiClient(configuration))
        try:
            yield api, handler
        finally:
            handler.release.set()
            api._client.rest_client.pool_manager.clear()
            http.shutdown()
            thread.join()


def answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(answer("200 OK", b"<html>log in</html>"), "an answer that is not a JSON object", id="html"),
        pytest.param(answer("200 OK", b'[{"a":1}]'), "an answer that is not a JSON object", id="list"),
        pytest.param(answer("200 OK", b"null"), "an answer that is not a JSON object", id="null"),
        pytest.param(answer("200 OK", b""), "an answer that is not a JSON object", id="empty"),
        pytest.param(answer("200 OK", b"\xff\xfe"), "an answer that is not a JSON object", id="no text"),
        pytest.param(answer("200 OK", b'{"a":', length=100), "ProtocolError", id="cut"),
        pytest.param(b"garbage\r\n\r\n", "ProtocolError", id="no http"),
    ],
)
def test_no_answer(raw: bytes, message: str) -> None:
    with server(raw, close=True) as (api, handler):
        with pytest.raises(UnreachableError, match=f"^{message}$"):
            api.call("GET", "/x")
        assert handler.seen == ["/x"], "the scheduler tries again, not the client"


@pytest.mark.parametrize(
    ("raw", "text", "seconds"),
    [
        pytest.param(answer("502 Bad Gateway", b"<html>secret</html>"), "HTTP 502", 0, id="html"),
        pytest.param(answer("500 Error", b'["secret"]'), "HTTP 500", 0, id="list"),
        pytest.param(answer("503 Busy", b'{"message":"secret"}'), "HTTP 503", 0, id="json of a gateway"),
        pytest.param(answer("503 Busy", b"", "Retry-After: 60"), "HTTP 503", 60, id="retry after"),
        pytest.param(
            answer("429 Slow", b'{"kind":"Status","reason":"TooManyRequests","message":"busy"}', "Retry-After: 60"),
            "HTTP 429 TooManyRequests",
            60,
            id="throttled",
        ),
        pytest.param(answer("302 Found", b"", "Location: /elsewhere"), "HTTP 302", 0, id="redirect"),
    ],
)
def test_refused(raw: bytes, text: str, seconds: float) -> None:
    with server(raw) as (api, handler):
        with pytest.raises(ApiError) as error:
            api.call("GET", "/x")
        assert handler.seen == ["/x"], "the scheduler tries again, not the client"
    assert str(error.value) == text
    assert error.value.message == ""
    assert error.value.retry_after == seconds


def test_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < module.CONNECT_TIMEOUT_SECONDS <= module.READ_TIMEOUT_SECONDS <= 10
    monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.1)
    with server(b"") as (api, handler):
        began = time.monotonic()
        with pytest.raises(UnreachableError, match="ReadTimeoutError"):
            api.call("GET", "/x")
        assert time.monotonic() - began < 5
        wait_until(lambda: handler.seen, 5.0, "the request")
        assert handler.seen == ["/x"]


def test_a_call_may_have_less_time() -> None:
    with server(b"") as (api, _):
        leases = Leases(api, "operators", timeout=0.1, utc_now=lambda: datetime.now(UTC))
        began = time.monotonic()
        with pytest.raises(LeaseError, match=r"namespace operators: .* could not be reached \(ReadTimeoutError\)"):
            leases.carry_out(ListLeases())
        assert time.monotonic() - began < 5


def idle_are_closed(api: Api) -> bool:
    pool = api._client.rest_client.pool_manager.connection_from_url(api._client.configuration.host)
    return pool.pool is not None and not any(each.is_connected for each in pool.pool.queue if each is not None)


def test_connection_closed_while_idle(opened: list[object]) -> None:
    """An API server or a load balancer ends idle connections: that must not cost a failure."""
    with server(answer("200 OK", b"{}"), close=True) as (api, handler):
        for number in range(1, 4):
            assert api.call("GET", "/x") == {}
            assert len(opened) == number
            wait_until(lambda: idle_are_closed(api), 5.0, "the end of the connection")
        assert handler.seen == ["/x"] * 3


def test_query() -> None:
    with server(answer("200 OK", b"{}")) as (api, handler):
        api.call("GET", "/x", query={"continue": "a+b/c=", "limit": "2"})
        assert handler.seen == ["/x?continue=a%2Bb%2Fc%3D&limit=2"]


@pytest.mark.parametrize("error", [OSError("gone"), ssl.SSLError("x")], ids=["file", "tls"])
def test_token_file_that_cannot_be_read(error: Exception) -> None:
    """In a Pod the client reads the token again every minute."""

    def refresh(_: client.Configuration) -> None:
        raise error

    with server(answer("200 OK", b"{}")) as (api, handler):
        api._client.configuration.api_key["BearerToken"] = "bearer old"
        api._client.configuration.refresh_api_key_hook = refresh
        with pytest.raises(UnreachableError, match=type(error).__name__):
            api.call("GET", "/x")
        assert handler.seen == []
