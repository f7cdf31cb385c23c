"""`AppConfigSource`, version `v1alpha1`: what a user asks for.

The API server has validated the resource against the CRD and filled in its defaults, so nothing is checked again here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.status import Status
from appconfig_operator.api.text import request_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "appconfig-operator.io"
VERSION = "v1alpha1"
KIND = "AppConfigSource"
PLURAL = "appconfigsources"
API_VERSION = f"{GROUP}/{VERSION}"


REQUESTED_AT = f"{GROUP}/requestedAt"
"""Annotation of an `AppConfigSource`: any new value asks for a fetch now."""


class Format(StrEnum):
    """How a configuration is written."""

    RAW = "Raw"
    JSON = "JSON"
    YAML = "YAML"
    PROPERTIES = "Properties"
    DOTENV = "Dotenv"
    ENTRIES = "Entries"
    ENV_VARS = "EnvVars"


class Compression(StrEnum):
    """Whether the one file is compressed."""

    NONE = "None"
    GZIP = "Gzip"


class EnvVarCase(StrEnum):
    """How the names of environment variables are written."""

    UPPER = "Upper"
    PRESERVE = "Preserve"


class CreationPolicy(StrEnum):
    """Whose the ConfigMap is."""

    OWNER = "Owner"
    ORPHAN = "Orphan"
    MERGE = "Merge"


class MultiVariant(StrEnum):
    """What to do with multi-variant feature flags."""

    REFUSE = "Refuse"
    DEFAULT_VARIANT = "DefaultVariant"
    RAW = "Raw"


class FlagOutput(StrEnum):
    """What feature flags are written as."""

    APP_CONFIG = "AppConfig"
    FLAGD = "Flagd"


@dataclass(frozen=True, slots=True)
class Target:
    """The ConfigMap that is wanted.

    Attributes
    ----------
    name
        Name of the ConfigMap, in the namespace of the source.
    key
        Key that holds the document, or `None` for the default of format and content type. File formats only.
    format
        How the configuration is written.
    separator
        Between the parts of a key, or `None` for the default of the format.
    prefix
        Before each key of the formats that make keys.
    env_var_case
        How the names of environment variables are written.
    compression
        Whether the file is compressed.
    creation_policy
        Whose the ConfigMap is.
    labels, annotations
        Put on the ConfigMap beside the operator's own.
    """

    name: str
    key: str | None = None
    format: Format = Format.RAW
    separator: str | None = None
    prefix: str = ""
    env_var_case: EnvVarCase = EnvVarCase.UPPER
    compression: Compression = Compression.NONE
    creation_policy: CreationPolicy = CreationPolicy.OWNER
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """A role to assume on top of the other identity."""

    role_arn: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls AWS. All `None`: the operator's own identity.

    Attributes
    ----------
    service_account
        Name of a ServiceAccount in the namespace of the source: web identity.
    secret
        Name of a Secret there that holds keys.
    assume_role
        A role to assume on top of either, or of the operator's own identity.
    """

    service_account: str | None = None
    secret: str | None = None
    assume_role: AssumeRole | None = None


@dataclass(frozen=True, slots=True)
class FeatureFlags:
    """What to do with a feature-flag profile."""

    multi_variant: MultiVariant = MultiVariant.DEFAULT_VARIANT
    output: FlagOutput = FlagOutput.APP_CONFIG


