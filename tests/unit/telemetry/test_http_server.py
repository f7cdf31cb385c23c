"""The HTTP server of metrics and probes: pages, and clients that are no good."""

from __future__ import annotations

import errno
import os
import socket
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.settings import SettingsError
from appconfig_operator.telemetry import http_server
from appconfig_operator.telemetry.http_server import Page, Server, text

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0


def hello(accept: str) -> Page:
    return text("hello", accept)


def broken(_accept: str) -> Page:
    raise ValueError("hunter2")


@pytest.fixture
def server() -> Iterator[Server]:
    serves = Server({"/hello": hello, "/broken": broken}, flag="--metrics-port", port=0, everywhere=False)
    yield serves
    serves.stop()


def ask(port: int, path: str, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, bytes, dict[str, str]]:
    connection = HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request(method, path, headers={"Accept": "text/x"})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/hello", "/hello?name=x", "/hello#x"])
def test_a_page(server: Server, path: str) -> None:
    status, body, headers = ask(server.port, path)
    assert (status, body) == (200, b"hello\ntext/x\n")
    assert (headers["Content-Type"], headers["Content-Length"]) == ("text/plain; charset=utf-8", "13")
    assert headers["Server"] == "appconfig-operator"


def test_head(server: Server) -> None:
    status, body, headers = ask(server.port, "/hello", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "13")


@pytest.mark.parametrize("path", ["/", "/hello/", "/favicon.ico", "/../hello"])
def test_another_path(server: Server, path: str) -> None:
    assert ask(server.port, path)[:2] == (404, b"not found\n")


def test_another_method(server: Server) -> None:
    assert ask(server.port, "/hello", "POST")[0] == HTTPStatus.NOT_IMPLEMENTED


def test_a_page_that_fails(server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """The text of an error could quote anything."""
    assert ask(server.port, "/broken")[:2] == (500, b"internal error\n")
    assert caplog.messages == ["A page failed with ValueError"]
    assert "hunter2" not in "".join(capfd.readouterr())
    assert ask(server.port, "/hello")[0] == HTTPStatus.OK


def test_clients_that_say_nothing_hold_up_nobody(server: Server) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(50)]
    silent[0].sendall(b"GET /hel")
    try:
        assert ask(server.port, "/hello")[0] == HTTPStatus.OK
    finally:
        for each in silent:
            each.close()


def test_a_client_that_says_nothing_is_let_go(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert http_server._Handler.timeout == http_server.CLIENT_SECONDS
    monkeypatch.setattr(http_server._Handler, "timeout", 0.05)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as silent:
        silent.sendall(b"GET /hello HTTP/1.1\r\nAccept")
        assert silent.recv(1) == b""


@pytest.mark.parametrize(
    "said", [b"\x16\x03\x01\x02\r\n\r\n", b"GET /hello HTTP/9\r\n\r\n", b"x" * 70_000 + b"\r\n\r\n"]
)
def test_what_is_no_http_is_answered_and_not_logged(
    server: Server, said: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(said)
        assert b"HTML" not in client.recv(1000)
    assert ask(server.port, "/hello")[0] == HTTPStatus.OK
    assert (caplog.messages, *capfd.readouterr()) == ([], "", "")


def test_a_client_that_goes_away_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    large = Server({"/": lambda _: Page(b"x" * 10_000_000)}, flag="--metrics-port", port=0, everywhere=False)
    with socket.create_connection(("127.0.0.1", large.port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        client.recv(1)
    assert ask(large.port, "/", "HEAD")[0] == HTTPStatus.OK
    large.stop()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_port_that_is_taken(server: Server, everywhere: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    with pytest.raises(
        SettingsError, match=rf"^--health-port: cannot listen on port {server.port} \(Address already in use\)"
    ):
        Server({}, flag="--health-port", port=server.port, everywhere=everywhere)


def test_a_port_can_be_had_again() -> None:
    first = Server({}, flag="--health-port", port=0, everywhere=False)
    ask(first.port, "/")
    first.stop()
    second = Server({}, flag="--health-port", port=first.port, everywhere=False)
    second.stop()


def test_loopback_only(server: Server) -> None:
    assert server._server.server_address[0] == "127.0.0.1"


def test_everywhere() -> None:
    serves = Server({"/": hello}, flag="--metrics-port", port=0, everywhere=True)
    # A machine that runs the tests may have no IPv6.
    hosts = ["127.0.0.1", "::1"] if serves._server.address_family == socket.AF_INET6 else ["127.0.0.1"]
    try:
        assert {ask(serves.port, "/", host=host)[0] for host in hosts} == {200}
    finally:
        serves.stop()


@pytest.mark.parametrize("number", sorted(http_server._NO_IPV6))
def test_everywhere_on_a_node_without_ipv6(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(_self: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(http_server._Everywhere, "server_bind", bind)
    serves = Server({"/": hello}, flag="--metrics-port", port=0, everywhere=True)
    try:
        assert serves._server.server_address[0] == "0.0.0.0"  # noqa: S104 (that is the point)
        assert ask(serves.port, "/")[0] == HTTPStatus.OK
    finally:
        serves.stop()


def test_everywhere_is_not_made_less_of_for_another_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(_self: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(http_server._Everywhere, "server_bind", bind)
    with pytest.raises(SettingsError, match=r"^--metrics-port: cannot listen on port 80 \(Permission denied\)"):
        Server({}, flag="--metrics-port", port=80, everywhere=True)
