"""Sessions that are saved and continued, and calls that wait for their turn: no token is lost or used twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber

from appconfig_operator.aws.rate_limits import LATEST, START, RateLimits
from appconfig_operator.aws.service import AppConfig
from appconfig_operator.core.errors import RateLimitedError, SourceError, StallingError, TooEarlyError, WaitingError
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.sharding.handover import SavedSession
from tests.support.builders import source, spec
from tests.unit.support.aws_stubs import SECRET, StubbedService, make_client, make_session, problem, stubbed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_mock import MockerFixture

    from appconfig_operator.aws.rate_limits import Operation
    from appconfig_operator.aws.session import Session

SAVED = SavedSession(token="2", interval=90, delivered=True)
ACCOUNT, REGION = "111122223333", "eu-west-1"


@pytest.fixture(name="both")
def restored() -> Iterator[tuple[Session, StubbedService]]:
    """A session that continues another one with token 2."""
    with stubbed() as (session, service):
        session.restore(SAVED)
        yield session, service


def test_what_is_saved_is_what_is_continued(both: tuple[Session, StubbedService]) -> None:
    session, _ = both
    assert session.interval == 90
    assert session.save() == SAVED


def test_a_session_is_saved_with_its_next_token() -> None:
    with stubbed() as (session, service):
        assert session.save() is None, "there is no token before the first call"
        service.starts("1")
        service.delivers("1", "2", b"x", label="v1", interval=90)
        session.poll()
        assert session.save() == SAVED
        service.delivers("2", "3")
        session.poll()
        assert session.save() == SavedSession(token="3", interval=90, delivered=True)


def test_nothing_new_is_no_content(both: tuple[Session, StubbedService]) -> None:
    """Also where the service repeats the label, as it does at times."""
    session, service = both
    service.delivers("2", "3", label="v1")
    assert session.poll() is None


def test_a_new_version(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.delivers("2", "3", b"new", label="v2", interval=60)
    assert session.poll() == Content(body=b"new", content_type="", version_label="v2")
    assert session.save() == SavedSession(token="3", interval=60, delivered=True)


def test_before_the_first_version() -> None:
    with stubbed() as (session, service):
        session.restore(SavedSession(token="2", interval=60, delivered=False))
        service.delivers("2", "3")
        with pytest.raises(WaitingError):
            session.poll()
        saved = session.save()
        assert saved is not None
        assert not saved.delivered


def test_a_token_that_is_no_longer_accepted_costs_a_new_session(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.refuses("2", "BadRequestException", **problem("Expired"))
    service.starts("10")
    service.delivers("10", "11", b"x", label="v1")
    assert session.poll() is not None


def test_a_token_of_another_account(both: tuple[Session, StubbedService]) -> None:
    """The operator's own identity may have changed since. The token is good for a day, and would be refused as long."""
    session, service = both
    service.refuses("2", "AccessDeniedException", 403)
    service.starts("10")
    service.delivers("10", "11", b"x", label="v1")
    assert session.poll() is not None


def test_a_denied_identity_is_reported(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.refuses("2", "AccessDeniedException", 403)
    service.refuses_start("AccessDeniedException", 403)
    with pytest.raises(StallingError):
        session.poll()
    assert session.save() is None
    service.refuses_start("AccessDeniedException", 403)
    with pytest.raises(StallingError):
        session.poll()


def test_a_new_session_is_not_another_ones(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.refuses("2", "BadRequestException", **problem("Expired"))
    service.starts("10")
    service.refuses("10", "AccessDeniedException", 403)
    with pytest.raises(StallingError, match="is not allowed to call"):
        session.poll()
    saved = session.save()
    assert saved is not None
    assert saved.token == "10"


@pytest.mark.parametrize("first", ["delivers", "starts"])
def test_a_token_that_was_good_here_is_kept_when_access_is_denied(
    both: tuple[Session, StubbedService], first: str
) -> None:
    """When access is granted again, the session goes on as it was: a new one could bring an older version."""
    session, service = both
    if first == "starts":
        service.refuses("2", "BadRequestException", **problem("Expired"))
        service.starts("2")
    service.delivers("2", "3", b"x", label="v2")
    session.poll()
    service.refuses("3", "AccessDeniedException", 403)
    with pytest.raises(StallingError):
        session.poll()
    service.delivers("3", "4")
    assert session.poll() is None


@pytest.mark.parametrize(
    ("code", "status", "members", "kept"),
    [
        ("ThrottlingException", 429, {}, True),
        ("InternalServerException", 500, {}, True),
        ("BadRequestException", 400, problem("PollIntervalNotSatisfied"), True),
        ("ResourceNotFoundException", 404, {"ResourceType": "Application"}, False),
    ],
)
def test_what_a_refusal_leaves_to_save(
    both: tuple[Session, StubbedService], code: str, status: int, members: dict[str, Any], *, kept: bool
) -> None:
    session, service = both
    service.refuses("2", code, status, **members)
    with pytest.raises((SourceError, TooEarlyError)):
        session.poll()
    assert session.save() == (SAVED if kept else None)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ConnectTimeoutError(endpoint_url="https://aws"), True),
        (ReadTimeoutError(endpoint_url="https://aws"), False),
        (RuntimeError("not foreseen"), False),
    ],
    ids=["not sent", "lost", "not foreseen"],
)
def test_what_a_lost_call_leaves_to_save(mocker: MockerFixture, error: Exception, *, kept: bool) -> None:
    client = make_client()
    mocker.patch.object(client, "get_latest_configuration", side_effect=error)
    session = make_session(client)
    session.restore(SAVED)
    with pytest.raises(SourceError):
        session.poll()
    assert session.save() == (SAVED if kept else None)


