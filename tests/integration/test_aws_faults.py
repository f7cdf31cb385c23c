"""Sessions on a service that is strict, slow, or not there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.aws.clients import Clients, Timeouts
from appconfig_operator.core.errors import (
    Reason,
    SourceError,
    StallingError,
    TooEarlyError,
    TransientError,
)
from appconfig_operator.core.formats.content import Content
from sandbox.aws.data_plane import Answer, AppConfigProxy, Fault, Operation, Rules, Spoil
from sandbox.processes.ports import LOOPBACK, free_ports
from tests.integration.support.aws_access import IMPATIENT, lead, new_place, session
from tests.support.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.aws.session import Session
    from sandbox import AppConfig, MiniStack
    from sandbox.aws.appconfig import Place

START = Operation.START
LATEST = Operation.LATEST
BODY = b"0123456789" * 20
CONTENT = Content(body=BODY, content_type="application/json", version_label="v1")
KEPT, NEW = 1, 2


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proxy(ministack: MiniStack, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[AppConfigProxy]:
    """The proxy, with a clock of the test's own and no interval to keep."""
    with AppConfigProxy(ministack.url, Rules(enforce_interval=False), clock) as running:
        lead(monkeypatch, ministack.environment() | running.environment())
        yield running


@pytest.fixture
def place(appconfig: AppConfig) -> Place:
    """Where BODY is deployed."""
    place = new_place()
    appconfig.deploy(place.application, place.environment, place.profile, BODY, version_label="v1")
    return place


@pytest.fixture
def ours(proxy: AppConfigProxy, place: Place) -> Session:
    """A session that has received BODY."""
    ours = session(place, IMPATIENT)
    assert ours.poll() == CONTENT
    assert proxy.sessions() == 1
    return ours


def fails(ours: Session, kind: type[SourceError], reason: Reason, words: str) -> None:
    with pytest.raises(kind, match=words) as failed:
        ours.poll()
    assert failed.value.reason is reason
    assert "0123456789" not in f"{failed.value!r}"
    # Host and port may be shown. What comes after them in a URL holds the token.
    assert "://" not in f"{failed.value!r}"
    assert "configuration_token" not in f"{failed.value!r}"


def test_interval_not_kept(proxy: AppConfigProxy, ours: Session, clock: Clock) -> None:
    proxy.rules.enforce_interval = True
    with pytest.raises(TooEarlyError):
        ours.poll()
    clock.now += 60
    assert ours.poll() is None
    assert proxy.sessions() == 1


def test_interval_answered_wins(proxy: AppConfigProxy, ours: Session, clock: Clock) -> None:
    assert ours.interval == 60
    proxy.rules.poll_interval = 1
    proxy.rules.enforce_interval = True
    clock.now += 1
    assert ours.poll() is None
    assert ours.interval == 1


def test_expired_token(proxy: AppConfigProxy, ours: Session, clock: Clock) -> None:
    clock.now += 86_400
    assert ours.poll() == CONTENT, "delivered again, in a new session"
    assert proxy.sessions() == 2
    assert ours.poll() is None


def test_used_token(proxy: AppConfigProxy, ours: Session) -> None:
    """The newest one goes on, as recorded; an older one costs a new session."""
    used = ours._token
    assert ours.poll() is None
    ours._token = used
    assert ours.poll() is None
    assert proxy.sessions() == 1
    assert ours.poll() is None
    ours._token = used
    assert ours.poll() == CONTENT
    assert proxy.sessions() == 2
    assert len(proxy.replays()) == 2


def test_service_that_takes_no_token(proxy: AppConfigProxy, ours: Session) -> None:
    proxy.fail(LATEST, Fault.invalid("ConfigurationToken", "Corrupted"), times=None)
    fails(ours, TransientError, Reason.SERVICE_UNAVAILABLE, "rejected the token of a new session")
    assert proxy.sessions() == 2, "one new session a poll"