@dataclass(frozen=True, slots=True)
class Spec:
    """What a user asks for.

    Attributes
    ----------
    application, environment, configuration_profile
        Name or ID of each in AWS AppConfig.
    region
        AWS region, or `None` for the operator's own.
    poll_interval_seconds
        Shortest time between two polls, in seconds. What AppConfig answers wins.
    suspend
        When true, no call is made and nothing changes.
    target
        The ConfigMap that is wanted.
    content_type
        What the configuration is, or `None` for what AppConfig says.
    select
        JSON Pointer (RFC 6901) to the part of the document that is wanted, or `None` for all of it.
    credentials
        Who calls AWS.
    feature_flags
        What to do with a feature-flag profile.
    history_limit
        How many replaced versions are kept.
    pinned_digest
        Digest of the kept version that is held, or `None`.
    """

    application: str
    environment: str
    configuration_profile: str
    region: str | None
    poll_interval_seconds: int
    suspend: bool
    target: Target
    content_type: str | None = None
    select: str | None = None
    credentials: Credentials = Credentials()
    feature_flags: FeatureFlags = FeatureFlags()
    history_limit: int = 3
    pinned_digest: str | None = None

    @property
    def writes_default_variants(self) -> bool:
        """Whether multi-variant feature flags are written as if they were basic ones."""
        return self.feature_flags.multi_variant is MultiVariant.DEFAULT_VARIANT

    @property
    def names_variants(self) -> bool:
        """Whether an Event names multi-variant feature flags: where what was received is written, without rules."""
        return self.writes_default_variants and self.pinned_digest is None

    @property
    def wants_rules(self) -> bool:
        """Whether feature flags are wanted with their rules, as Amazon Ion, in the one way that it can be written."""
        flags = self.feature_flags
        as_it_is = self.target.format is Format.RAW and self.select is None and flags.output is FlagOutput.APP_CONFIG
        return as_it_is and flags.multi_variant is MultiVariant.RAW


@dataclass(frozen=True, slots=True)
class Source:
    """One `AppConfigSource` as the API server last reported it."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    deleting: bool
    spec: Spec
    status: Status
    requested_at: str = ""
    created: str = ""

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Source:
        """Read a resource as the API server sends it.

        Raises
        ------
        KeyError
            When a required field is missing, which the CRD does not allow.
        """
        metadata = body["metadata"]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            generation=metadata["generation"],
            resource_version=metadata["resourceVersion"],
            deleting="deletionTimestamp" in metadata,
            spec=_spec(body["spec"], default_name=metadata["name"]),
            status=Status.from_dict(body.get("status") or {}),
            requested_at=request_mark((metadata.get("annotations") or {}).get(REQUESTED_AT, "")),
            created=metadata.get("creationTimestamp", ""),
        )


def _spec(spec: Mapping[str, Any], *, default_name: str) -> Spec:
    return Spec(
        application=spec["application"],
        environment=spec["environment"],
        configuration_profile=spec["configurationProfile"],
        region=spec.get("region"),
        poll_interval_seconds=spec["pollIntervalSeconds"],
        suspend=spec["suspend"],
        target=_target(spec["target"], default_name),
        content_type=spec.get("contentType"),
        select=spec.get("select"),
        credentials=_credentials(spec.get("credentials") or {}),
        feature_flags=_feature_flags(spec.get("featureFlags") or {}),
        history_limit=spec.get("historyLimit", 3),
        pinned_digest=spec.get("pinnedDigest"),
    )


def _target(target: Mapping[str, Any], default_name: str) -> Target:
    return Target(
        name=target.get("name", default_name),
        key=target.get("key"),
        format=Format(target["format"]),
        separator=target.get("separator"),
        prefix=target.get("prefix", ""),
        env_var_case=EnvVarCase(target.get("envVarCase", EnvVarCase.UPPER)),
        compression=Compression(target.get("compression", Compression.NONE)),
        creation_policy=CreationPolicy(target["creationPolicy"]),
        labels=dict(target.get("labels") or {}),
        annotations=dict(target.get("annotations") or {}),
    )


def _credentials(credentials: Mapping[str, Any]) -> Credentials:
    role = credentials.get("assumeRole")
    return Credentials(
        service_account=(credentials.get("serviceAccountRef") or {}).get("name"),
        secret=(credentials.get("secretRef") or {}).get("name"),
        assume_role=AssumeRole(role["roleArn"], role.get("externalId")) if role else None,
    )


def _feature_flags(flags: Mapping[str, Any]) -> FeatureFlags:
    return FeatureFlags(
        multi_variant=MultiVariant(flags.get("multiVariant", MultiVariant.DEFAULT_VARIANT)),
        output=FlagOutput(flags.get("output", FlagOutput.APP_CONFIG)),
    )