def test_a_call_under_way_leaves_nothing_to_save(mocker: MockerFixture) -> None:
    """It may never come back: the worker is cut off when the process ends."""
    seen: list[SavedSession | None] = []

    def look(**_: object) -> None:
        seen.append(session.save())
        raise KeyboardInterrupt

    client = make_client()
    mocker.patch.object(client, "get_latest_configuration", side_effect=look)
    session = make_session(client)
    session.restore(SAVED)
    with pytest.raises(KeyboardInterrupt):
        session.poll()
    assert seen == [None]
    assert session.save() is None


def test_no_token_is_shown(both: tuple[Session, StubbedService]) -> None:
    session, _ = both
    session.restore(SavedSession(token=SECRET, interval=60, delivered=True))
    assert SECRET not in f"{session!r}{session.save()!r}"


def test_the_service_continues_a_session() -> None:
    service = AppConfig(workers=1, user_agent="test")
    wanted = source(spec=spec(poll_interval_seconds=45))
    assert service.session(wanted, SAVED).save() == SAVED
    assert service.session(wanted).save() is None
    assert service.session(wanted).interval == 45


def test_all_sessions_share_the_limits() -> None:
    """5 of 500 starts a second, for two replicas: one at once, and the next in 0.4 s."""
    service = AppConfig(workers=1, user_agent="test", quota_percent=1, replicas=lambda: 2)
    first, second = (service.session(source()).limits for _ in range(2))
    assert first.take(ACCOUNT, REGION, START) == 0
    assert second.take(ACCOUNT, REGION, START) == pytest.approx(0.4, abs=0.1)


class ScriptedLimits(RateLimits):
    """Makes calls wait as often as a test says, and records what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.asked: list[tuple[str, str, Operation, bool]] = []
        self.slowed: Counter[tuple[str, str, Operation]] = Counter()

    def take(self, account: str, region: str, operation: Operation, *, waited: bool = False) -> float:
        self.asked.append((account, region, operation, waited))
        return self.waits.pop(0) if self.waits else 0.0

    def throttled(self, account: str, region: str, operation: Operation) -> None:
        self.slowed[account, region, operation] += 1


@pytest.fixture
def limits() -> ScriptedLimits:
    return ScriptedLimits()


@pytest.fixture
def paced(limits: ScriptedLimits) -> Iterator[tuple[Session, StubbedService]]:
    client = make_client()
    with Stubber(client) as stubber:
        yield make_session(client, limits=limits), StubbedService(stubber)
        stubber.assert_no_pending_responses()


def test_a_turn_for_each_call(paced: tuple[Session, StubbedService], limits: ScriptedLimits) -> None:
    session, service = paced
    service.starts("1")
    service.delivers("1", "2", b"x")
    session.poll()
    assert limits.asked == [(ACCOUNT, REGION, START, False), (ACCOUNT, REGION, LATEST, False)]


def test_nothing_is_sent_out_of_turn(paced: tuple[Session, StubbedService], limits: ScriptedLimits) -> None:
    session, service = paced
    limits.waits = [2.5, 0.5]
    for seconds in (2.5, 0.5):
        with pytest.raises(RateLimitedError) as caught:
            session.poll()
        assert caught.value.seconds == seconds
        assert session.save() is None
    service.starts("1")
    service.delivers("1", "2", b"x")
    assert session.poll() is not None
    assert [(operation, waited) for *_, operation, waited in limits.asked] == [
        (START, False),
        (START, True),
        (START, True),
        (LATEST, False),
    ]


def test_a_session_that_was_started_waits_with_its_token(
    paced: tuple[Session, StubbedService], limits: ScriptedLimits
) -> None:
    session, service = paced
    limits.waits = [0, 2.5]
    service.starts("1")
    with pytest.raises(RateLimitedError):
        session.poll()
    assert session.save() == SavedSession(token="1", interval=45, delivered=False)
    service.delivers("1", "2", b"x")
    assert session.poll() is not None, "without another start"


def test_a_token_is_kept_while_it_waits(paced: tuple[Session, StubbedService], limits: ScriptedLimits) -> None:
    session, service = paced
    session.restore(SAVED)
    limits.waits = [2.5]
    with pytest.raises(RateLimitedError):
        session.poll()
    assert session.save() == SAVED
    service.delivers("2", "3")
    assert session.poll() is None


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_slows_down_all(paced: tuple[Session, StubbedService], limits: ScriptedLimits, code: str) -> None:
    session, service = paced
    service.refuses_start(code, 429)
    service.starts("1")
    service.refuses("1", code, 429)
    service.refuses("1", "InternalServerException", 500)
    for _ in range(3):
        with pytest.raises(SourceError):
            session.poll()
    assert limits.slowed == {(ACCOUNT, REGION, START): 1, (ACCOUNT, REGION, LATEST): 1}
    service.delivers("1", "2", b"x")
    session.poll()
