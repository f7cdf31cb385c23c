"""`AppConfigSource`, version `v1alpha1`: the spec, which a user writes.

The API server has validated the resource against the CRD and set its defaults, so nothing is checked again here.
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
"""Annotation of an `AppConfigSource`: any new value requests an immediate fetch."""


class Format(StrEnum):
    """How to write a configuration."""

    RAW = "Raw"
    JSON = "JSON"
    YAML = "YAML"
    PROPERTIES = "Properties"
    DOTENV = "Dotenv"
    ENTRIES = "Entries"
    ENV_VARS = "EnvVars"


class Compression(StrEnum):
    """Whether to compress the file."""

    NONE = "None"
    GZIP = "Gzip"


class EnvVarCase(StrEnum):
    """How to write the names of environment variables."""

    UPPER = "Upper"
    PRESERVE = "Preserve"


class CreationPolicy(StrEnum):
    """Who owns the ConfigMap."""

    OWNER = "Owner"
    ORPHAN = "Orphan"
    MERGE = "Merge"


class MultiVariant(StrEnum):
    """What to do with multi-variant feature flags."""

    REFUSE = "Refuse"
    DEFAULT_VARIANT = "DefaultVariant"
    RAW = "Raw"


class FlagOutput(StrEnum):
    """The format of feature flags."""

    APP_CONFIG = "AppConfig"
    FLAGD = "Flagd"


@dataclass(frozen=True, slots=True)
class Target:
    """The ConfigMap to write.

    Attributes
    ----------
    name
        Name of the ConfigMap, in the namespace of the source.
    key
        Key of the document, or `None` for the default of format and content type. File formats only.
    format
        How to write the configuration.
    separator
        Goes between the parts of a key, or `None` for the default of the format.
    prefix
        Goes before each key, in the formats that write one key per value.
    env_var_case
        How to write the names of environment variables.
    compression
        Whether to compress the file.
    creation_policy
        Who owns the ConfigMap.
    labels, annotations
        Set on the ConfigMap in addition to the operator's own.
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
    """The spec of an `AppConfigSource`.

    Attributes
    ----------
    application, environment, configuration_profile
        Name or ID of each in AWS AppConfig.
    region
        AWS region, or `None` for the operator's own.
    poll_interval_seconds
        Shortest time between two polls, in seconds. If AppConfig answers with a different one, that one is used.
    suspend
        If true, no call is made and nothing changes.
    target
        The ConfigMap to write.
    content_type
        The content type of the configuration, or `None` for the one that AppConfig reports.
    select
        JSON Pointer (RFC 6901) to the part of the document to write, or `None` for all of it.
    credentials
        Who calls AWS.
    feature_flags
        What to do with a feature-flag profile.
    history_limit
        How many replaced versions to keep.
    pinned_digest
        Digest of the version to pin, or `None`.
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
        """Whether an Event names multi-variant feature flags: if what was received is written, without rules."""
        return self.writes_default_variants and self.pinned_digest is None

    @property
    def wants_rules(self) -> bool:
        """Whether to get feature flags with their rules, as Amazon Ion, in the only form in which it can be written."""
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
            If a required field is missing, which the CRD does not allow.
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
