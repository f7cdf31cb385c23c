"""Turns what botocore raises into errors of ours.

Only names, ARNs, error codes and plain words are taken from what AWS answers: a message of AWS could quote a token, and
the `ReferencedBy` of a refusal does.
The exceptions are those of the botocore service model `appconfigdata` 2021-11-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore import exceptions as botocore

from appconfig_operator.aws.client_errors import (
    ACCESS_DENIED,
    BAD_CREDENTIALS,
    INVALID,
    THROTTLED,
    action_in,
    caller_in,
    code_of,
    members_of,
    message_of,
    service_behind,
    status_of,
    word_or,
    words_of,
)
from appconfig_operator.aws.connection_errors import unreachable
from appconfig_operator.aws.credential_errors import no_credentials
from appconfig_operator.aws.responses import AnswerError
from appconfig_operator.core.errors import (
    BlockedError,
    Reason,
    SourceError,
    StallingError,
    TransientError,
    WaitingError,
)
from appconfig_operator.core.identity import OPERATOR

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
    """Why the service did not accept a token."""

    BAD = "bad"
    TOO_EARLY = "too early"
    GONE = "gone"  # what the session was for
    UNEXPLAINED = "unexplained"


THE_OPERATOR = str(OPERATOR)

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
    botocore.InvalidRegionError: "This is not an AWS region: check spec.region, or AWS_REGION on the operator.",
    botocore.ParamValidationError: "AWS AppConfig does not accept a parameter of this spec.",
}

_LATEST = "GetLatestConfiguration"

_DENIAL = " is not authorized to perform: "
"""In a denial that comes as a bad request, for example of KMS."""

_OF_TOKENS = re.compile(r"\btoken not valid\b|\bconfiguration token has expired\b", re.IGNORECASE)
"""AWS's words for a token of a session, where it sends no details. Credentials have tokens, too, and so has KMS."""

_LIKE_AN_ID = re.compile(r"[a-z0-9]{4,7}")
"""IDs of applications, environments and profiles, by the API reference of AWS AppConfig. Names may look so, too."""

_FIELD_OF_PARAMETER = {
    "ApplicationIdentifier": "spec.application",
    "EnvironmentIdentifier": "spec.environment",
    "ConfigurationProfileIdentifier": "spec.configurationProfile",
    "RequiredMinimumPollIntervalInSeconds": "spec.pollIntervalSeconds",
}


def token_problem(error: botocore.ClientError) -> TokenProblem | None:
    """Return what a refused GetLatestConfiguration says of its token, or `None` when it is about something else.

    The token is the one parameter of that call, and a bad request need not be about it: AWS also reports a refused
    KMS key this way.
    """
    if code_of(error) == "ResourceNotFoundException":
        return TokenProblem.GONE
    if code_of(error) != "BadRequestException":
        return None
    problems = set(_invalid_parameters(error).values())
    message = message_of(error)
    if "PollIntervalNotSatisfied" in problems or "request too early" in message.lower():
        return TokenProblem.TOO_EARLY
    return TokenProblem.BAD if problems or _OF_TOKENS.search(message) else TokenProblem.UNEXPLAINED


def translate(error: Exception, identifiers: Identifiers | None = None, caller: str = THE_OPERATOR) -> SourceError:
    """Turn what botocore raised into an error of ours, with a text that is safe to show.

    Parameters
    ----------
    error
        A `ClientError` (the service answered) or a `BotoCoreError` (it did not).
    identifiers
        What the session is for, to name what is wrong.
    caller
        Who called, in the middle of a sentence.
    """
    if isinstance(error, botocore.ClientError):
        return _refused(error, identifiers, caller)
    if isinstance(error, _NO_CREDENTIALS):
        return no_credentials(error)
    if type(error) in _WRONG_SPEC:
        return StallingError(Reason.INVALID_SOURCE, _WRONG_SPEC[type(error)])
    if isinstance(error, AnswerError):
        return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig was reached, but {error}.")
    return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig {unreachable(error)}")


def not_aws() -> SourceError:
    """Make the error for a successful answer without what AWS sends."""
    return TransientError(
        Reason.SERVICE_UNAVAILABLE, "The response did not come from AWS AppConfig. Check for a proxy in between."
    )


def _refused(error: botocore.ClientError, identifiers: Identifiers | None, caller: str) -> SourceError:
    code = code_of(error)
    status = status_of(error)
    action = f"appconfig:{error.operation_name}"
    if code == "ResourceNotFoundException":
        return _not_found(error, identifiers, caller)
    if code in ACCESS_DENIED:
        return StallingError(Reason.ACCESS_DENIED, _denied(error, action, caller))
    if code in BAD_CREDENTIALS:
        return StallingError(
            Reason.ACCESS_DENIED,
            f"AWS does not accept the credentials of {caller} for {action} ({code}). "
            "Check its role or keys, and the clock of the operator's node.",
        )
    if code in THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(Reason.THROTTLED, f"AWS AppConfig throttled {action}.")
    if code in INVALID:
        return _invalid(error, action, caller)
    return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig failed to answer {action} (HTTP {status}).")


