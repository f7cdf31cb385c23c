"""Credentials of identities that are not the operator's own: what they begin with, and the roles they assume by STS.

The credentials of roles are botocore's own refreshable ones, which begin 15 minutes before they expire. Tokens are kept
nowhere: each is asked for when STS wants one, and never touches a disk.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, DeferredRefreshableCredentials
from botocore.loaders import create_loader

from appconfig_operator.aws.answers import contained
from appconfig_operator.aws.credential_errors import role_refused
from appconfig_operator.aws.region import new_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from botocore.config import Config
    from botocore.loaders import Loader
    from botocore.session import Session
    from mypy_boto3_appconfigdata import AppConfigDataClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef, CredentialsTypeDef

    from appconfig_operator.aws.calls import Calls
    from appconfig_operator.core.identity import AccessKeys, Identity


class Cluster(Protocol):
    """What the cluster knows of identities. All of it raises `SourceError`."""

    def role_arn(self, namespace: str, name: str) -> str:
        """Return the role that a ServiceAccount names."""

    def token(self, namespace: str, name: str) -> str:
        """Return a token of a ServiceAccount that AWS takes."""

    def keys(self, namespace: str, name: str) -> AccessKeys:
        """Return the keys that a Secret holds."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What an identity begins with, as the cluster has it now. With neither: the operator's own credentials."""

    role_arn: str | None = None
    keys: AccessKeys | None = None


def look(cluster: Cluster, identity: Identity) -> Basis:
    """Read what an identity begins with."""
    if identity.service_account is not None:
        return Basis(role_arn=cluster.role_arn(identity.namespace, identity.service_account))
    if identity.secret is not None:
        return Basis(keys=cluster.keys(identity.namespace, identity.secret))
    return Basis()


class _Fixed(CredentialProvider):
    """Gives the credentials that a session is made for."""

    METHOD = "appconfig-operator"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        """Return them."""
        return self._credentials


class Roles:
    """Makes credentials, and botocore sessions that use them.

    Parameters
    ----------
    cluster
        Where references lead.
    config
        For each client, those of STS included.
    utc_now
        Wall clock, with a time zone.
    calls
        Follows the calls of each client.
    """

    def __init__(
        self, *, cluster: Cluster, config: Config, utc_now: Callable[[], datetime], calls: Calls | None = None
    ) -> None:
        self._cluster = cluster
        self._config = config
        self._calls = calls
        self._utc_now = utc_now
        # The models of botocore as one copy for all sessions. With one each, a client takes 8 MB in place of 0.2.
        self._loader: Loader = create_loader(os.environ.get("AWS_DATA_PATH"))

    def appconfigdata(self, credentials: Credentials, region: str | None) -> AppConfigDataClient:
        """Make a client of the data plane of AppConfig. Errors are those of botocore, and `ValueError`."""
        return cast("AppConfigDataClient", self._session(credentials).create_client("appconfigdata", region))

    def _sts(self, credentials: Credentials | None, region: str | None) -> STSClient:
        return cast("STSClient", self._session(credentials).create_client("sts", region))

    def _session(self, credentials: Credentials | None) -> Session:
        """Make a session that has these credentials, or none, and else the settings of the environment."""
        session = new_session()
        session.register_component("data_loader", self._loader)
        providers: list[CredentialProvider] = [] if credentials is None else [_Fixed(credentials)]
        session.register_component("credential_provider", CredentialResolver(providers))
        session.set_default_client_config(self._config)
        if self._calls is not None:
            self._calls.follow(session)
        return session

    def credentials(
        self, identity: Identity, basis: Basis, region: str | None, own: Callable[[], Credentials]
    ) -> Credentials:
        """Make the credentials of an identity. Nobody is asked for them yet.

        Parameters
        ----------
        identity
            Whose.
        basis
            What it begins with.
        region
            Whose STS is asked: the region that the credentials are for, because a role of another partition is
            known nowhere else.
        own
            Returns the operator's own, or raises `SourceError`.
        """
        base: Credentials | None = None
        if basis.keys is not None:
            keys = basis.keys
            base = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token, method=_Fixed.METHOD)
        elif basis.role_arn is not None:
            base = self._refreshable(lambda: self._by_token(identity, basis.role_arn or "", region))
        if identity.role_arn is None:
            return base or own()
        return self._refreshable(lambda: self._on_top(identity, base or own(), region))

    def _refreshable(self, refresh: Callable[[], dict[str, Any]]) -> Credentials:
        return DeferredRefreshableCredentials(refresh, _Fixed.METHOD, self._utc_now)

    def _by_token(self, identity: Identity, role_arn: str, region: str | None) -> dict[str, Any]:
        """Assume a role as a ServiceAccount. STS takes this call unsigned."""
        token = self._cluster.token(identity.namespace, identity.service_account or "")
        try:
            with contained(), closing(self._sts(None, region)) as sts:
                answer = sts.assume_role_with_web_identity(
                    RoleArn=role_arn, RoleSessionName=identity.session_name, WebIdentityToken=token
                )
                return _metadata(answer["Credentials"])
        except Exception as error:
            raise role_refused(error, identity, role_arn, by_token=True) from error

    def _on_top(self, identity: Identity, base: Credentials, region: str | None) -> dict[str, Any]:
        """Assume a role with other credentials."""
        role_arn = identity.role_arn or ""
        # Here and not when the call is signed, so that a failure is known to be that of the first step.
        base.get_frozen_credentials()
        request: AssumeRoleRequestTypeDef = {"RoleArn": role_arn, "RoleSessionName": identity.session_name}
        if identity.external_id is not None:
            request["ExternalId"] = identity.external_id
        try:
            with contained(), closing(self._sts(base, region)) as sts:
                answer = sts.assume_role(**request)
                return _metadata(answer["Credentials"])
        except Exception as error:
            raise role_refused(error, identity, role_arn, by_token=False) from error


def _metadata(credentials: CredentialsTypeDef) -> dict[str, Any]:
    """Write what STS gives as botocore's refreshable credentials read it."""
    return {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
        "expiry_time": credentials["Expiration"].isoformat(),
    }
