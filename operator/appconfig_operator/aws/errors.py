"""What botocore raises, to errors of ours.

Only names, ARNs and error codes are taken from what AWS answers: a message of AWS as a whole could quote a token.
The codes are those of the botocore service model `appconfigdata` 2021-11-11 and of the common errors of AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore import exceptions as botocore

from appconfig_operator.aws.answers import AnswerError
from appconfig_operator.core.errors import Reason, SourceError, StallingError, TransientError, WaitingError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What a session is for: names or IDs, and the shortest poll interval in seconds."""

    application: str
    environment: str
    configuration_profile: str
    poll_interval_seconds: int


class TokenProblem(Enum):
    """What the service says of a token that it did not take."""

    BAD = "bad"
    TOO_EARLY = "too early"


_ACCESS_DENIED = {"AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation", "OptInRequired"}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_THROTTLED = {
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_INVALID = {"BadRequestException", "ValidationError", "ValidationException"}
_IDENTITY_PROVIDER_AWAY = "IDPCommunicationError"

_NO_CREDENTIALS = (
    botocore.NoCredentialsError,
    botocore.PartialCredentialsError,
    botocore.CredentialRetrievalError,
    botocore.ProfileNotFound,
    botocore.ConfigNotFound,
    botocore.ConfigParseError,
    botocore.TokenRetrievalError,
    botocore.SSOError,
    botocore.LoginError,
    botocore.RefreshWithMFAUnsupportedError,
    botocore.InvalidConfigError,
    botocore.MetadataRetrievalError,
)

NOT_SENT = (
    *_NO_CREDENTIALS,
    botocore.EndpointConnectionError,
    botocore.ConnectTimeoutError,
    botocore.ProxyConnectionError,
)
"""These say that the request never left, so its token was not used."""

_WRONG_SPEC: dict[type[Exception], str] = {
    botocore.NoRegionError: "No AWS region: set spec.region, or AWS_REGION on the operator.",
    botocore.InvalidRegionError: "This is no AWS region: check spec.region, or AWS_REGION on the operator.",
    botocore.ParamValidationError: "AWS AppConfig does not take a parameter of this spec.",
}

_FIELD_OF_PARAMETER = {
    "ApplicationIdentifier": "spec.application",
    "EnvironmentIdentifier": "spec.environment",
    "ConfigurationProfileIdentifier": "spec.configurationProfile",
    "RequiredMinimumPollIntervalInSeconds": "spec.pollIntervalSeconds",
}

_ARN = re.compile(r"arn:[a-z0-9-]+:(?:iam|sts)::\d{12}:[\w+=,.@/-]+")
_CODE = re.compile(r"[A-Za-z][A-Za-z.]{1,63}")
_ACTION = re.compile(r"\b([a-z0-9-]+:[A-Z][A-Za-z]+)\b")


def token_problem(error: botocore.ClientError) -> TokenProblem | None:
    """Tell what a refused GetLatestConfiguration says of its token, or `None` when it is about something else.

    A bad request of that call can only be about the token, its one parameter; so one without details counts as bad.
    """
    if _code(error) != "BadRequestException":
        return None
    problems = set(_invalid_parameters(error).values())
    if "PollIntervalNotSatisfied" in problems or "request too early" in _message(error).lower():
        return TokenProblem.TOO_EARLY
    return TokenProblem.BAD


def translate(error: Exception, identifiers: Identifiers | None = None) -> SourceError:
    """Turn what botocore raised into an error of ours, with a text that is safe to show.

    Parameters
    ----------
    error
        A `ClientError` (the service answered) or a `BotoCoreError` (it did not).
    identifiers
        What the session is for, to name what is wrong.
    """
    if isinstance(error, botocore.ClientError):
        return _refused(error, identifiers)
    if isinstance(error, _NO_CREDENTIALS):
        return no_credentials(error)
    if type(error) in _WRONG_SPEC:
        return StallingError(Reason.INVALID_SOURCE, _WRONG_SPEC[type(error)])
    if isinstance(error, AnswerError):
        return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig was reached, but {error}.")
    return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig could not be reached ({type(error).__name__}).")


def no_credentials(error: Exception) -> SourceError:
    """Turn what came of the look for credentials into an error of ours, with a text that is safe to show.

    Parameters
    ----------
    error
        Anything: the providers of botocore call STS and other services, read files, and let their errors through.
    """
    if isinstance(error, botocore.ClientError):
        return _no_role(error)
    if isinstance(error, (botocore.HTTPClientError, botocore.ConnectionError)):
        return TransientError(
            Reason.SERVICE_UNAVAILABLE,
            f"AWS credentials could not be had: their service could not be reached ({type(error).__name__}).",
        )
    return StallingError(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"The operator has no AWS credentials ({type(error).__name__}). Give its ServiceAccount a role "
        "(IRSA or EKS Pod Identity), or set the variables of the AWS SDK on the operator.",
    )


def not_aws() -> SourceError:
    """Make the error for an answer that went well and has nothing in it of what AWS sends."""
    return TransientError(Reason.SERVICE_UNAVAILABLE, "The answer was not one of AWS AppConfig. Is a proxy between?")


def _no_role(error: botocore.ClientError) -> SourceError:
    code = _code(error)
    status = _status(error)
    if code in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(Reason.THROTTLED, f"AWS throttles {error.operation_name}, which gives the credentials.")
    if code == _IDENTITY_PROVIDER_AWAY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(
            Reason.SERVICE_UNAVAILABLE,
            f"AWS failed {error.operation_name}, which gives the credentials (HTTP {status}).",
        )
    shown = _word(code, f"HTTP {status}")
    return StallingError(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"AWS refused the operator its role: {error.operation_name} ({shown}). Check that the role exists, and that "
        "its trust policy names the operator's ServiceAccount.",
    )


def _refused(error: botocore.ClientError, identifiers: Identifiers | None) -> SourceError:
    code = _code(error)
    status = _status(error)
    action = f"appconfig:{error.operation_name}"
    if code == "ResourceNotFoundException":
        return _not_found(error, identifiers)
    if code in _ACCESS_DENIED:
        return StallingError(Reason.ACCESS_DENIED, _denied(error, action))
    if code in _BAD_CREDENTIALS:
        return StallingError(
            Reason.ACCESS_DENIED,
            f"AWS does not accept the credentials of the operator for {action} ({code}). "
            "Check its role or keys, and the clock of its node.",
        )
    if code in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(Reason.THROTTLED, f"AWS AppConfig throttles {action}.")
    if code in _INVALID:
        return StallingError(Reason.INVALID_SOURCE, _invalid(error, action))
    return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig failed {action} (HTTP {status}).")


def _not_found(error: botocore.ClientError, identifiers: Identifiers | None) -> SourceError:
    kind = _members(error).get("ResourceType") or _kind_in(_message(error))
    if identifiers is None:
        return StallingError(Reason.NOT_FOUND, "AWS AppConfig does not know what this spec names.")
    application = f"application {identifiers.application}"
    environment = f"environment {identifiers.environment}"
    profile = f"configuration profile {identifiers.configuration_profile}"
    if kind in {"Deployment", "Configuration"}:
        return WaitingError(
            Reason.NOT_DEPLOYED,
            f"Nothing is deployed yet: {profile} in {environment} of {application}. "
            "Start a deployment in AWS AppConfig.",
        )
    what = {
        "Application": f"The {application} does not exist. Check spec.application",
        "Environment": f"The {environment} does not exist in {application}. Check spec.environment",
        "ConfigurationProfile": f"The {profile} does not exist in {application}. Check spec.configurationProfile",
    }.get(kind, f"One of these does not exist: {application}, {environment}, {profile}. Check the spec")
    return StallingError(
        Reason.NOT_FOUND, f"{what}, the region, and the account that the operator's credentials belong to."
    )


def _kind_in(message: str) -> str:
    """Find the kind of what is missing in a message, for services that send no `ResourceType`."""
    text = message.lower().replace(" ", "")
    kinds = ("ConfigurationProfile", "Environment", "Application", "Deployment")
    return next((kind for kind in kinds if text.startswith(kind.lower())), "")


def _denied(error: botocore.ClientError, action: str) -> str:
    message = _message(error)
    identity = _ARN.search(message)
    found = _ACTION.search(message)
    denied = found.group() if found else action
    who = identity.group() if identity else "The identity of the operator"
    both = " (actions appconfig:StartConfigurationSession and appconfig:GetLatestConfiguration)"
    # A configuration encrypted with a key of KMS needs another action.
    wanted = both if denied.startswith("appconfig:") else ""
    return f"{who} may not call {denied}. Allow it in an IAM policy of that identity{wanted}."


def _invalid(error: botocore.ClientError, action: str) -> str:
    problems = [
        f"{_FIELD_OF_PARAMETER.get(parameter, parameter)} ({problem})"
        for parameter, problem in sorted(_invalid_parameters(error).items())
    ]
    if problems:
        return f"AWS AppConfig found a parameter of {action} invalid: {', '.join(problems)}."
    return f"AWS AppConfig found {action} invalid. Check application, environment and configurationProfile."


def _code(error: botocore.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code") or "")


def _message(error: botocore.ClientError) -> str:
    # botocore takes over what the answer has, which may be null.
    return str(error.response.get("Error", {}).get("Message") or "")


def _status(error: botocore.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _invalid_parameters(error: botocore.ClientError) -> dict[str, str]:
    """Return the problem of each parameter. What does not look like one of AWS's words is not shown."""
    details = _members(error).get("Details") or {}
    found: Mapping[str, Any] = details.get("InvalidParameters") or {}
    return {
        _word(parameter, "a parameter"): _word((detail or {}).get("Problem"), "invalid")
        for parameter, detail in found.items()
    }


def _word(text: object, otherwise: str) -> str:
    return text if isinstance(text, str) and _CODE.fullmatch(text) else otherwise


def _members(error: botocore.ClientError) -> Mapping[str, Any]:
    """Return the members that the service model gives the exception, which the types of botocore do not know."""
    return dict(error.response)
