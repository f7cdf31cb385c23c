"""What an error of the API server means for a source."""

from __future__ import annotations

from typing import Any

import pytest

from appconfig_operator.core.errors import ForbiddenError, Reason, SourceError, StallingError, TransientError
from appconfig_operator.kube.errors import ApiError, UnreachableError, target_error

WHAT = "ConfigMap shop/checkout"


def answer(reason: str = "", message: str = "", *causes: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "reason": reason,
        "message": message,
        "details": {"causes": [{"reason": cause} for cause in causes]},
    }


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "text"),
    [
        pytest.param(
            400,
            answer("BadRequest", "no such field"),
            StallingError,
            Reason.TARGET_REJECTED,
            f"{WHAT}: the Kubernetes API server refused the write: HTTP 400 BadRequest.",
            id="bad request",
        ),
        pytest.param(
            401,
            answer("Unauthorized", "Unauthorized"),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 401 Unauthorized.",
            id="token rotates",
        ),
        pytest.param(
            403,
            answer("Forbidden", 'configmaps "checkout" is forbidden: exceeded quota: small, requested: configmaps=1'),
            ForbiddenError,
            Reason.TARGET_REJECTED,
            f"{WHAT}: the Kubernetes API server refused the write: exceeded quota: small. "
            "Delete what is not needed, or have that ResourceQuota increased.",
            id="quota or rights",
        ),
        pytest.param(
            403,
            answer("Forbidden", "is being terminated", "NamespaceTerminating"),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: its namespace is being deleted.",
            id="namespace ends",
        ),
        pytest.param(
            403,
            {},
            ForbiddenError,
            Reason.TARGET_REJECTED,
            f"{WHAT}: the Kubernetes API server refused the write: HTTP 403.",
            id="no words",
        ),
        pytest.param(
            404,
            answer("NotFound", 'namespaces "shop" not found'),
            StallingError,
            Reason.TARGET_REJECTED,
            f'{WHAT}: the Kubernetes API server refused the write: the namespace "shop" was not found.',
            id="no namespace",
        ),
        pytest.param(
            408,
            answer("Timeout"),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 408 Timeout.",
            id="request too slow",
        ),
        pytest.param(
            409,
            answer("Conflict", "changed"),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 409 Conflict.",
            id="conflict",
        ),
        pytest.param(
            413,
            answer("RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
            StallingError,
            Reason.TOO_LARGE,
            f"{WHAT}: with its keys and metadata, it is more than the Kubernetes API server can store "
            "(the limit is 3145728 bytes). Use spec.select for a part of it, or a format that writes one file.",
            id="body too large",
        ),
        pytest.param(
            422,
            answer("Invalid", "field is immutable", "FieldValueForbidden"),
            StallingError,
            Reason.TARGET_REJECTED,
            f"{WHAT}: the Kubernetes API server refused the write: FieldValueForbidden.",
            id="invalid",
        ),
        pytest.param(
            429,
            answer("TooManyRequests"),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 429 TooManyRequests.",
            id="throttled",
        ),
        pytest.param(
            500,
            answer("InternalError", 'Internal error occurred: failed calling webhook "policy.example.com": secret'),
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 500 InternalError: "
            'the admission webhook "policy.example.com" could not be called.',
            id="webhook away",
        ),
        pytest.param(
            503,
            {},
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 503.",
            id="unavailable",
        ),
        pytest.param(
            302,
            {},
            TransientError,
            Reason.TARGET_UNAVAILABLE,
            f"{WHAT}: the Kubernetes API server answered HTTP 302.",
            id="redirect",
        ),
    ],
)
def test_refused(status: int, body: dict[str, Any], kind: type[SourceError], reason: Reason, text: str) -> None:
    error = target_error(ApiError(status, body), WHAT)
    assert type(error) is kind
    assert error.reason is reason
    assert error.message == text


def test_unreachable() -> None:
    error = target_error(UnreachableError("ReadTimeoutError"), WHAT)
    assert type(error) is TransientError
    assert error.reason is Reason.TARGET_UNAVAILABLE
    assert error.message == f"{WHAT}: the Kubernetes API server could not be reached (ReadTimeoutError)."


def test_what_is_transient_is_not_retried_before_the_api_server_asks_for_it() -> None:
    error = target_error(ApiError(429, answer("TooManyRequests"), retry_after=7.0), WHAT)
    assert type(error) is TransientError
    assert error.retry_after == 7


@pytest.mark.parametrize(("status", "message"), [(413, ""), (500, "etcdserver: request is too large")])
def test_what_is_too_large_in_every_response(status: int, message: str) -> None:
    error = target_error(ApiError(status, answer("", message)), WHAT)
    assert error.reason is Reason.TOO_LARGE
    assert "etcdserver" not in error.message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"message": "secret", "details": "text"}, id="json of a gateway"),
        pytest.param({"message": {"en": "secret"}, "reason": 7}, id="other types"),
        pytest.param({"kind": "Status"}, id="status without words"),
        pytest.param({"kind": "Status", "reason": None, "message": None, "details": None}, id="nulls"),
        pytest.param({"kind": "Status", "details": {"causes": None}}, id="no causes"),
    ],
)
def test_responses_without_a_message_of_the_api_server(body: dict[str, Any]) -> None:
    error = ApiError(502, body)
    assert (error.reason, error.message, error.causes) == ("", "", frozenset())
    assert str(error) == "HTTP 502"


def test_causes() -> None:
    error = ApiError(422, answer("Invalid", "", "FieldValueInvalid", "FieldValueForbidden"))
    assert error.causes == {"FieldValueInvalid", "FieldValueForbidden"}
