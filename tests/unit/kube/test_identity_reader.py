"""IdentityReader of the cluster, and the errors where they are missing or invalid."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes import client

from appconfig_operator.core.errors import ForbiddenError, Reason, SourceError, StallingError, TransientError
from appconfig_operator.core.identity import AccessKeys
from appconfig_operator.kube.api import Api
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.identity_reader import IdentityReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROLE = "arn:aws:iam::111122223333:role/shop"
SECRET = "hunter2"
ACCOUNT = "/api/v1/namespaces/shop/serviceaccounts/cart"


class OneAnswerApi(Api):
    """Answers one thing, and remembers what it was asked."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        super().__init__(client.ApiClient(client.Configuration()))
        self.answer = answer
        self.asked: list[tuple[str, str, Any]] = []

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append((method, path, arguments.get("body")))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def account(annotations: Mapping[str, str] | None) -> OneAnswerApi:
    return OneAnswerApi({"metadata": {"annotations": annotations} if annotations is not None else {}})


def secret(**values: bytes) -> OneAnswerApi:
    return OneAnswerApi({"data": {key: base64.b64encode(value).decode() for key, value in values.items()}})


ROLE_ARN = "role_arn", lambda api: IdentityReader(api).role_arn("shop", "cart"), "ServiceAccount shop/cart"
TOKEN = "token", lambda api: IdentityReader(api).token("shop", "cart"), "ServiceAccount shop/cart"
KEYS = "keys", lambda api: IdentityReader(api).keys("shop", "aws"), "Secret shop/aws"
EACH = pytest.mark.parametrize(
    ("ask", "what"),
    [pytest.param(ask, what, id=name) for name, ask, what in (ROLE_ARN, TOKEN, KEYS)],
)


@pytest.mark.parametrize(
    "role", [ROLE, "arn:aws-cn:iam::111122223333:role/a/b/shop", "arn:aws-us-gov:iam::111122223333:role/_+=,.@-"]
)
def test_role(role: str) -> None:
    api = account({"eks.amazonaws.com/role-arn": f" {role}\n"})
    assert IdentityReader(api).role_arn("shop", "cart") == role
    assert api.asked == [("GET", ACCOUNT, None)]


@pytest.mark.parametrize("annotations", [None, {}, {"other": ROLE}, {"eks.amazonaws.com/role-arn": "  "}])
def test_no_role(annotations: Mapping[str, str] | None) -> None:
    with pytest.raises(StallingError, match=r"ServiceAccount shop/cart has no annotation eks\.amazonaws\.com") as none:
        IdentityReader(account(annotations)).role_arn("shop", "cart")
    assert none.value.reason is Reason.CREDENTIALS_UNAVAILABLE


@pytest.mark.parametrize("role", ["shop", "arn:aws:iam::1:role/shop", "arn:aws:iam::111122223333:user/x", f"{ROLE} x"])
def test_invalid_role(role: str) -> None:
    with pytest.raises(StallingError, match="is not the ARN of a role") as wrong:
        IdentityReader(account({"eks.amazonaws.com/role-arn": role})).role_arn("shop", "cart")
    assert wrong.value.reason is Reason.CREDENTIALS_UNAVAILABLE


def test_token() -> None:
    api = OneAnswerApi({"status": {"token": "a.b.c"}})
    assert IdentityReader(api).token("shop", "cart") == "a.b.c"
    ((method, path, body),) = api.asked
    assert (method, path) == ("POST", f"{ACCOUNT}/token")
    assert body["spec"] == {"audiences": ["sts.amazonaws.com"], "expirationSeconds": 600}


@pytest.mark.parametrize("status", [None, {}, {"token": ""}, {"token": 1}, {"token": "two words"}])
def test_no_token(status: object) -> None:
    with pytest.raises(TransientError, match="issued no token for ServiceAccount shop/cart"):
        IdentityReader(OneAnswerApi({"status": status})).token("shop", "cart")


def test_keys() -> None:
    api = secret(aws_access_key_id=b"AKIA1\n", aws_secret_access_key=b" s/e+c= ", other=b"\xff")
    assert IdentityReader(api).keys("shop", "aws") == AccessKeys("AKIA1", "s/e+c=", None)
    assert api.asked == [("GET", "/api/v1/namespaces/shop/secrets/aws", None)]


def test_temporary_keys() -> None:
    api = secret(aws_access_key_id=b"ASIA1", aws_secret_access_key=b"s", aws_session_token=b"token==\r\n")
    assert IdentityReader(api).keys("shop", "aws") == AccessKeys("ASIA1", "s", "token==")


