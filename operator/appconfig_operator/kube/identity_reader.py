"""Identities for AWS from the cluster: the role of a ServiceAccount, its tokens, the keys of a Secret.

Nothing is kept, listed or watched. Each is read by name when it is needed, so the operator needs no permission to list
Secrets.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.errors import ForbiddenError, Reason, SourceError, StallingError, TransientError
from appconfig_operator.core.identity import AccessKeys
from appconfig_operator.kube.errors import FORBIDDEN, NOT_FOUND, ApiError, UnreachableError, is_transient
from appconfig_operator.kube.paths import resource_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.kube.api import Api

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE = "sts.amazonaws.com"

TOKEN_SECONDS = 600
"""The shortest lifetime of a token in Kubernetes. Each is used once, and at once."""

_GIVEN_BY = "the kustomize component manifests/components/identities/{}, or the value identities.{} of the Helm chart"
_SERVICE_ACCOUNTS = _GIVEN_BY.format("service-accounts", "serviceAccounts")
_SECRETS = _GIVEN_BY.format("secrets", "secrets")

_ID, _KEY, _TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"

_ROLE_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}")
"""As the CRD has it for `spec.credentials.assumeRole.roleArn`."""

# Only what the header of a signed request can hold: anything else would fail there, and be quoted in the error.
_WORD = re.compile(r"[!-~]+")


class IdentityReader:
    """Reads what ServiceAccounts and Secrets hold of an identity."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def role_arn(self, namespace: str, name: str) -> str:
        """Return the role that a ServiceAccount names.

        Raises
        ------
        SourceError
            `CredentialsUnavailable`, when there is none; `TargetUnavailable`, when the API server does not say.
        """
        what = f"ServiceAccount {namespace}/{name}"
        path = resource_path("serviceaccounts", namespace, name)
        account = self._call("GET", path, what, "read it", _SERVICE_ACCOUNTS)
        annotations: Mapping[str, str] = account["metadata"].get("annotations") or {}
        role = annotations.get(ROLE_ANNOTATION, "").strip()
        if not role:
            raise _unavailable(f"{what} has no annotation {ROLE_ANNOTATION}. Add one with the ARN of a role.")
        if not _ROLE_ARN.fullmatch(role):
            raise _unavailable(
                f"The annotation {ROLE_ANNOTATION} of {what} is not the ARN of a role, "
                "such as arn:aws:iam::111122223333:role/shop."
            )
        return role

    def token(self, namespace: str, name: str) -> str:
        """Return a token of a ServiceAccount that AWS accepts. It is valid for ten minutes, and kept nowhere.

        Raises
        ------
        SourceError
            As `role_arn`.
        """
        what = f"ServiceAccount {namespace}/{name}"
        path = resource_path("serviceaccounts", namespace, name, "token")
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [AUDIENCE], "expirationSeconds": TOKEN_SECONDS},
        }
        answer = self._call("POST", path, what, "create a token for it", _SERVICE_ACCOUNTS, body=request)
        token = (answer.get("status") or {}).get("token")
        if not isinstance(token, str) or not _WORD.fullmatch(token):
            raise TransientError(Reason.TARGET_UNAVAILABLE, f"The Kubernetes API server issued no token for {what}.")
        return token

    def keys(self, namespace: str, name: str) -> AccessKeys:
        """Return the keys that a Secret holds. Spaces and line ends around them are left out.

        Raises
        ------
        SourceError
            `CredentialsUnavailable`, when there are none; `TargetUnavailable`, when the API server does not say.
        """
        what = f"Secret {namespace}/{name}"
        secret = self._call("GET", resource_path("secrets", namespace, name), what, "read it", _SECRETS)
        data: Mapping[str, str] = secret.get("data") or {}
        missing = [key for key in (_ID, _KEY) if key not in data]
        if missing:
            raise _unavailable(f"{what} has no key {' and no key '.join(missing)}.")
        return AccessKeys(
            access_key_id=_decoded(data[_ID], _ID, what),
            secret_access_key=_decoded(data[_KEY], _KEY, what),
            session_token=_decoded(data[_TOKEN], _TOKEN, what) if data.get(_TOKEN) else None,
        )

    def _call(  # noqa: PLR0913 (what is asked, and the words for when it is refused)
        self, method: str, path: str, what: str, to_do: str, given_by: str, *, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            return self._api.call(method, path, body=body)
        except UnreachableError as error:
            raise TransientError(
                Reason.TARGET_UNAVAILABLE, f"{what}: the Kubernetes API server could not be reached ({error})."
            ) from error
        except ApiError as error:
            raise _refused(error, what, to_do, given_by) from error


def _refused(error: ApiError, what: str, to_do: str, given_by: str) -> SourceError:
    if error.status == NOT_FOUND:
        return _unavailable(f"{what} does not exist. Create it, or check spec.credentials.")
    if is_transient(error):
        return TransientError(
            Reason.TARGET_UNAVAILABLE,
            f"{what}: the Kubernetes API server answered {error}.",
            retry_after=error.retry_after,
        )
    if "NamespaceTerminating" in error.causes:
        return TransientError(Reason.TARGET_UNAVAILABLE, f"{what}: its namespace is being deleted.")
    if error.status == FORBIDDEN:
        # Transient: an API server that has just started refuses what it allows a moment later.
        return ForbiddenError(
            Reason.CREDENTIALS_UNAVAILABLE,
            f"{what} cannot be used: the operator is not allowed to {to_do}. An administrator can grant access with "
            f"{given_by}.",
        )
    # Not the words of the API server: they may quote what it was sent.
    return _unavailable(f"{what} cannot be used: the Kubernetes API server answered {error}.")


def _decoded(encoded: str, key: str, what: str) -> str:
    """Decode a value of a Secret. An error does not quote it."""
    try:
        value = base64.b64decode(encoded, validate=True).decode("ascii").strip()
    except (binascii.Error, UnicodeDecodeError):
        value = ""
    if not _WORD.fullmatch(value):
        # Not from the error that came first: its text quotes a byte of the value.
        raise _unavailable(
            f"The key {key} of {what} does not hold a value that AWS issues: letters, digits and symbols, without "
            "spaces."
        )
    return value


def _unavailable(message: str) -> StallingError:
    return StallingError(Reason.CREDENTIALS_UNAVAILABLE, message)
