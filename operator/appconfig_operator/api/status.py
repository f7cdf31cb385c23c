"""`AppConfigSource`, version `v1alpha1`: the status, which the operator reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

UNSEEN = -1
"""`observedGeneration` of a source that has no status from the operator yet."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A `metav1.Condition`. Times are RFC 3339 in UTC, to the second."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int
    last_transition_time: str

    @classmethod
    def from_dict(cls, condition: Mapping[str, Any]) -> Condition:
        """Read a condition as the API server sends it."""
        return cls(
            type=condition["type"],
            status=condition["status"],
            reason=condition["reason"],
            message=condition.get("message", ""),
            observed_generation=condition.get("observedGeneration", 0),
            last_transition_time=condition["lastTransitionTime"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Write the condition as the API server reads it."""
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "observedGeneration": self.observed_generation,
            "lastTransitionTime": self.last_transition_time,
        }


@dataclass(frozen=True, slots=True)
class ReceivedVersion:
    """What AppConfig last delivered, without its content.

    Attributes
    ----------
    version_label
        Label of a hosted configuration version, or empty.
    content_type
        MIME type as AppConfig reported it.
    content_digest
        `sha256:` and the hex digest of the bytes received.
    size_bytes
        Length of the bytes received.
    received_time
        When it first arrived, RFC 3339 in UTC.
    modified_time
        When it had last been deployed by then, RFC 3339 in UTC, or empty: AppConfig does not always report it.
    multi_variant_flags
        The number of multi-variant feature flags in it.
    """

    version_label: str
    content_type: str
    content_digest: str
    size_bytes: int
    received_time: str
    modified_time: str = ""
    multi_variant_flags: int = 0

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> ReceivedVersion:
        """Read `status.source`."""
        return cls(
            version_label=source.get("versionLabel", ""),
            content_type=source.get("contentType", ""),
            content_digest=source["digest"],
            size_bytes=source["sizeBytes"],
            received_time=source["receivedTime"],
            modified_time=source.get("modifiedTime", ""),
            multi_variant_flags=source.get("multiVariantFlags", 0),
        )

    def to_dict(self) -> dict[str, Any]:
        """Write `status.source`."""
        modified = {"modifiedTime": self.modified_time} if self.modified_time else {}
        return {
            "versionLabel": self.version_label,
            "contentType": self.content_type,
            "digest": self.content_digest,
            "sizeBytes": self.size_bytes,
            "receivedTime": self.received_time,
            **modified,
            "multiVariantFlags": self.multi_variant_flags,
        }


@dataclass(frozen=True, slots=True)
class WrittenTarget:
    """What is in the ConfigMap.

    Attributes
    ----------
    name
        Name of the ConfigMap.
    data_digest
        Digest of the data written, as in the ConfigMap's annotation.
    keys
        Number of keys.
    synced_time
        When the ConfigMap was last written, RFC 3339 in UTC.
    resource_version
        The ConfigMap's `resourceVersion` after that write.
    version_label
        Label of the version written, or empty; `None` if an earlier release wrote the status, which had no such field.
    """

    name: str
    data_digest: str
    keys: int
    synced_time: str
    resource_version: str
    version_label: str | None = None

    @classmethod
    def from_dict(cls, target: Mapping[str, Any]) -> WrittenTarget:
        """Read `status.target`."""
        return cls(
            name=target["name"],
            data_digest=target["digest"],
            keys=target["keys"],
            synced_time=target["syncedTime"],
            resource_version=target["resourceVersion"],
            version_label=target.get("versionLabel"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Write `status.target`."""
        labeled = {"versionLabel": self.version_label} if self.version_label is not None else {}
        return {
            "name": self.name,
            **labeled,
            "digest": self.data_digest,
            "keys": self.keys,
            "syncedTime": self.synced_time,
            "resourceVersion": self.resource_version,
        }


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A version that was replaced and is kept as a ControllerRevision.

    Attributes
    ----------
    data_digest
        Digest of the data, as in `spec.pinnedDigest`.
    version_label
        Label of the version, or empty.
    revision
        Number of the ControllerRevision: a higher one was replaced later.
    replaced_time
        When it was replaced, RFC 3339 in UTC.
    """

    data_digest: str
    version_label: str
    revision: int
    replaced_time: str

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> KeptVersion:
        """Read an entry of `status.history`."""
        return cls(
            data_digest=kept["digest"],
            version_label=kept.get("versionLabel", ""),
            revision=kept["revision"],
            replaced_time=kept["replacedTime"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Write an entry of `status.history`."""
        return {
            "digest": self.data_digest,
            "versionLabel": self.version_label,
            "revision": self.revision,
            "replacedTime": self.replaced_time,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """The status subresource of an `AppConfigSource`. `history` has the newest first."""

    observed_generation: int = UNSEEN
    conditions: tuple[Condition, ...] = ()
    source: ReceivedVersion | None = None
    target: WrittenTarget | None = None
    history: tuple[KeptVersion, ...] = ()
    last_handled_reconcile_at: str = ""

    @classmethod
    def from_dict(cls, status: Mapping[str, Any]) -> Status:
        """Read a status as the API server sends it."""
        source, target = status.get("source"), status.get("target")
        return cls(
            observed_generation=status.get("observedGeneration", UNSEEN),
            conditions=tuple(Condition.from_dict(condition) for condition in status.get("conditions") or ()),
            source=ReceivedVersion.from_dict(source) if source else None,
            target=WrittenTarget.from_dict(target) if target else None,
            history=tuple(KeptVersion.from_dict(kept) for kept in status.get("history") or ()),
            last_handled_reconcile_at=status.get("lastHandledReconcileAt", ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Write the status as a merge patch: the parts that are present, each of them whole."""
        status: dict[str, Any] = {
            "observedGeneration": self.observed_generation,
            "conditions": [condition.to_dict() for condition in self.conditions],
            "history": [kept.to_dict() for kept in self.history],
        }
        if self.source is not None:
            status["source"] = self.source.to_dict()
        if self.target is not None:
            status["target"] = self.target.to_dict()
        if self.last_handled_reconcile_at:
            status["lastHandledReconcileAt"] = self.last_handled_reconcile_at
        return status

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of that type, or `None`."""
        return next((condition for condition in self.conditions if condition.type == kind), None)