def test_an_empty_session_token_is_left_out() -> None:
    api = secret(aws_access_key_id=b"ASIA1", aws_secret_access_key=b"s", aws_session_token=b"")
    assert IdentityReader(api).keys("shop", "aws").session_token is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Secret shop/aws has no key aws_access_key_id and no key aws_secret_access_key."),
        ({"aws_access_key_id": b"AKIA1"}, "Secret shop/aws has no key aws_secret_access_key."),
        ({"aws_secret_access_key": b"hunter2"}, "Secret shop/aws has no key aws_access_key_id."),
        (
            {"aws_access_key_id": b"", "aws_secret_access_key": b"hunter2"},
            "The key aws_access_key_id of Secret shop/aws does not hold",
        ),
        (
            {"aws_access_key_id": b"AKIA1", "aws_secret_access_key": b"hunter2\nhunter2"},
            "The key aws_secret_access_key of Secret shop/aws does not hold",
        ),
        (
            {"aws_access_key_id": b"AKIA1", "aws_secret_access_key": "hunter2ä".encode()},
            "The key aws_secret_access_key of Secret shop/aws does not hold",
        ),
        (
            {"aws_access_key_id": b"AKIA1", "aws_secret_access_key": b"x", "aws_session_token": b"hunter2\x00"},
            "The key aws_session_token of Secret shop/aws does not hold",
        ),
    ],
)
def test_invalid_keys(values: dict[str, bytes], words: str) -> None:
    with pytest.raises(StallingError) as wrong:
        IdentityReader(secret(**values)).keys("shop", "aws")
    assert wrong.value.reason is Reason.CREDENTIALS_UNAVAILABLE
    assert words in wrong.value.message
    assert wrong.value.__context__ is None, "the error of a decoder quotes a byte"
    assert SECRET not in wrong.value.message


def test_no_data_at_all() -> None:
    with pytest.raises(StallingError, match="has no key aws_access_key_id and"):
        IdentityReader(OneAnswerApi({})).keys("shop", "aws")


def status(code: int, reason: str = "", *causes: str) -> ApiError:
    details = {"causes": [{"reason": cause} for cause in causes]}
    return ApiError(code, {"kind": "Status", "reason": reason, "message": SECRET, "details": details})


@EACH
@pytest.mark.parametrize(
    ("failure", "kind", "reason", "words"),
    [
        (status(404, "NotFound"), StallingError, Reason.CREDENTIALS_UNAVAILABLE, "does not exist"),
        (status(403, "Forbidden"), ForbiddenError, Reason.CREDENTIALS_UNAVAILABLE, "manifests/components/identities/"),
        (status(400), StallingError, Reason.CREDENTIALS_UNAVAILABLE, "HTTP 400"),
        (status(401, "Unauthorized"), TransientError, Reason.TARGET_UNAVAILABLE, "HTTP 401 Unauthorized"),
        (status(429), TransientError, Reason.TARGET_UNAVAILABLE, "HTTP 429"),
        (status(503), TransientError, Reason.TARGET_UNAVAILABLE, "HTTP 503"),
        (
            status(403, "Forbidden", "NamespaceTerminating"),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            "namespace is being deleted",
        ),
        (UnreachableError("MaxRetryError"), TransientError, Reason.TARGET_UNAVAILABLE, "MaxRetryError"),
    ],
    ids=["missing", "forbidden", "refused", "unauthorized", "busy", "broken", "terminating", "away"],
)
def test_refusals(  # noqa: PLR0913, PLR0917 - what is asked, and what comes of it
    ask: Callable[[Api], object], what: str, failure: Exception, kind: type[SourceError], reason: Reason, words: str
) -> None:
    with pytest.raises(SourceError) as refused:
        ask(OneAnswerApi(failure))
    assert type(refused.value) is kind
    assert refused.value.reason is reason
    assert what in refused.value.message
    assert words in refused.value.message
    assert SECRET not in refused.value.message


@pytest.mark.parametrize(
    ("ask", "component", "value"),
    [
        pytest.param(ROLE_ARN[1], "identities/service-accounts", "identities.serviceAccounts", id="role"),
        pytest.param(TOKEN[1], "identities/service-accounts", "identities.serviceAccounts", id="token"),
        pytest.param(KEYS[1], "identities/secrets", "identities.secrets", id="keys"),
    ],
)
def test_the_missing_permission_is_named(ask: Callable[[Api], object], component: str, value: str) -> None:
    words = rf"not allowed to .* manifests/components/{component}, or the value {value} of the Helm chart\."
    with pytest.raises(ForbiddenError, match=words):
        ask(OneAnswerApi(status(403)))
