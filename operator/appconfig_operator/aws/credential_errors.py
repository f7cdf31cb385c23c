"""Turns what goes wrong with credentials into errors of ours. Quotes no token, key or message of AWS."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore import exceptions as botocore

from appconfig_operator.aws.client_errors import (
    ACCESS_DENIED,
    BAD_CREDENTIALS,
    THROTTLED,
    action_in,
    caller_in,
    code_of,
    status_of,
    word_or,
)
from appconfig_operator.aws.connection_errors import unreachable
from appconfig_operator.aws.responses import AnswerError
from appconfig_operator.core.errors import Reason, SourceError, StallingError, TransientError

if TYPE_CHECKING:
    from appconfig_operator.core.identity import Identity

_BROKEN_SETTINGS = (
    botocore.ProfileNotFound,
    botocore.ConfigNotFound,
    botocore.ConfigParseError,
    botocore.InvalidConfigError,
)

_IDENTITY_PROVIDER_AWAY = "IDPCommunicationError"


def no_credentials(error: Exception) -> SourceError:
    """Turn a failed search for the operator's own credentials into an error of ours.

    Parameters
    ----------
    error
        Anything: the providers of botocore call STS and other services, read files, and let their errors through.
    """
    if isinstance(error, botocore.ClientError):
        return _passing(error) or StallingError(
            Reason.CREDENTIALS_UNAVAILABLE,
            f"AWS did not let the operator assume its role: {error.operation_name} ({_shown(error)}). Check that the "
            "role exists, and that its trust policy names the operator's ServiceAccount.",
        )
    if isinstance(error, (botocore.HTTPClientError, botocore.ConnectionError)):
        return TransientError(
            Reason.SERVICE_UNAVAILABLE,
            f"AWS credentials are unavailable: the service that provides them {unreachable(error)}",
        )
    if isinstance(error, _BROKEN_SETTINGS):
        return StallingError(
            Reason.CREDENTIALS_UNAVAILABLE,
            f"The operator's AWS settings cannot be used ({type(error).__name__}). Check AWS_PROFILE and the "
            "configuration file that AWS_CONFIG_FILE names.",
        )
    if type(error) is RuntimeError and "expired" in str(error):  # botocore has no exception of its own for it
        return StallingError(
            Reason.CREDENTIALS_UNAVAILABLE,
            f"The operator's own AWS credentials {_EXPIRED}",
        )
    return StallingError(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"The operator has no AWS credentials ({type(error).__name__}). Give its ServiceAccount a role "
        "(IRSA or EKS Pod Identity), or set the environment variables of the AWS SDK on the operator.",
    )


_EXPIRED = "had already expired when they arrived, by the clock of the operator's node. Correct that clock."


def expired_already(identity: Identity, role_arn: str) -> SourceError:
    """Make the error for credentials of a role that had expired when they arrived."""
    return StallingError(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"The credentials that AWS STS issued to {identity.base} for role {role_arn} {_EXPIRED}",
    )


def role_refused(error: Exception, identity: Identity, role_arn: str, *, by_token: bool) -> SourceError:
    """Turn a failed call of STS into an error of ours.

    Parameters
    ----------
    error
        What the call raised.
    identity
        Who wanted a role.
    role_arn
        Which.
    by_token
        Whether by the token of a ServiceAccount, with `AssumeRoleWithWebIdentity`; else by credentials, with
        `AssumeRole`.
    """
    if isinstance(error, SourceError):
        return error
    if isinstance(error, botocore.ClientError):
        return _passing(error) or _refused(error, identity, role_arn, by_token=by_token)
    if isinstance(error, (botocore.HTTPClientError, botocore.ConnectionError)):
        return TransientError(
            Reason.SERVICE_UNAVAILABLE,
            f"AWS STS, which provides credentials for role {role_arn}, {unreachable(error)}",
        )
    if isinstance(error, AnswerError):
        return TransientError(Reason.SERVICE_UNAVAILABLE, f"AWS STS was reached, but {error}.")
    return StallingError(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"Role {role_arn} could not be assumed by {identity.base} ({type(error).__name__}). Check its ARN.",
    )


def _passing(error: botocore.ClientError) -> SourceError | None:
    """Return the error for what is likely to pass, or `None`."""
    code, status = code_of(error), status_of(error)
    if code in THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(
            Reason.THROTTLED, f"AWS throttled {error.operation_name}, which provides the credentials."
        )
    if code == _IDENTITY_PROVIDER_AWAY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(
            Reason.SERVICE_UNAVAILABLE,
            f"AWS failed to answer {error.operation_name}, which provides the credentials (HTTP {status}).",
        )
    return None


def _refused(error: botocore.ClientError, identity: Identity, role_arn: str, *, by_token: bool) -> SourceError:
    code = code_of(error)
    action = f"sts:{error.operation_name}"
    if code in ACCESS_DENIED:
        who = caller_in(error)
        named = f"{who} ({identity.base})" if who else identity.base
        denied = action_in(error) or action
        if denied == _TAG:
            advice = _TAGS
        else:
            advice = f"Check that the role exists, {_trust_in_token(identity) if by_token else _TRUST}"
        return StallingError(
            Reason.ACCESS_DENIED, f"AWS does not allow {named} to call {denied} for role {role_arn}. {advice}"
        )
    if code == "InvalidIdentityToken":
        return StallingError(
            Reason.CREDENTIALS_UNAVAILABLE,
            f"AWS does not accept the token of {identity.base} for role {role_arn}. The account of the role needs an "
            "IAM OIDC provider for this cluster, with the audience sts.amazonaws.com.",
        )
    if code in BAD_CREDENTIALS:
        return StallingError(
            Reason.ACCESS_DENIED,
            f"AWS does not accept the credentials of {identity.base} for {action} ({code}). Check them, and the clock "
            "of the operator's node.",
        )
    return StallingError(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"AWS did not let {identity.base} assume role {role_arn}: {action} ({_shown(error)}). Check its ARN, and that "
        "STS is active in the region.",
    )


_TAG = "sts:TagSession"
_TAGS = (
    "EKS Pod Identity passes its session tags on to the role: the role's trust policy and an IAM policy of that "
    "identity must allow that, or the association must be created without session tags."
)
_TRUST = (
    "that its trust policy names that identity and the external ID of spec.credentials.assumeRole, if any, and that an "
    "IAM policy of that identity allows sts:AssumeRole on it."
)


def _trust_in_token(identity: Identity) -> str:
    return (
        "and that its trust policy names the IAM OIDC provider of this cluster and the subject "
        f"system:serviceaccount:{identity.namespace}:{identity.service_account}."
    )


def _shown(error: botocore.ClientError) -> str:
    return word_or(code_of(error), f"HTTP {status_of(error)}")
