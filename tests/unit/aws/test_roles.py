"""Roles by STS: what it is asked, what its errors are translated to, and what is shared."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as botocore
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.stub import Stubber

from appconfig_operator.aws.calls import Calls
from appconfig_operator.aws.clients import Clients
from appconfig_operator.aws.credential_errors import role_refused
from appconfig_operator.aws.regional import Regional
from appconfig_operator.aws.responses import UnreadableAnswerError
from appconfig_operator.aws.roles import Basis, Roles, read_basis
from appconfig_operator.aws.signing import _acting, acting
from appconfig_operator.core.errors import Reason, SourceError, StallingError, TransientError
from appconfig_operator.core.identity import AccessKeys, Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sts import STSClient
    from pytest_mock import MockerFixture

REGION = "eu-west-1"
ROLE = "arn:aws:iam::111122223333:role/shop"
TOP = "arn:aws:iam::444455556666:role/reader"
TOKEN = "hunter2.token.of-the-account"
BY_ACCOUNT = Identity("shop", service_account="cart")
BY_SECRET = Identity("shop", secret="aws")
KEYS = AccessKeys("AKIA1", "hunter2", "hunter2-session")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeIdentities:
    trouble: SourceError | None = None
    tokens: list[tuple[str, str]] = field(default_factory=list)

    def role_arn(self, namespace: str, name: str) -> str:
        return f"{ROLE}-of-{namespace}-{name}"

    def keys(self, namespace: str, name: str) -> AccessKeys:
        return AccessKeys(namespace, name)

    def token(self, namespace: str, name: str) -> str:
        self.tokens.append((namespace, name))
        if self.trouble:
            raise self.trouble
        return TOKEN


class StubbedRegional(Regional):
    """STS answers what a test says; who signs is remembered."""

    def __init__(self) -> None:
        super().__init__(Config(), Calls(None, lambda: 0.0))
        self.stubs: list[tuple[STSClient, Stubber]] = []
        self.signed_by: list[str | None] = []
        self.proven: list[object] = []

    def sts(self, region: str | None) -> STSClient:
        assert region == REGION
        client, _ = self.stubs.pop(0)
        client.meta.events.register("before-parameter-build", self._look)
        return client

    def _look(self, **_: object) -> None:
        acting = _acting.get()
        self.signed_by.append(acting.access_key if acting else None)

    def answered(self, service: str, region: str | None, client: object) -> None:
        assert (service, region) == ("sts", REGION)
        self.proven.append(client)


class StubbedRoles(Roles):
    """At a stubbed STS."""

    def __init__(self, identities: FakeIdentities) -> None:
        self.stubbed = StubbedRegional()
        super().__init__(identities=identities, regional=self.stubbed, utc_now=lambda: NOW)

    @property
    def signed_by(self) -> list[str | None]:
        return self.stubbed.signed_by

    def expect(self, method: str, params: dict[str, Any], key: str = "ASIA1", hours: float = 1) -> None:
        client, stubber = self._next()
        stubber.add_response(method, {"Credentials": answer(key, hours)}, params)
        self.stubbed.stubs.append((client, stubber))

    def expect_refusal(self, method: str, code: str, status: int = 403, message: str = "hunter2") -> None:
        client, stubber = self._next()
        stubber.add_client_error(method, code, message, status)
        self.stubbed.stubs.append((client, stubber))

    @staticmethod
    def _next() -> tuple[STSClient, Stubber]:
        client = make_regional().sts(REGION)
        stubber = Stubber(client)
        stubber.activate()
        return client, stubber


def make_regional(config: Config | None = None) -> Regional:
    return Regional(config or Config(), Calls(None, lambda: 0.0))


def answer(key: str, hours: float = 1) -> dict[str, Any]:
    expiration = NOW + timedelta(hours=hours)
    return {"AccessKeyId": key * 4, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expiration}


@contextmanager
def stubbed(trouble: SourceError | None = None) -> Iterator[StubbedRoles]:
    """Give roles; in the end all that was expected must have been asked."""
    roles = StubbedRoles(FakeIdentities(trouble))
    yield roles
    assert not roles.stubbed.stubs


def own() -> ReadOnlyCredentials:
    return ReadOnlyCredentials("OWN", "s", None, None)


def no_own() -> ReadOnlyCredentials:
    raise StallingError(Reason.CREDENTIALS_UNAVAILABLE, "The operator has no AWS credentials")


def test_the_basis_of_an_identity() -> None:
    identities = FakeIdentities()
    assert read_basis(identities, BY_ACCOUNT) == Basis(role_arn=f"{ROLE}-of-shop-cart")
    assert read_basis(identities, BY_SECRET) == Basis(keys=AccessKeys("shop", "aws"))
    assert read_basis(identities, Identity("shop", role_arn=ROLE)) == Basis()


def test_a_service_account() -> None:
    with stubbed() as roles:
        roles.expect(
            "assume_role_with_web_identity",
            {"RoleArn": ROLE, "RoleSessionName": "shop@cart", "WebIdentityToken": TOKEN},
        )
        with acting(own()):
            issued = roles.issue(BY_ACCOUNT, Basis(role_arn=ROLE), REGION, no_own)
        assert (issued.credentials.access_key, issued.seconds) == ("ASIA1" * 4, 3600)
        assert roles.signed_by == [None]
        assert len(roles.stubbed.proven) == 1


def test_keys_need_no_sts() -> None:
    with stubbed() as roles:
        issued = roles.issue(BY_SECRET, Basis(keys=KEYS), REGION, no_own)
    frozen = issued.credentials
    assert (frozen.access_key, frozen.secret_key, frozen.token) == ("AKIA1", "hunter2", "hunter2-session")
    assert issued.seconds is None
    assert "hunter2" not in repr(issued)


@pytest.mark.parametrize(
    ("identity", "basis", "signed_by", "session"),
    [
        (Identity("shop", role_arn=TOP), Basis(), "OWN", "shop@appconfig-operator"),
        (Identity("shop", secret="aws", role_arn=TOP), Basis(keys=KEYS), "AKIA1", "shop@aws"),
    ],
    ids=["own", "secret"],
)
def test_a_role_on_top(identity: Identity, basis: Basis, signed_by: str, session: str) -> None:
    with stubbed() as roles:
        roles.expect("assume_role", {"RoleArn": TOP, "RoleSessionName": session})
        assert roles.issue(identity, basis, REGION, own).credentials.access_key == "ASIA1" * 4
        assert roles.signed_by == [signed_by]


def test_a_role_on_top_of_a_service_account_with_external_id() -> None:
    identity = Identity("shop", service_account="cart", role_arn=TOP, external_id="external")
    with stubbed() as roles:
        first = {"RoleArn": ROLE, "RoleSessionName": "shop@cart", "WebIdentityToken": TOKEN}
        roles.expect("assume_role_with_web_identity", first)
        second = {"RoleArn": TOP, "RoleSessionName": "shop@cart", "ExternalId": "external"}
        roles.expect("assume_role", second, key="ASIA2")
        assert roles.issue(identity, Basis(role_arn=ROLE), REGION, no_own).credentials.access_key == "ASIA2" * 4
        assert roles.signed_by == [None, "ASIA1" * 4]


@pytest.mark.parametrize("trouble", [TransientError, StallingError])
def test_no_token_no_call(trouble: type[SourceError]) -> None:
    with stubbed(trouble(Reason.TARGET_UNAVAILABLE, "no token")) as roles:
        for identity in (BY_ACCOUNT, Identity("shop", service_account="cart", role_arn=TOP)):
            roles.stubbed.stubs.append(roles._next())
            with pytest.raises(trouble, match="no token"):
                roles.issue(identity, Basis(role_arn=ROLE), REGION, no_own)
        assert not roles.signed_by


def test_no_credentials_of_the_operator_no_role() -> None:
    with stubbed() as roles, pytest.raises(StallingError, match="The operator has no AWS credentials"):
        roles.issue(Identity("shop", role_arn=TOP), Basis(), REGION, no_own)


def test_a_refusal_of_the_first_step_is_reported_as_such() -> None:
    identity = Identity("shop", service_account="cart", role_arn=TOP)
    with stubbed() as roles:
        roles.expect_refusal("assume_role_with_web_identity", "AccessDenied")
        with pytest.raises(StallingError, match=f"AssumeRoleWithWebIdentity for role {ROLE}"):
            roles.issue(identity, Basis(role_arn=ROLE), REGION, no_own)


@pytest.mark.parametrize(
    ("identity", "basis", "method", "role"),
    [
        (BY_ACCOUNT, Basis(role_arn=ROLE), "assume_role_with_web_identity", ROLE),
        (Identity("shop", role_arn=TOP), Basis(), "assume_role", TOP),
    ],
    ids=["ServiceAccount", "role on top"],
)
def test_credentials_that_have_expired_already(identity: Identity, basis: Basis, method: str, role: str) -> None:
    """The clock of the node is wrong, and it is not the operator that has no credentials."""
    with stubbed() as roles:
        client, stubber = roles._next()
        stubber.add_response(method, {"Credentials": answer("ASIA1", hours=-1)})
        roles.stubbed.stubs.append((client, stubber))
        with pytest.raises(StallingError) as expired:
            roles.issue(identity, basis, REGION, own)
    assert expired.value.reason is Reason.CREDENTIALS_UNAVAILABLE
    assert f"issued to {identity.base} for role {role}" in expired.value.message
    assert "Correct that clock" in expired.value.message


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.mark.usefixtures("no_settings")
def test_no_region_no_call() -> None:
    identities = FakeIdentities()
    clients = Clients(workers=1, user_agent="test", identities=identities)
    with pytest.raises(StallingError, match=r"No AWS region: set spec\.region") as none:
        clients.get(None, BY_ACCOUNT)
    assert none.value.reason is Reason.INVALID_SOURCE
    assert not identities.tokens


@pytest.mark.usefixtures("no_settings")
def test_where_sts_is_and_how_long_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the region of the source, or where the SDK's own variable says; never by the global endpoint."""
    config = Config(connect_timeout=1.5, read_timeout=2.5, retries={"total_max_attempts": 1, "mode": "standard"})
    regional = make_regional(config)
    meta = regional.sts("cn-north-1").meta
    assert meta.endpoint_url == "https://sts.cn-north-1.amazonaws.com.cn"
    assert (meta.config.connect_timeout, meta.config.read_timeout) == (1.5, 2.5)  # type: ignore[attr-defined]
    assert meta.config.retries == {"total_max_attempts": 1, "mode": "standard"}  # type: ignore[attr-defined]
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.example.com")
    assert regional.sts(REGION).meta.endpoint_url == "https://sts.example.com"


