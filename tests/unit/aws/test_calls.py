"""Each call to AWS is reported once, whatever comes of it, and whoever makes it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.hooks import HierarchicalEmitter
from botocore.model import OperationModel, ServiceModel

from appconfig_operator.aws.calls import Calls
from appconfig_operator.aws.clients import Clients, Timeouts
from appconfig_operator.aws.errors import Identifiers
from appconfig_operator.aws.session import Session
from appconfig_operator.core.errors import SourceError
from appconfig_operator.core.identity import OPERATOR, AccessKeys, Identity
from sandbox.processes.ports import free_ports
from tests.unit.support.answering import answering

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.session import Session as BotocoreSession

REGION = "eu-west-1"
STARTED = 201, json.dumps({"InitialConfigurationToken": "t"}).encode()
REFUSED = 500, b"{}"
ANSWER = AWSResponse("", 200, HTTPHeaders(), None)
ROLE = "arn:aws:iam::111122223333:role/shop"


class RecordedCalls(list[tuple[str, int | None]]):
    """What was reported."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def __call__(self, operation: str, code: int | None, seconds: float) -> None:
        self.append((operation, code))
        self.seconds.append(seconds)


class OneSecret:
    """Knows one Secret."""

    def role_arn(self, namespace: str, name: str) -> str:
        raise NotImplementedError

    def token(self, namespace: str, name: str) -> str:
        raise NotImplementedError

    def keys(self, namespace: str, name: str) -> AccessKeys:
        return AccessKeys(f"AKIA{namespace}{name}", "s")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings of the person at this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def poll(reported: RecordedCalls | None, identity: Identity = OPERATOR, times: int = 1) -> None:
    clients = Clients(
        workers=1, user_agent="test", identities=OneSecret(), timeouts=Timeouts(1, 1, 1), on_call=reported
    )
    session = Session(clients, Identifiers("a", "e", "p", 15), region=REGION, interval=15, identity=identity)
    for _ in range(times):
        with suppress(SourceError):
            session.poll()


def sts(action: str) -> tuple[int, bytes]:
    expiration = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    keys = "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    credentials = f"<Credentials>{keys}<Expiration>{expiration}</Expiration></Credentials>"
    return 200, f"<{action}Response><{action}Result>{credentials}</{action}Result></{action}Response>".encode()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([STARTED, (200, b"body")], [("StartConfigurationSession", 201), ("GetLatestConfiguration", 200)]),
        ([STARTED, REFUSED], [("StartConfigurationSession", 201), ("GetLatestConfiguration", 500)]),
        ([STARTED, None], [("StartConfigurationSession", 201), ("GetLatestConfiguration", None)]),
        ([(403, b"<html>")], [("StartConfigurationSession", 403)]),
        ([(429, b"")], [("StartConfigurationSession", 429)]),
        ([None], [("StartConfigurationSession", None)]),
        ([(201, b"<html>")], [("StartConfigurationSession", 201)]),
    ],
    ids=["answers", "500", "lost", "403", "429", "no answer", "no answer of AWS"],
)
def test_what_is_reported(
    monkeypatch: pytest.MonkeyPatch, answers: list[Any], expected: list[tuple[str, int | None]]
) -> None:
    reported = RecordedCalls()
    with answering(*answers) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        poll(reported)
    assert reported == expected
    assert all(0 < seconds < 60 for seconds in reported.seconds)


def test_a_call_that_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = RecordedCalls()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    poll(reported, times=2)
    assert reported == [("StartConfigurationSession", None)] * 2


def test_a_role_of_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = RecordedCalls()
    with answering(sts("AssumeRole"), REFUSED) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        poll(reported, Identity("shop", secret="aws", role_arn=ROLE))
    assert reported == [("AssumeRole", 200), ("StartConfigurationSession", 500)]


def test_an_answer_that_botocore_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = RecordedCalls()
    with answering((200, b"no XML")) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        poll(reported, Identity("shop", secret="aws", role_arn=ROLE))
    assert reported == [("AssumeRole", None)]


def test_the_role_of_the_operator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """botocore makes this call by itself, with a client of its own."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    (tmp_path / "token").write_text("hunter2", encoding="utf-8")
    reported = RecordedCalls()
    with answering(sts("AssumeRoleWithWebIdentity"), REFUSED) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        poll(reported)
    assert reported == [("AssumeRoleWithWebIdentity", 200), ("StartConfigurationSession", 500)]


def test_nobody_is_notified(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(REFUSED) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        poll(None)


@pytest.fixture
def emitter() -> HierarchicalEmitter:
    """The events of a session, without what botocore does at them."""
    return HierarchicalEmitter()


def test_the_time_is_that_of_the_call(emitter: HierarchicalEmitter) -> None:
    """Calls of several threads overlap."""
    reported, times = RecordedCalls(), [100.0, 200.0, 203.0, 110.5]
    Calls(reported, lambda: times.pop(0)).follow(cast("BotocoreSession", emitter))
    model = OperationModel({}, ServiceModel({}), "GetLatestConfiguration")
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    emitter.emit("before-call.appconfigdata.X", model=model, context=first)
    emitter.emit("before-call.appconfigdata.X", model=model, context=second)
    emitter.emit("after-call-error.appconfigdata.X", exception=None, context=second)
    emitter.emit("after-call.appconfigdata.X", http_response=ANSWER, context=first)
    assert reported == [("GetLatestConfiguration", None), ("GetLatestConfiguration", 200)]
    assert reported.seconds == [3.0, 10.5]


def test_what_another_handler_answers_is_not_a_call(emitter: HierarchicalEmitter) -> None:
    reported = RecordedCalls()
    Calls(reported, lambda: 0.0).follow(cast("BotocoreSession", emitter))
    emitter.emit("after-call.appconfigdata.X", http_response=ANSWER, context={})
    assert reported == []
