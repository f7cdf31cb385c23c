"""Credentials of identities other than the operator: what they begin with, and the roles that they assume by STS.

Tokens are kept nowhere: each is requested when STS needs one, and never touches a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from botocore.credentials import ReadOnlyCredentials

from appconfig_operator.aws.credential_errors import expired_already, role_refused
from appconfig_operator.aws.responses import contained
from appconfig_operator.aws.signing import acting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef, CredentialsTypeDef

    from appconfig_operator.aws.regional import Regional
    from appconfig_operator.core.identity import AccessKeys, Identity


class IdentityLookup(Protocol):
    """Where the references of identities lead, in the cluster. All of it raises `SourceError`."""

    def role_arn(self, namespace: str, name: str) -> str:
        """Return the role that a ServiceAccount names."""

    def token(self, namespace: str, name: str) -> str:
        """Return a token of a ServiceAccount that AWS accepts."""

    def keys(self, namespace: str, name: str) -> AccessKeys:
        """Return the keys that a Secret holds."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What an identity begins with, as the cluster has it now. With neither: the operator's own credentials."""

    role_arn: str | None = None
    keys: AccessKeys | None = None


def read_basis(identities: IdentityLookup, identity: Identity) -> Basis:
    """Read what an identity begins with."""
    if identity.service_account is not None:
        return Basis(role_arn=identities.role_arn(identity.namespace, identity.service_account))
    if identity.secret is not None:
        return Basis(keys=identities.keys(identity.namespace, identity.secret))
    return Basis()


@dataclass(frozen=True, slots=True)
class Issued:
    """Credentials, and for how many more seconds they are valid. `None`: until someone revokes them."""

    credentials: ReadOnlyCredentials = field(repr=False)
    seconds: float | None = None


class Roles:
    """Gets credentials. Each call of STS is made by the thread that asks.

    Parameters
    ----------
    identities
        Where references lead.
    regional
        The clients of STS.
    utc_now
        Wall clock, with a time zone.
    """

    def __init__(self, *, identities: IdentityLookup, regional: Regional, utc_now: Callable[[], datetime]) -> None:
        self._identities = identities
        self._regional = regional
        self._utc_now = utc_now

    def issue(
        self, identity: Identity, basis: Basis, region: str | None, own: Callable[[], ReadOnlyCredentials]
    ) -> Issued:
        """Get the credentials of an identity.

        Parameters
        ----------
        identity
            Whose.
        basis
            What it begins with.
        region
            The region that the credentials are for. Its STS is called, because no other partition knows the role.
        own
            Returns the operator's own, or raises `SourceError`.

        Raises
        ------
        SourceError
            When they are unavailable.
        """
        if basis.keys is not None:
            keys = basis.keys
            base = Issued(ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token, None))
        elif basis.role_arn is not None:
            base = self._by_token(identity, basis.role_arn, region)
        else:
            base = Issued(own())
        return base if identity.role_arn is None else self._on_top(identity, identity.role_arn, base, region)

    def _by_token(self, identity: Identity, role_arn: str, region: str | None) -> Issued:
        """Assume a role as a ServiceAccount. STS accepts this call unsigned."""
        sts = self._regional.sts(region)
        token = self._identities.token(identity.namespace, identity.service_account or "")
        try:
            with contained(), acting(None):
                answer = sts.assume_role_with_web_identity(
                    RoleArn=role_arn, RoleSessionName=identity.session_name, WebIdentityToken=token
                )
                issued = self._issued(answer["Credentials"])
        except Exception as error:
            raise role_refused(error, identity, role_arn, by_token=True) from error
        self._regional.answered("sts", region, sts)
        return _good(issued, identity, role_arn)

    def _on_top(self, identity: Identity, role_arn: str, base: Issued, region: str | None) -> Issued:
        """Assume a role with other credentials."""
        sts = self._regional.sts(region)
        request: AssumeRoleRequestTypeDef = {"RoleArn": role_arn, "RoleSessionName": identity.session_name}
        if identity.external_id is not None:
            request["ExternalId"] = identity.external_id
        try:
            with contained(), acting(base.credentials):
                answer = sts.assume_role(**request)
                issued = self._issued(answer["Credentials"])
        except Exception as error:
            raise role_refused(error, identity, role_arn, by_token=False) from error
        self._regional.answered("sts", region, sts)
        return _good(issued, identity, role_arn)

    def _issued(self, given: CredentialsTypeDef) -> Issued:
        frozen = ReadOnlyCredentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], None)
        return Issued(frozen, (given["Expiration"] - self._utc_now()).total_seconds())


def _good(issued: Issued, identity: Identity, role_arn: str) -> Issued:
    if issued.seconds is not None and issued.seconds <= 0:
        raise expired_already(identity, role_arn)
    return issued
