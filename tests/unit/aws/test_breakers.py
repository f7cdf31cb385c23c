"""Calls to an endpoint that does not answer: paused for one namespace, identity and region, and for nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from botocore import exceptions as botocore
from botocore.stub import Stubber

from appconfig_operator.aws import breakers as module
from appconfig_operator.aws.breakers import Breakers, Key
from appconfig_operator.aws.connection_errors import ADVICE, Route, route_of, unanswered
from appconfig_operator.aws.responses import SlowBodyError, UnreadableAnswerError
from appconfig_operator.aws.session import Session
from appconfig_operator.core.errors import RateLimitedError, Reason, SourceError, TransientError, WaitingError
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.identity import OPERATOR, Identity
from tests.unit.support.aws_stubs import IDENTIFIERS, SECRET, FixedClients, StubbedService, make_client, unhurried

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_mock import MockerFixture

HOST = "appconfigdata.eu-west-1.amazonaws.com"
URL = f"https://{HOST}:443/configuration?configuration_token={SECRET}"
KEY = Key("shop", OPERATOR, "eu-west-1")


@dataclass
class TimedBreakers:
    """Breakers, and the time."""

    now: float = 1000.0
    paused: int = 0
    breakers: Breakers = field(init=False)

    def __post_init__(self) -> None:
        self.breakers = Breakers(monotonic=lambda: self.now, random=lambda: 0.0, on_pause=self.pause)

    def pause(self) -> None:
        self.paused += 1

    def miss(self, key: Key = KEY, times: int = 3) -> None:
        for _ in range(times):
            self.breakers.missed(key, Route(f"at {HOST}", ADVICE), probe=False)

    def session(self, call: Callable[..., object], namespace: str = "shop") -> Session:
        client = make_client()
        vars(client)["start_configuration_session"] = call
        return Session(
            FixedClients(client),
            IDENTIFIERS,
            region="eu-west-1",
            interval=45,
            limits=unhurried(),
            breakers=self.breakers,
            namespace=namespace,
        )


def test_what_is_said_while_calls_are_paused() -> None:
    scene = TimedBreakers()
    scene.miss()
    messages = set()
    for _ in range(3):
        scene.now += 1
        with pytest.raises(TransientError) as paused:
            scene.breakers.enter(KEY)
        messages.add(paused.value.message)
    assert paused.value.reason is Reason.SERVICE_UNAVAILABLE
    assert paused.value.retry_after == 2
    words = (
        f"AWS AppConfig at {HOST} did not answer 3 or more calls in a row, so calls to it are paused for about 5 s at "
        "a time. Check the region and the operator's network path to that host."
    )
    assert messages == {words}, "the same words each time, or each would be a write of the status"
    assert scene.paused == 3


@pytest.mark.parametrize(
    "other",
    [
        Key("other", OPERATOR, "eu-west-1"),
        Key("shop", Identity("shop", secret="aws"), "eu-west-1"),
        Key("shop", OPERATOR, "eu-central-1"),
        Key("shop", OPERATOR, None),
    ],
    ids=["namespace", "identity", "region", "own region"],
)
def test_others_are_not_delayed(other: Key) -> None:
    scene = TimedBreakers()
    scene.miss()
    assert not scene.breakers.enter(other)
    assert scene.breakers.open() == 1


def test_an_answer_ends_it() -> None:
    scene = TimedBreakers()
    scene.miss(times=2)
    scene.breakers.answered(KEY)
    scene.miss(times=2)
    assert not scene.breakers.enter(KEY), "not three in a row"
    scene.miss(times=1)
    scene.now += 5
    assert scene.breakers.enter(KEY)
    scene.breakers.answered(KEY)
    assert not scene.breakers.enter(KEY)
    assert scene.breakers.open() == 0
    scene.breakers.leave(KEY)
    assert not scene.breakers._kept


def test_one_probe_at_a_time() -> None:
    scene = TimedBreakers()
    scene.miss()
    scene.now += 5
    assert scene.breakers.enter(KEY)
    with pytest.raises(TransientError) as paused:
        scene.breakers.enter(KEY)
    assert paused.value.retry_after == 5
    scene.breakers.leave(KEY)
    assert scene.breakers.enter(KEY)
    scene.breakers.missed(KEY, Route(), probe=True)
    with pytest.raises(TransientError, match=r"^AWS AppConfig did not answer .* about 10 s"):
        scene.breakers.enter(KEY)


@pytest.mark.parametrize(
    ("error", "who", "advice"),
    [
        (
            botocore.ProxyConnectionError(proxy_url=f"http://me:{SECRET}@proxy.example:3128", error=OSError(SECRET)),
            "The proxy proxy.example:3128, through which AWS AppConfig is reached, did",
            "HTTPS_PROXY and NO_PROXY",
        ),
        (
            botocore.ProxyConnectionError(proxy_url=f"me:{SECRET}@proxy.example:3128", error=OSError(SECRET)),
            "The proxy that HTTPS_PROXY names, through which AWS AppConfig is reached, did",
            "HTTPS_PROXY and NO_PROXY",
        ),
        (botocore.SSLError(endpoint_url=URL, error=OSError(SECRET)), f"AWS AppConfig at {HOST}:443 did", "AWS_CA_BUND"),
        (botocore.ReadTimeoutError(endpoint_url=URL), f"AWS AppConfig at {HOST}:443 did", "network path to that host"),
        (SlowBodyError(seconds=1.0), "AWS AppConfig did", "region, DNS, proxy"),
    ],
    ids=["proxy", "proxy without a scheme", "TLS", "timeout", "no host"],
)
def test_the_remedy_stays_while_calls_are_paused(error: Exception, who: str, advice: str) -> None:
    scene = TimedBreakers()
    for _ in range(3):
        scene.breakers.missed(KEY, route_of(error), probe=False)
    with pytest.raises(TransientError) as paused:
        scene.breakers.enter(KEY)
    assert paused.value.message.startswith(f"{who} not answer 3 or more calls")
    assert advice in paused.value.message
    assert SECRET not in paused.value.message


def test_what_nobody_uses_is_forgotten() -> None:
    scene = TimedBreakers()
    scene.miss()
    scene.now += module.IDLE_SECONDS + 1
    assert scene.breakers.open() == 0
    assert not scene.breakers._kept


def test_there_are_never_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant can name any region."""
    monkeypatch.setattr(module, "LIMIT", 5)
    scene = TimedBreakers()
    for number in range(50):
        scene.miss(Key("shop", OPERATOR, str(number)))
    assert [key.region for key in scene.breakers._kept] == ["45", "46", "47", "48", "49"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (botocore.ReadTimeoutError(endpoint_url=URL), True),
        (botocore.ConnectTimeoutError(endpoint_url=URL), True),
        (botocore.EndpointConnectionError(endpoint_url=URL), True),
        (botocore.ConnectionClosedError(endpoint_url=URL), True),
        (botocore.ProxyConnectionError(proxy_url=URL), True),
        (botocore.SSLError(endpoint_url=URL, error=OSError()), True),
        (SlowBodyError(seconds=30), True),
        (UnreadableAnswerError(kind="ReadTimeoutError"), True),
        (UnreadableAnswerError(kind="JSONDecodeError"), False),
        (botocore.ClientError({"Error": {"Code": "InternalServerException"}}, "GetLatestConfiguration"), False),
        (botocore.NoCredentialsError(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_counts_as_no_answer(error: Exception, expected: bool) -> None:  # noqa: FBT001 (a row of the table)
    assert unanswered(error) is expected


def hang(**_: object) -> object:
    raise botocore.ReadTimeoutError(endpoint_url=URL)


def test_sources_that_hang_make_fewer_and_fewer_calls(mocker: MockerFixture) -> None:
    """20 sources that come every second: 3 calls, and then one for each pause."""
    scene = TimedBreakers()
    call = mocker.Mock(side_effect=hang)
    sessions = [scene.session(call) for _ in range(20)]
    for _ in range(136):
        for session in sessions:
            with pytest.raises(TransientError) as failed:
                session.poll()
            assert SECRET not in failed.value.message
        scene.now += 1
    assert call.call_count == 3 + 5  # after 5, 10, 20, 40 and 60 s
    assert scene.paused == 136 * 20 - 8


def test_a_paused_poll_uses_neither_client_nor_token(mocker: MockerFixture) -> None:
    scene = TimedBreakers()
    session = scene.session(mocker.Mock(side_effect=hang))
    session._token = "good"
    scene.miss()
    got = mocker.spy(FixedClients, "get")
    with pytest.raises(TransientError, match="paused"):
        session.poll()
    assert session._token == "good"
    assert got.call_count == 0


def test_a_session_that_is_answered_goes_through() -> None:
    """Failing ones do not pause a healthy one beside them, and it ends the pause for all."""
    scene = TimedBreakers()
    client = make_client()
    with Stubber(client) as stubber:
        service = StubbedService(stubber)
        session = Session(
            FixedClients(client),
            IDENTIFIERS,
            "eu-west-1",
            45,
            limits=unhurried(),
            breakers=scene.breakers,
            namespace="shop",
        )
        service.starts("1")
        service.delivers("1", "2", b"x")
        assert session.poll() == Content(body=b"x", content_type="", version_label="")
        scene.miss()
        assert scene.breakers.open() == 1
        service.delivers("2", "3")
        assert session.poll() is None
        assert scene.breakers.open() == 0
        service.refuses("3", "InternalServerException", 500)
        scene.miss()
        with pytest.raises(SourceError):
            session.poll()
        assert scene.breakers.open() == 0, "an error of HTTP is an answer"
        service.delivers("3", "4")
        assert session.poll() is None


def test_a_session_that_was_answered_and_hangs_is_paused_like_others(mocker: MockerFixture) -> None:
    scene = TimedBreakers()
    session = scene.session(mocker.Mock(side_effect=hang))
    session._answered = True
    scene.miss()
    with pytest.raises(TransientError, match="ReadTimeoutError"):
        session.poll()
    with pytest.raises(TransientError, match="paused"):
        session.poll()


@pytest.mark.parametrize("error", [RateLimitedError(1), WaitingError(Reason.NOT_DEPLOYED, "x"), ZeroDivisionError()])
def test_a_probe_that_makes_no_call_leaves_its_turn_to_another(mocker: MockerFixture, error: Exception) -> None:
    scene = TimedBreakers()
    session = scene.session(mocker.Mock(side_effect=hang))
    scene.miss()
    scene.now += 5
    mocker.patch.object(FixedClients, "get", side_effect=error)
    with pytest.raises(type(error)):
        session.poll()
    assert scene.breakers.enter(KEY)