def test_a_web_identity_token_is_not_logged(mocker: MockerFixture) -> None:
    """Nothing that is raised, all the way to the first cause, holds the token."""
    roles = StubbedRoles(FakeIdentities())
    roles.stubbed.stubs.append(roles._next())
    mocker.patch.object(BaseClient, "_make_api_call", side_effect=RuntimeError("x"))
    with pytest.raises(SourceError) as failed:
        roles.issue(BY_ACCOUNT, Basis(role_arn=ROLE), REGION, own)
    error: BaseException | None = failed.value
    while error is not None:
        assert TOKEN not in repr(error)
        error = error.__cause__ or error.__context__


def refusal(code: str, operation: str, status: int = 403, message: str = "hunter2") -> botocore.ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.ClientError(response, operation)


WEB = "AssumeRoleWithWebIdentity"
CALLER = "arn:aws:sts::111122223333:assumed-role/operator/i-0abc"


@pytest.mark.parametrize(
    ("error", "kind", "reason", "words"),
    [
        (refusal("AccessDenied", WEB), StallingError, Reason.ACCESS_DENIED, "system:serviceaccount:shop:cart"),
        (
            refusal("InvalidIdentityToken", WEB, 400),
            StallingError,
            Reason.CREDENTIALS_UNAVAILABLE,
            "IAM OIDC provider for this cluster, with the audience sts.amazonaws.com",
        ),
        (refusal("ExpiredTokenException", WEB, 400), StallingError, Reason.ACCESS_DENIED, "clock"),
        (refusal("ValidationError", WEB, 400), StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(ValidationError)"),
        (refusal("RegionDisabledException", WEB), StallingError, Reason.CREDENTIALS_UNAVAILABLE, "STS is active"),
        (refusal("bad word 1", WEB, 400), StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(HTTP 400)"),
        (refusal("IDPCommunicationError", WEB, 400), TransientError, Reason.SERVICE_UNAVAILABLE, "AWS failed"),
        (refusal("InternalFailure", WEB, 500), TransientError, Reason.SERVICE_UNAVAILABLE, "HTTP 500"),
        (refusal("Throttling", WEB, 400), TransientError, Reason.THROTTLED, "AWS throttled"),
        (refusal("x", WEB, 429), TransientError, Reason.THROTTLED, "AWS throttled"),
        (
            botocore.EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com/?hunter2"),
            TransientError,
            Reason.SERVICE_UNAVAILABLE,
            "EndpointConnectionError",
        ),
        (
            botocore.ReadTimeoutError(endpoint_url="https://sts.eu-west-1.amazonaws.com/?hunter2"),
            TransientError,
            Reason.SERVICE_UNAVAILABLE,
            "ReadTimeoutError",
        ),
        (UnreadableAnswerError(kind="KeyError"), TransientError, Reason.SERVICE_UNAVAILABLE, "KeyError"),
        (
            botocore.ParamValidationError(report="hunter2"),
            StallingError,
            Reason.CREDENTIALS_UNAVAILABLE,
            "ParamValidationError",
        ),
    ],
    ids=lambda value: value.response["Error"]["Code"] if isinstance(value, botocore.ClientError) else None,
)
def test_refusals(error: Exception, kind: type[SourceError], reason: Reason, words: str) -> None:
    translated = role_refused(error, BY_ACCOUNT, ROLE, by_token=True)
    assert type(translated) is kind
    assert translated.reason is reason
    assert words in translated.message
    assert "hunter2" not in translated.message
    if kind is StallingError:
        assert "ServiceAccount shop/cart" in translated.message
        assert ROLE in translated.message or "credentials of" in translated.message


def test_whoever_may_not_assume_a_role_is_named() -> None:
    message = f"User: {CALLER} is not authorized to perform: sts:AssumeRole on resource: {TOP}"
    identity = Identity("shop", secret="aws", role_arn=TOP, external_id="external")
    translated = role_refused(refusal("AccessDenied", "AssumeRole", message=message), identity, TOP, by_token=False)
    assert translated.message.startswith(
        f"AWS does not allow {CALLER} (Secret shop/aws) to call sts:AssumeRole for role {TOP}."
    )
    assert "external ID" in translated.message
    assert "=external" not in translated.message


def test_session_tags_that_a_role_does_not_take_are_named() -> None:
    """With EKS Pod Identity the tags of the session go along, and roles have to allow that."""
    message = f"User: {CALLER} is not authorized to perform: sts:TagSession on resource: {TOP}"
    translated = role_refused(
        refusal("AccessDenied", "AssumeRole", message=message), Identity("shop"), TOP, by_token=False
    )
    assert translated.reason is Reason.ACCESS_DENIED
    assert translated.message.startswith(
        f"AWS does not allow {CALLER} (the operator) to call sts:TagSession for role {TOP}."
    )
    assert "without session tags" in translated.message
    assert "external ID" not in translated.message


def test_a_resource_is_not_taken_for_the_caller() -> None:
    message = f"User: is not authorized to perform: sts:AssumeRole on resource: {TOP}"
    identity = Identity("shop", role_arn=TOP)
    translated = role_refused(refusal("AccessDenied", "AssumeRole", message=message), identity, TOP, by_token=False)
    assert translated.message.startswith(f"AWS does not allow the operator to call sts:AssumeRole for role {TOP}.")


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_bad_keys_are_reported_with_their_secret(code: str) -> None:
    identity = Identity("shop", secret="aws", role_arn=TOP)
    translated = role_refused(refusal(code, "AssumeRole"), identity, TOP, by_token=False)
    assert translated.reason is Reason.ACCESS_DENIED
    assert f"credentials of Secret shop/aws for sts:AssumeRole ({code})" in translated.message
