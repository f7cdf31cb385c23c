"""What the operator says when it gets no credentials."""

from __future__ import annotations

import pytest
from botocore import exceptions as botocore
from botocore.credentials import DeferredRefreshableCredentials

from appconfig_operator.aws.credential_errors import no_credentials
from appconfig_operator.core.errors import Reason, SourceError, StallingError, TransientError
from tests.unit.support.aws_errors import assert_error, refusal
from tests.unit.support.aws_stubs import SECRET


@pytest.mark.parametrize(
    "error",
    [
        botocore.NoCredentialsError(),
        botocore.PartialCredentialsError(provider=SECRET, cred_var=SECRET),
        botocore.CredentialRetrievalError(provider=SECRET, error_msg=SECRET),
        botocore.RefreshWithMFAUnsupportedError(),
        botocore.UnauthorizedSSOTokenError(),
        FileNotFoundError(2, SECRET, SECRET),
        RuntimeError(SECRET),
        KeyError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_credentials(error: Exception) -> None:
    words = f"no AWS credentials ({type(error).__name__})"
    assert_error(no_credentials(error), StallingError, Reason.CREDENTIALS_UNAVAILABLE, words, "IRSA")


def test_settings_that_cannot_be_used() -> None:
    """They stop every identity: it is not credentials that the operator lacks."""
    reported = no_credentials(botocore.ProfileNotFound(profile=SECRET))
    assert_error(
        reported, StallingError, Reason.CREDENTIALS_UNAVAILABLE, "AWS settings", "(ProfileNotFound)", "AWS_PROFILE"
    )
    assert SECRET not in reported.message


def test_credentials_of_the_operator_that_have_expired_already() -> None:
    found = {"access_key": "ASIA1", "secret_key": "s", "token": "t", "expiry_time": "2020-01-01T00:00:00Z"}
    credentials = DeferredRefreshableCredentials(lambda: found, "test")
    with pytest.raises(RuntimeError) as expired:  # botocore's own words, which are all there is to know it by
        credentials.get_frozen_credentials()
    reported = no_credentials(expired.value)
    assert_error(reported, StallingError, Reason.CREDENTIALS_UNAVAILABLE, "had already expired", "Correct that clock")


@pytest.mark.parametrize(
    "error",
    [
        botocore.EndpointConnectionError(endpoint_url=SECRET),
        botocore.ReadTimeoutError(endpoint_url=SECRET),
        botocore.SSLError(endpoint_url=SECRET, error=OSError(SECRET)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_credential_service_away(error: Exception) -> None:
    words = f"could not be reached ({type(error).__name__})"
    assert_error(no_credentials(error), TransientError, Reason.SERVICE_UNAVAILABLE, "AWS credentials", words)


@pytest.mark.parametrize(
    ("code", "status", "kind", "reason", "words"),
    [
        ("AccessDenied", 403, StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(AccessDenied). Check that the role"),
        ("InvalidIdentityToken", 400, StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(InvalidIdentityToken)"),
        ("ExpiredTokenException", 400, StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(ExpiredTokenException)"),
        (SECRET, 400, StallingError, Reason.CREDENTIALS_UNAVAILABLE, "(HTTP 400)"),
        ("IDPCommunicationError", 400, TransientError, Reason.SERVICE_UNAVAILABLE, "(HTTP 400)"),
        ("InternalFailure", 500, TransientError, Reason.SERVICE_UNAVAILABLE, "(HTTP 500)"),
        ("Throttling", 400, TransientError, Reason.THROTTLED, "throttled"),
        ("429", 429, TransientError, Reason.THROTTLED, "throttled"),
    ],
)
def test_role_refused(code: str, status: int, kind: type[SourceError], reason: Reason, words: str) -> None:
    error = no_credentials(refusal(code, status, operation="AssumeRoleWithWebIdentity"))
    assert_error(error, kind, reason, "AssumeRoleWithWebIdentity", words)
    assert "appconfig:" not in error.message
