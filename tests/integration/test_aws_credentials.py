"""A role by web identity (IRSA), as botocore gets it from STS, and what a session reports when it does not get it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.errors import Reason, SourceError, StallingError, TransientError
from sandbox.aws.data_plane import Answer, AppConfigProxy, Fault, Operation
from tests.integration.support.aws_access import IMPATIENT, lead, new_place, session

if TYPE_CHECKING:
    from pathlib import Path

    from appconfig_operator.aws.session import Session
    from sandbox import AppConfig, MiniStack

SECRET = "eyJhbGciOi-not-to-be-shown"
ROLE = "arn:aws:iam::000000000000:role/shop"
DENIED = f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity {SECRET}</Message></Error>
<RequestId>1</RequestId></ErrorResponse>"""
REFUSED = Fault("AccessDenied of STS", Answer(403, {"Content-Type": "text/xml"}, DENIED.encode()))


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """The token of the ServiceAccount."""
    path = tmp_path / "token"
    path.write_text(SECRET)
    return path


@pytest.fixture
def ours(
    appconfig: AppConfig,
    ministack: MiniStack,
    proxy: AppConfigProxy,
    monkeypatch: pytest.MonkeyPatch,
    token_file: Path,
) -> Session:
    """A session that needs the role, and something to receive."""
    environment = ministack.environment() | proxy.environment()
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    role = {"AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_NAME": "operator", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file)}
    lead(monkeypatch, environment | role)
    proxy.rules.enforce_interval = False
    place = new_place()
    appconfig.deploy(place.application, place.environment, place.profile, b"x")
    return session(place, IMPATIENT)


def outlive(ours: Session) -> None:
    """Let the credentials be over, in botocore's cache as well."""
    found = ours.clients._own._found.value
    assert found is not None
    credentials: Any = found.source
    credentials._expiry_time = datetime(2020, 1, 1, tzinfo=UTC)
    credentials._refresh_using.__self__._cache.clear()


def forget_failure(ours: Session) -> None:
    """Let the second pass after which credentials that could not be had are looked for again."""
    ours.clients._own._found._again = 0.0


def test_role(proxy: AppConfigProxy, ours: Session) -> None:
    assert ours.poll() is not None
    assert ours.poll() is None
    assert proxy.sessions() == 1
    assert ours.clients.get(None).account == "000000000000", "that of the role, whose quotas it uses"


@pytest.mark.parametrize(
    ("fault", "kind", "reason", "words"),
    [
        (REFUSED, StallingError, Reason.CREDENTIALS_UNAVAILABLE, r"AssumeRoleWithWebIdentity \(AccessDenied\)"),
        (Fault.page(503), TransientError, Reason.SERVICE_UNAVAILABLE, r"AssumeRoleWithWebIdentity.*HTTP 503"),
        (Fault.hang(), TransientError, Reason.SERVICE_UNAVAILABLE, "ReadTimeoutError"),
        (Fault.cut(), TransientError, Reason.SERVICE_UNAVAILABLE, "ConnectionClosedError"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_role_not_had(  # noqa: PLR0913, PLR0917 - a row of the table
    proxy: AppConfigProxy, ours: Session, fault: Fault, kind: type[SourceError], reason: Reason, words: str
) -> None:
    proxy.fail(Operation.OTHER, fault)
    with pytest.raises(kind, match=words) as failed:
        ours.poll()
    assert failed.value.reason is reason
    assert SECRET not in repr(failed.value)
    assert proxy.calls() == []
    forget_failure(ours)
    assert ours.poll() is not None


def test_role_is_renewed_with_the_new_token(proxy: AppConfigProxy, ours: Session, token_file: Path) -> None:
    ours.poll()
    token_file.unlink()
    outlive(ours)
    with pytest.raises(StallingError, match="FileNotFoundError") as failed:
        ours.poll()
    assert failed.value.reason is Reason.CREDENTIALS_UNAVAILABLE
    token_file.write_text("another")
    forget_failure(ours)
    assert ours.poll() is None
    assert proxy.sessions() == 1, "the token was not sent meanwhile"
