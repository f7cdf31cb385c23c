"""What a session does with its tokens, and what it reports, by what AWS answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as botocore

from appconfig_operator.core.errors import (
    BlockedError,
    Reason,
    SourceError,
    StallingError,
    TooEarlyError,
    TransientError,
    WaitingError,
)
from appconfig_operator.core.formats.content import Content
from tests.unit.support.aws_stubs import SECRET, StubbedService, make_client, make_session, problem, stubbed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.aws.session import Session

URL = f"https://appconfigdata.eu-west-1.amazonaws.com/configuration?configuration_token={SECRET}"


@pytest.fixture(name="both")
def started() -> Iterator[tuple[Session, StubbedService]]:
    """A session that has received version 1 and holds token 2."""
    with stubbed() as (session, service):
        service.starts("1")
        service.delivers("1", "2", b"a: 1", label="v1", content_type="application/x-yaml", interval=60)
        assert session.poll() == Content(body=b"a: 1", content_type="application/x-yaml", version_label="v1")
        yield session, service


def assert_safe(error: BaseException) -> None:
    assert SECRET not in f"{error} {error!r} {error.args}"


def test_token_follows_token(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.delivers("2", "3")
    service.delivers("3", "4", b"a: 2", label="v2", content_type="application/x-yaml")
    service.delivers("4", "5")
    assert session.poll() is None
    assert session.poll() == Content(body=b"a: 2", content_type="application/x-yaml", version_label="v2")
    assert session.poll() is None


def test_interval_is_the_answered_one(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    assert session.interval == 60
    service.delivers("2", "3", interval=90)
    session.poll()
    assert session.interval == 90
    service.delivers("3", "4")
    session.poll()
    assert session.interval == 90, "kept when there is none"
    service.delivers("4", "5", interval=0)
    session.poll()
    assert session.interval == 1, "never without a pause"


def test_interval_is_the_asked_one_at_first() -> None:
    with stubbed() as (session, _):
        assert session.interval == 45


def test_label_repeated_with_nothing_new(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.delivers("2", "3", label="v1", content_type="application/x-yaml")
    assert session.poll() is None


def test_an_empty_body_is_nothing_new_whatever_its_label(both: tuple[Session, StubbedService]) -> None:
    """AWS stores no empty configuration. It must never empty a file that holds one."""
    session, service = both
    service.delivers("2", "3", label="v2", content_type="text/plain")
    service.delivers("3", "4", b"x", label="v2", content_type="text/plain")
    assert session.poll() is None
    assert session.poll() == Content(body=b"x", content_type="text/plain", version_label="v2")


def test_content_without_label_and_type() -> None:
    with stubbed() as (session, service):
        service.starts("1")
        service.delivers("1", "2", b"\x00\xff")
        assert session.poll() == Content(body=b"\x00\xff", content_type="", version_label="")


def test_not_deployed_until_something_is() -> None:
    with stubbed() as (session, service):
        for _ in range(2):
            service.refuses_start("ResourceNotFoundException", 404, ResourceType="Deployment")
        service.starts("1")
        service.delivers("1", "2", b"x")
        service.delivers("2", "3")
        for _ in range(2):
            with pytest.raises(WaitingError, match="checkout in environment production of application shop") as waiting:
                session.poll()
            assert waiting.value.reason is Reason.NOT_DEPLOYED
        assert session.poll() == Content(body=b"x", content_type="", version_label="")
        assert session.poll() is None


@pytest.mark.parametrize("label", [None, "v1"])
def test_an_empty_first_body_is_no_configuration(label: str | None) -> None:
    """AWS was never seen to answer so. Whatever it means, there is nothing to write."""
    with stubbed() as (session, service):
        service.starts("1")
        service.delivers("1", "2", label=label)
        service.delivers("2", "3", b"x")
        with pytest.raises(WaitingError) as waiting:
            session.poll()
        assert waiting.value.reason is Reason.NOT_DEPLOYED
        assert session.poll() == Content(body=b"x", content_type="", version_label="")


@pytest.mark.parametrize(
    "members", [problem("Corrupted"), problem("Expired"), {}], ids=["corrupted", "expired", "no-details"]
)
def test_bad_token_starts_a_session_at_once(both: tuple[Session, StubbedService], members: dict[str, Any]) -> None:
    session, service = both
    service.refuses("2", "BadRequestException", **members)
    service.starts("10")
    service.delivers("10", "11", b"a: 1", label="v1")
    service.delivers("11", "12")
    assert session.poll() == Content(body=b"a: 1", content_type="", version_label="v1"), "delivered again"
    assert session.poll() is None


def test_bad_token_starts_one_session_only(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.refuses("2", "BadRequestException", **problem("Expired"))
    service.starts("10")
    service.refuses("10", "BadRequestException", **problem("Corrupted"))
    with pytest.raises(TransientError) as refused:
        session.poll()
    assert refused.value.reason is Reason.SERVICE_UNAVAILABLE
    assert_safe(refused.value)
    service.starts("20")
    service.delivers("20", "21", b"x")
    assert session.poll() is not None


def test_a_new_session_when_nothing_is_deployed_any_more(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    service.refuses("2", "BadRequestException", **problem("Expired"))
    service.starts("10")
    service.delivers("10", "11")
    with pytest.raises(WaitingError):
        session.poll()


KMS = (
    "The ciphertext refers to a key that cannot be used. (Service: AWSKMS; Status Code: 400; Error Code: "
    "AccessDeniedException; Request ID: 7f9c24e8-3b12-4fef-91b2-0a4dc7a1b1c2; Proxy: null)"
)


def test_a_bad_request_that_is_not_explained_costs_one_session(both: tuple[Session, StubbedService]) -> None:
    """It may be about the token. When a token that is new is refused likewise, it is not."""
    session, service = both
    service.refuses("2", "BadRequestException", message=KMS)
    service.starts("10")
    service.refuses("10", "BadRequestException", message=KMS)
    with pytest.raises(StallingError, match="Error Code: AccessDeniedException; Request ID: … Proxy: null") as refused:
        session.poll()
    assert refused.value.reason is Reason.INVALID_SOURCE
    assert session.save() is None


EXPIRED = (
    "The security token included in the request is expired (Service: AWSKMS; Status Code: 400; Error Code: "
    "ExpiredTokenException; Request ID: 7f9c24e8-3b12-4fef-91b2-0a4dc7a1b1c2; Proxy: null)"
)


def test_a_token_that_is_not_the_sessions_is_what_aws_says(both: tuple[Session, StubbedService]) -> None:
    """Credentials have tokens, too."""
    session, service = both
    service.refuses("2", "BadRequestException", message=EXPIRED)
    service.starts("10")
    service.refuses("10", "BadRequestException", message=EXPIRED)
    with pytest.raises(StallingError, match="The security token included in the request is expired") as refused:
        session.poll()
    assert refused.value.reason is Reason.INVALID_SOURCE


@pytest.mark.parametrize("members", [{}, problem("Corrupted")], ids=["unexplained", "corrupted"])
def test_a_session_that_is_refused_from_the_start_is_started_once_a_poll(members: dict[str, Any]) -> None:
    with stubbed() as (session, service):
        for _ in range(3):
            service.starts("1")
            service.refuses("1", "BadRequestException", **members)
            with pytest.raises(SourceError) as refused:
                session.poll()
            assert_safe(refused.value)
        service.starts("2")
        service.delivers("2", "3", b"x")
        assert session.poll() is not None, "it has passed"


@pytest.mark.parametrize(
    ("message", "members"),
    [(SECRET, problem("PollIntervalNotSatisfied")), (f"Request too early {SECRET}", {})],
    ids=["details", "message"],
)
def test_too_early_keeps_the_token(both: tuple[Session, StubbedService], message: str, members: dict[str, Any]) -> None:
    session, service = both
    service.refuses("2", "BadRequestException", message=message, **members)
    service.delivers("2", "3")
    with pytest.raises(TooEarlyError) as early:
        session.poll()
    assert_safe(early.value)
    assert session.poll() is None


@pytest.mark.parametrize(
    ("code", "status", "kind", "reason"),
    [
        ("ThrottlingException", 429, TransientError, Reason.THROTTLED),
        ("InternalServerException", 500, TransientError, Reason.SERVICE_UNAVAILABLE),
        ("503", 503, TransientError, Reason.SERVICE_UNAVAILABLE),
        ("AccessDeniedException", 403, StallingError, Reason.ACCESS_DENIED),
        ("ExpiredTokenException", 403, StallingError, Reason.ACCESS_DENIED),
        ("UnrecognizedClientException", 403, StallingError, Reason.ACCESS_DENIED),
    ],
)
def test_refusals_that_keep_the_token(
    both: tuple[Session, StubbedService], code: str, status: int, kind: type[SourceError], reason: Reason
) -> None:
    session, service = both
    service.refuses("2", code, status)
    service.delivers("2", "3")
    with pytest.raises(kind) as refused:
        session.poll()
    assert refused.value.reason is reason
    assert_safe(refused.value)
    assert session.poll() is None


def gone(service: StubbedService, token: str) -> None:
    """What AWS answers when the only deployment was undone, or what the session was for has been deleted."""
    service.refuses(
        token,
        "ResourceNotFoundException",
        404,
        ResourceType="Configuration",
        ReferencedBy={"ConfigurationToken": SECRET},
    )


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        ("Deployment", WaitingError, Reason.NOT_DEPLOYED),
        ("ConfigurationProfile", BlockedError, Reason.NOT_FOUND),
        ("Environment", BlockedError, Reason.NOT_FOUND),
        ("Application", BlockedError, Reason.NOT_FOUND),
    ],
)
def test_when_the_configuration_is_gone_start_says_why(
    both: tuple[Session, StubbedService], kind: str, error: type[SourceError], reason: Reason
) -> None:
    session, service = both
    gone(service, "2")
    service.refuses_start("ResourceNotFoundException", 404, ResourceType=kind)
    with pytest.raises(error) as caught:
        session.poll()
    assert caught.value.reason is reason
    assert_safe(caught.value)
    assert session.save() is None
    service.starts("10")
    service.delivers("10", "11", b"x")
    assert session.poll() is not None, "the next poll finds what was made again"


def test_what_was_made_again_between_two_polls_is_found_by_the_next(both: tuple[Session, StubbedService]) -> None:
    session, service = both
    gone(service, "2")
    service.starts("10")
    service.delivers("10", "11", b"new", label="v1")
    assert session.poll() == Content(body=b"new", content_type="", version_label="v1")


def test_a_new_session_with_its_configuration_gone_is_started_once_a_poll() -> None:
    with stubbed() as (session, service):
        for _ in range(2):
            service.starts("1")
            gone(service, "1")
            with pytest.raises(WaitingError) as waiting:
                session.poll()
            assert_safe(waiting.value)
            assert session.save() is None


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Mon, 28 Sep 2026 12:01:25 GMT", "2026-09-28T12:01:25Z"),
        ("Mon, 28 Sep 2026 12:01:25 GMT; drop", "2026-09-28T12:01:25Z"),
        ("Mon, 28 Sep 2026 12:01:25 +0200", "2026-09-28T10:01:25Z"),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_when_it_was_deployed(header: str | None, time: str) -> None:
    with stubbed() as (session, service):
        service.starts("1")
        service.delivers("1", "2", b"x", modified=header)
        assert session.poll() == Content(body=b"x", content_type="", version_label="", modified_time=time)


def test_refused_start_is_tried_again() -> None:
    with stubbed() as (session, service):
        service.refuses_start("ResourceNotFoundException", 404, ResourceType="Application")
        service.starts("1")
        service.delivers("1", "2", b"x")
        with pytest.raises(StallingError, match="application shop does not exist") as refused:
            session.poll()
        assert_safe(refused.value)
        assert session.poll() is not None


@pytest.mark.parametrize("token", ["", None], ids=["empty", "missing"])
def test_answer_without_next_token(both: tuple[Session, StubbedService], token: str | None) -> None:
    session, service = both
    service.delivers("2", token, b"<html>log in</html>", content_type="text/html")
    service.starts("10")
    service.delivers("10", "11", b"x")
    with pytest.raises(TransientError, match="Check for a proxy in between"):
        session.poll()
    assert session.poll() == Content(body=b"x", content_type="", version_label="")


def test_start_without_token() -> None:
    with stubbed() as (session, service):
        service.starts("")
        with pytest.raises(TransientError, match="Check for a proxy in between"):
            session.poll()


def with_failing_call(error: Exception) -> Session:
    """Make a session that holds token 1, whose calls end in an error."""
    client = make_client()

    def fail(**_: object) -> None:
        raise error

    client.meta.events.register("before-send.appconfigdata", fail)
    session = make_session(client)
    session._token = SECRET
    return session


@pytest.mark.parametrize(
    "error",
    [
        botocore.EndpointConnectionError(endpoint_url=URL),
        botocore.ConnectTimeoutError(endpoint_url=URL),
        botocore.ProxyConnectionError(proxy_url=URL),
        botocore.NoCredentialsError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_not_sent_keeps_the_token(error: Exception) -> None:
    session = with_failing_call(error)
    with pytest.raises(SourceError, match=type(error).__name__) as failed:
        session.poll()
    assert_safe(failed.value)
    assert session._token == SECRET


@pytest.mark.parametrize(
    "error",
    [
        botocore.ReadTimeoutError(endpoint_url=URL),
        botocore.ConnectionClosedError(endpoint_url=URL),
        botocore.SSLError(endpoint_url=URL, error=OSError(SECRET)),
        botocore.HTTPClientError(error=OSError(SECRET)),
        ValueError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_lost_half_way_drops_the_token(error: Exception) -> None:
    session = with_failing_call(error)
    with pytest.raises(TransientError, match=r"could not be (reached|read)") as failed:
        session.poll()
    assert failed.value.reason is Reason.SERVICE_UNAVAILABLE
    assert_safe(failed.value)
    assert session._token is None


def test_repr_shows_no_token(both: tuple[Session, StubbedService]) -> None:
    session, _ = both
    session._token = SECRET
    assert SECRET not in repr(session)
    assert "checkout" in repr(session)
