"""Who calls AWS for a source, as a value. Sources with the same identity share its credentials."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source

SESSION_NAME_LIMIT = 64
"""Of `RoleSessionName`, whose pattern is `[\\w+=,.@-]{2,64}`: the AWS STS API reference, AssumeRole."""

_OPERATOR = "appconfig-operator"
_HASH_DIGITS = 8


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """Keys as a Secret holds them. `repr` shows nothing secret."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls AWS. With no reference and no role: the operator itself.

    Attributes
    ----------
    namespace
        Namespace of the sources that use it; empty for the operator itself, which all namespaces share.
    service_account, secret
        Name of the ServiceAccount or the Secret there that it begins with; `None` for the operator's own identity.
    role_arn, external_id
        The role that is assumed on top, if any.
    """

    namespace: str = ""
    service_account: str | None = None
    secret: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Name it in the middle of a sentence."""
        if self.role_arn is not None:
            return f"role {self.role_arn} assumed by {self.base}"
        return self.base

    @property
    def base(self) -> str:
        """Name what it begins with, in the middle of a sentence."""
        if self.service_account is not None:
            return f"ServiceAccount {self.namespace}/{self.service_account}"
        if self.secret is not None:
            return f"Secret {self.namespace}/{self.secret}"
        return "the operator"

    @property
    def is_operator(self) -> bool:
        """Whether it is the operator itself, with no role on top."""
        return self == OPERATOR

    @property
    def session_name(self) -> str:
        """Return the `RoleSessionName`: the namespace, `@`, and the name of what the identity begins with.

        It names no source, because sources share credentials. The namespace before an `@` is complete, so the condition
        `sts:RoleSessionName` of a trust policy can rely on it: neither part of the name can contain an `@`, and where
        the namespace has to be cut there is no `@`.
        """
        return session_name(self.namespace, self.service_account or self.secret or _OPERATOR)


OPERATOR = Identity()
"""The operator itself."""


def identity_of(source: Source) -> Identity:
    """Return who calls AWS for a source."""
    wanted = source.spec.credentials
    role = wanted.assume_role
    if wanted.service_account is None and wanted.secret is None and role is None:
        return OPERATOR
    return Identity(
        namespace=source.namespace,
        service_account=wanted.service_account,
        secret=wanted.secret,
        role_arn=role.role_arn if role else None,
        external_id=role.external_id if role else None,
    )


def account_of(role_arn: str) -> str:
    """Return the account of a role, or an empty text when this is not an ARN."""
    parts = role_arn.split(":")
    return parts[4] if len(parts) > 5 else ""  # noqa: PLR2004 (arn:partition:service:region:account:resource)


def session_name(namespace: str, name: str) -> str:
    """Join namespace and name to a `RoleSessionName`, cut to its limit with a hash where it is too long."""
    whole = f"{namespace}@{name}"
    if len(whole) <= SESSION_NAME_LIMIT:
        return whole
    digits = hashlib.sha256(whole.encode()).hexdigest()[:_HASH_DIGITS]
    room = SESSION_NAME_LIMIT - len(digits) - 1
    if len(namespace) + 1 < room:
        return f"{whole[:room]}={digits}"
    return f"{namespace[:room]}={digits}"
