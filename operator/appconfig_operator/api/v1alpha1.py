"""`AppConfigSource`, version `v1alpha1`: what a user asks for.

The API server has validated the resource against the CRD and filled in its defaults, so nothing is checked again here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "appconfig-operator.io"
VERSION = "v1alpha1"
KIND = "AppConfigSource"
PLURAL = "appconfigsources"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True, slots=True)
class Target:
    """The ConfigMap that is wanted.

    Attributes
    ----------
    name
        Name of the ConfigMap, in the namespace of the source.
    key
        Key that holds the document, or `None` for the default of the content type.
    labels, annotations
        Put on the ConfigMap beside the operator's own.
    """

    name: str
    key: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


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
    """

    application: str
    environment: str
    configuration_profile: str
    region: str | None
    poll_interval_seconds: int
    suspend: bool
    target: Target


@dataclass(frozen=True, slots=True)
class Source:
    """One `AppConfigSource` as the API server last told it."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    deleting: bool
    spec: Spec
    status: Status

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
        )


def _spec(spec: Mapping[str, Any], *, default_name: str) -> Spec:
    target = spec["target"]
    return Spec(
        application=spec["application"],
        environment=spec["environment"],
        configuration_profile=spec["configurationProfile"],
        region=spec.get("region"),
        poll_interval_seconds=spec["pollIntervalSeconds"],
        suspend=spec["suspend"],
        target=Target(
            name=target.get("name", default_name),
            key=target.get("key"),
            labels=dict(target.get("labels") or {}),
            annotations=dict(target.get("annotations") or {}),
        ),
    )