@pytest.mark.parametrize(
    ("fault", "kind", "reason", "words", "sessions"),
    [
        (Fault.throttled(), TransientError, Reason.THROTTLED, "throttled appconfig:GetLatest", KEPT),
        (Fault.internal_error(), TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 500", KEPT),
        (Fault.page(), TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 503", KEPT),
        (Fault.page(302), TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 302", KEPT),
        (
            Fault.access_denied(),
            StallingError,
            Reason.ACCESS_DENIED,
            "assumed-role/x/y is not allowed to call appconfig:",
            KEPT,
        ),
        (Fault.expired_credentials(), StallingError, Reason.ACCESS_DENIED, "ExpiredTokenException", KEPT),
        (Fault.unknown_credentials(), StallingError, Reason.ACCESS_DENIED, "UnrecognizedClientException", KEPT),
        (Fault.page(200), TransientError, Reason.SERVICE_UNAVAILABLE, "Check for a proxy in between", NEW),
        (Fault.hang(), TransientError, Reason.SERVICE_UNAVAILABLE, "ReadTimeoutError", NEW),
        (Fault.cut(), TransientError, Reason.SERVICE_UNAVAILABLE, "ConnectionClosedError", NEW),
        (Fault.truncated(), TransientError, Reason.SERVICE_UNAVAILABLE, r"read \(ProtocolError\)", NEW),
        (Fault.throttled().spoilt(Spoil.TRUNCATE), TransientError, Reason.SERVICE_UNAVAILABLE, "ProtocolError", NEW),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_polls_that_fail(  # noqa: PLR0913, PLR0917 - a row of the table
    proxy: AppConfigProxy,
    ours: Session,
    fault: Fault,
    kind: type[SourceError],
    reason: Reason,
    words: str,
    sessions: int,
) -> None:
    """The session goes on where it can, and starts over where it must, without a call that is refused."""
    proxy.fail(LATEST, fault)
    fails(ours, kind, reason, words)
    assert proxy.sessions() == 1
    content = ours.poll()
    assert proxy.sessions() == sessions
    assert content == (None if sessions == KEPT else CONTENT)
    assert proxy.calls(LATEST)[-1].status == 200
    assert proxy.count(LATEST) == 3


@pytest.mark.parametrize(
    ("fault", "kind", "reason", "words"),
    [
        (Fault.throttled(), TransientError, Reason.THROTTLED, "throttled appconfig:StartConfigurationSession"),
        (Fault.internal_error(), TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 500"),
        (Fault.page(), TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 503"),
        (Fault.page(200), TransientError, Reason.SERVICE_UNAVAILABLE, "Check for a proxy in between"),
        (
            Fault.access_denied("appconfig:StartConfigurationSession"),
            StallingError,
            Reason.ACCESS_DENIED,
            "is not allowed to call appconfig:StartConfigurationSession",
        ),
        (
            Fault.invalid("EnvironmentIdentifier", "Corrupted"),
            StallingError,
            Reason.INVALID_SOURCE,
            r"spec.environment \(Corrupted\)",
        ),
        (Fault.hang(), TransientError, Reason.SERVICE_UNAVAILABLE, "ReadTimeoutError"),
        (Fault.cut(), TransientError, Reason.SERVICE_UNAVAILABLE, "ConnectionClosedError"),
        (Fault.truncated(), TransientError, Reason.SERVICE_UNAVAILABLE, "ConnectionClosedError"),
        (
            Fault("no JSON object", Answer(201, {"Content-Type": "application/json"}, b'["a"]')),
            TransientError,
            Reason.SERVICE_UNAVAILABLE,
            r"read \(AttributeError\)",
        ),
        (
            Fault("not UTF-8", Answer(502, {"Content-Type": "text/html"}, b"<!DOCTYPE html>\xfc")),
            TransientError,
            Reason.SERVICE_UNAVAILABLE,
            r"read \(UnicodeDecodeError\)",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_starts_that_fail(  # noqa: PLR0913, PLR0917 - a row of the table
    proxy: AppConfigProxy, place: Place, fault: Fault, kind: type[SourceError], reason: Reason, words: str
) -> None:
    proxy.fail(START, fault)
    ours = session(place, IMPATIENT)
    fails(ours, kind, reason, words)
    assert ours.poll() == CONTENT


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("Deployment", Reason.NOT_DEPLOYED, "Nothing is deployed"),
        ("ConfigurationProfile", Reason.NOT_FOUND, "configuration profile .* does not exist"),
    ],
)
def test_when_the_configuration_is_gone_start_says_why(
    proxy: AppConfigProxy, ours: Session, kind: str, reason: Reason, words: str
) -> None:
    """Of a live token, AWS says only that there is no configuration, and quotes the token."""
    proxy.fail(LATEST, Fault.missing("Configuration", "ConfigurationToken", ours._token or ""))
    proxy.fail(START, Fault.missing(kind))
    fails(ours, SourceError, reason, words)
    assert ours.poll() == CONTENT, "what was made again is found by the next poll"
    assert (proxy.count(START), proxy.count(LATEST)) == (3, 3)


def test_a_bad_request_that_nobody_explains(proxy: AppConfigProxy, ours: Session) -> None:
    proxy.fail(LATEST, Fault.refused(400, "BadRequestException", "The key is disabled. (0123456789)"), times=None)
    fails(ours, StallingError, Reason.INVALID_SOURCE, 'The key is disabled. …"')
    assert (proxy.count(START), proxy.count(LATEST)) == (2, 3)
    fails(ours, StallingError, Reason.INVALID_SOURCE, "KMS key")
    assert (proxy.count(START), proxy.count(LATEST)) == (3, 4), "one session a poll"
    proxy.heal()
    assert ours.poll() == CONTENT


@pytest.mark.parametrize(
    ("sent", "time"), [("Mon, 28 Sep 2026 12:01:25 GMT", "2026-09-28T12:01:25Z"), ("Monday, at noon", "")]
)
def test_when_it_was_deployed(proxy: AppConfigProxy, place: Place, sent: str, time: str) -> None:
    """The header is in no service model, so it must come through botocore's parser on its own."""
    headers = {"Next-Poll-Configuration-Token": "next", "Next-Poll-Interval-In-Seconds": "15", "Last-Modified": sent}
    proxy.fail(LATEST, Fault("dated", Answer(200, headers, BODY)))
    received = session(place).poll()
    assert received is not None
    assert received.modified_time == time


def test_trickle(proxy: AppConfigProxy, place: Place) -> None:
    """Every byte comes before the read time-out, so only the bound of the whole body ends it."""
    proxy.fail(LATEST, Fault.trickle(pause=0.1))
    ours = session(place, Timeouts(read=5, body=0.5))
    began = time.monotonic()
    fails(ours, TransientError, Reason.SERVICE_UNAVAILABLE, r"not arrive within 0\.5 seconds")
    assert time.monotonic() - began < 5, "the body takes 20 s"
    assert ours.poll() == CONTENT
    assert proxy.sessions() == 2


def test_trickle_that_is_in_time(proxy: AppConfigProxy, place: Place) -> None:
    proxy.fail(LATEST, Fault.trickle(pause=0.01, pieces=10))
    assert session(place).poll() == CONTENT
    assert proxy.sessions() == 1


def test_one_attempt_only(proxy: AppConfigProxy, ours: Session) -> None:
    since = time.monotonic()
    proxy.fail(LATEST, Fault.internal_error(), times=None)
    fails(ours, TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 500")
    assert proxy.count(since=since) == 1
    proxy.heal()
    assert ours.poll() is None


@pytest.mark.parametrize(
    "nobody",
    [
        ("AWS_ENDPOINT_URL", "http://{}", "could not be reached at {} .EndpointConnectionError."),
        (
            "HTTP_PROXY",
            "http://{}",
            "could not be reached through the proxy {} .ProxyConnectionError.. Check that the proxy",
        ),
        ("HTTP_PROXY", "http://me:0123456789@{}", "could not be reached through the proxy {} .ProxyConnectionError."),
    ],
    ids=["service", "proxy", "proxy with a password"],
)
def test_nobody_there(
    proxy: AppConfigProxy, ours: Session, monkeypatch: pytest.MonkeyPatch, nobody: tuple[str, str, str]
) -> None:
    there = ours.clients
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    variable, url, words = nobody
    address = f"{LOOPBACK}:{free_ports(1)[0]}"
    monkeypatch.setenv(variable, url.format(address))
    ours.clients = Clients(workers=1, user_agent="test", timeouts=IMPATIENT)
    fails(ours, TransientError, Reason.SERVICE_UNAVAILABLE, words.format(address))
    ours.clients = there
    assert ours.poll() is None
    assert proxy.sessions() == 1, "the token was not sent"


def test_connection_is_used_again(proxy: AppConfigProxy, ours: Session) -> None:
    opened = len(proxy._server._open)
    for _ in range(5):
        assert ours.poll() is None
    assert len(proxy._server._open) == opened == 1