def _not_found(error: botocore.ClientError, identifiers: Identifiers | None, caller: str) -> SourceError:
    kind = word_or(members_of(error).get("ResourceType"), "") or _kind_in(message_of(error))
    if identifiers is None:
        return StallingError(Reason.NOT_FOUND, "AWS AppConfig cannot find what this spec names.")
    application = f"application {identifiers.application}"
    environment = f"environment {identifiers.environment}"
    profile = f"configuration profile {identifiers.configuration_profile}"
    if kind in {"Deployment", "Configuration"}:
        return not_deployed(identifiers)
    what = {
        "Application": f"The {application} does not exist. Check spec.application",
        "Environment": f"The {environment} does not exist in {application}. Check spec.environment",
        "ConfigurationProfile": f"The {profile} does not exist in {application}. Check spec.configurationProfile",
    }.get(kind, f"One of these does not exist: {application}, {environment}, {profile}. Check the spec")
    return BlockedError(
        Reason.NOT_FOUND, f"{what}, the region, and the account that the credentials of {caller} belong to."
    )


def not_deployed(identifiers: Identifiers) -> WaitingError:
    """Make the error for a place where nothing is deployed, as far as anyone knows from AWS's answer."""
    names = (identifiers.configuration_profile, identifiers.environment, identifiers.application)
    message = (
        "Nothing is deployed: configuration profile {} in environment {} of application {}. "
        "Start a deployment in AWS AppConfig."
    ).format(*names)
    ids = [name for name in dict.fromkeys(names) if _LIKE_AN_ID.fullmatch(name)]
    match ids:
        case []:
            hint = ""
        case [single]:
            hint = f" If {single} is an ID, check it: AWS gives the same answer when an ID does not exist."
        case [*others, last]:
            hint = (
                f" If {', '.join(others)} or {last} is an ID, check it: "
                "AWS gives the same answer when an ID does not exist."
            )
    return WaitingError(Reason.NOT_DEPLOYED, message + hint)


def _kind_in(message: str) -> str:
    """Find the kind of what is missing in a message, for services that send no `ResourceType`."""
    text = message.lower().replace(" ", "")
    kinds = ("ConfigurationProfile", "Environment", "Application", "Deployment")
    return next((kind for kind in kinds if text.startswith(kind.lower())), "")


def _denied(error: botocore.ClientError, action: str, caller: str) -> str:
    denied = action_in(error) or action
    arn = caller_in(error)
    named = arn if caller == THE_OPERATOR else f"{arn} ({caller})"
    who = f"The identity of {caller}" if arn is None else named
    both = " (actions appconfig:StartConfigurationSession and appconfig:GetLatestConfiguration)"
    # A configuration encrypted with a key of KMS needs another action.
    of_key = " and in the policy of the KMS key" if denied.startswith("kms:") else ""
    wanted = both if denied.startswith("appconfig:") else of_key
    return f"{who} is not allowed to call {denied}. Allow it in an IAM policy of that identity{wanted}."


def _invalid(error: botocore.ClientError, action: str, caller: str) -> SourceError:
    problems = [
        f"{_FIELD_OF_PARAMETER.get(parameter, parameter)} ({problem})"
        for parameter, problem in sorted(_invalid_parameters(error).items())
    ]
    said = words_of(error)
    if error.operation_name == _LATEST and token_problem(error) is TokenProblem.BAD:
        # Of a session that has just begun: nothing in the spec is wrong.
        why = ", ".join(problems) or f'"{said}"'
        return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS AppConfig rejected the token of a new session: {why}.")
    if problems:
        return StallingError(
            Reason.INVALID_SOURCE, f"AWS AppConfig found a parameter of {action} invalid: {', '.join(problems)}."
        )
    if _DENIAL in message_of(error) and action_in(error):
        return StallingError(
            Reason.INVALID_SOURCE, f"AWS AppConfig found {action} invalid: {_denied(error, action, caller)}"
        )
    message = f"AWS AppConfig found {action} invalid" + (f': "{said}".' if said else ".")
    code, status = service_behind(error)
    if code in THROTTLED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(Reason.SERVICE_UNAVAILABLE, message)
    if error.operation_name == _LATEST:
        # No parameter of this call is the user's: a new session was refused, too, so it is what the profile leads to.
        return StallingError(
            Reason.INVALID_SOURCE, f"{message} Check what the configuration profile needs, such as its KMS key."
        )
    return StallingError(Reason.INVALID_SOURCE, f"{message} Check application, environment and configurationProfile.")


def _invalid_parameters(error: botocore.ClientError) -> dict[str, str]:
    """Return the problem of each parameter. What does not look like one of AWS's words is not shown."""
    details = members_of(error).get("Details") or {}
    found: Mapping[str, Any] = details.get("InvalidParameters") or {}
    return {
        word_or(parameter, "a parameter"): word_or((detail or {}).get("Problem"), "invalid")
        for parameter, detail in found.items()
    }
