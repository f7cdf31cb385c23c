"""Whatever an answer looks like, and wherever it quotes a token, no token is ever shown."""

from __future__ import annotations

import json
import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator import logs
from appconfig_operator.aws.clients import Clients, Timeouts
from appconfig_operator.aws.session import Session
from tests.unit.support.aws_stubs import IDENTIFIERS
from tests.unit.support.engine_bench import bench

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "AQICT0kenT0kenT0kenT0ken" * 30


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put the levels and handlers of all loggers back."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in ("appconfig_operator", "botocore", "urllib3")}
    yield
    logging.captureWarnings(capture=False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def answer(status: int, code: str, message: str = "", **members: Any) -> bytes:
    body = json.dumps({"Message": message, **members}).encode()
    head = f"HTTP/1.1 {status} x\r\nx-amzn-errortype: {code}:\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def missing(kind: object, message: str = "Configuration not found") -> bytes:
    quoted = {"ConfigurationToken": TOKEN, TOKEN: TOKEN}
    return answer(404, "ResourceNotFoundException", message, ResourceType=kind, ReferencedBy=quoted)


def invalid(problem: str, parameter: str = "ConfigurationToken") -> bytes:
    details = {"InvalidParameters": {parameter: {"Problem": problem}}}
    return answer(400, "BadRequestException", f"Token {TOKEN} not valid", Details=details, Reason=TOKEN)


def broken(head: str) -> bytes:
    return f"HTTP/1.1 {head}\r\n\r\nx".encode()


ANSWERS = {
    "gone": missing("Configuration"),
    "gone, in words": missing(None, f"Configuration {TOKEN} not found"),
    "gone, of a kind that quotes": missing(TOKEN),
    "gone, of a kind that is a list": missing([TOKEN]),
    "corrupted": invalid("Corrupted"),
    "a problem that quotes": invalid(TOKEN),
    "a parameter that quotes": invalid("Corrupted", TOKEN),
    "not explained": answer(400, "BadRequestException", f"Refused: {TOKEN} '{TOKEN}' ({TOKEN})."),
    "denied": answer(403, "AccessDeniedException", f"User: {TOKEN} may not with {TOKEN}"),
    "a code that quotes": answer(400, TOKEN),
    "internal": answer(500, "InternalServerException", TOKEN),
    "throttled": answer(429, "ThrottlingException", TOKEN),
    "a redirect": broken(f"307 x\r\nLocation: http://127.0.0.1:1/configuration?configuration_token={TOKEN}"),
    "a broken header": broken(f"200 OK\r\nContent-Length: 1\r\nNext {TOKEN}\r\n: {TOKEN}"),
    "no length": broken(f"200 OK\r\nContent-Length: {TOKEN}"),
    "no chunk": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{TOKEN}\r\n".encode(),
    "no HTTP": f"{TOKEN}\r\n\r\n".encode(),
    "a reason that quotes": broken(f"502 {TOKEN}\r\nContent-Length: 1"),
    "a type that quotes": broken(f"200 OK\r\nContent-Type: {TOKEN}\r\nContent-Encoding: {TOKEN}\r\nContent-Length: 1"),
    "nothing": b"",
}


def serve(listening: socket.socket, sent: bytes) -> None:
    with suppress(OSError):  # closed at the end of the test
        while True:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.settimeout(5)
                connection.recv(65_536)
                connection.sendall(sent)


@pytest.fixture(params=list(ANSWERS))
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session that holds the token, and a service that always answers the same."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening, ANSWERS[request.param]), daemon=True)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("NO_PROXY", "*")):
            monkeypatch.setenv(name, value)
        clients = Clients(workers=1, user_agent="test", timeouts=Timeouts(connect=2, read=2, body=2))
        made = Session(clients, IDENTIFIERS, region="eu-west-1", interval=60)
        made._token = TOKEN
        yield made


def test_no_token_is_shown(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither by the log, at the level that shows most, nor by a condition, an Event or the name of a result."""
    logs.configure(log_format="text", level="debug")
    it = bench()
    it.state.fetch.session = session
    for _ in range(4):
        it.poll()
    visible = [it.world.statuses, it.world.events, it.result, session]
    log = capsys.readouterr().err
    shown = [repr(each) for each in visible] + [log]
    assert not [text for text in shown if "T0ken" in text]
    assert it.result != "Unchanged"
