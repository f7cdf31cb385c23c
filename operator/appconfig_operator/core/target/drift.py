"""Whether someone else changed a ConfigMap of ours, by its metadata alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import DIGEST, FIELD_MANAGER, SOURCE_UID
from appconfig_operator.core.target.managed_fields import owned, owned_by_others
from appconfig_operator.core.target.references import controls
from appconfig_operator.core.target.revision import belongs_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.status import WrittenTarget

FIGHT_WINDOW_SECONDS = 1200.0
FIGHT_REPAIRS = 3
"""Repairs within the window after which two writers are said to fight."""


class DriftKind(Enum):
    """What of a ConfigMap someone else changed."""

    DELETED = auto()
    DATA = auto()
    METADATA = auto()
    OWNER_REFERENCE = auto()


_PREDICATES = {
    DriftKind.DELETED: "was deleted or lost its label appconfig-operator.io/source-uid",
    DriftKind.DATA: "was changed",
    DriftKind.METADATA: "had the operator's labels or annotations changed",
    DriftKind.OWNER_REFERENCE: "lost its owner reference",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """A change that someone else made to a target.

    Attributes
    ----------
    kind
        What changed.
    manager
        The field manager that changed the data, empty where no one knows.
    """

    kind: DriftKind
    manager: str = ""


def described(drift: Drift) -> str:
    """Return what happened to a ConfigMap, as the rest of a sentence about it."""
    predicate = _PREDICATES[drift.kind]
    return f"{predicate} by {drift.manager}" if drift.manager else predicate


@dataclass(frozen=True, slots=True)
class ConfigMapSnapshot:
    """What is kept of a ConfigMap as the watch saw it last: all of its metadata would be some KB.

    Attributes
    ----------
    namespace, name
        Which ConfigMap.
    resource_version
        Its `resourceVersion`, empty when it was deleted.
    keys
        How many keys of its data are the operator's.
    other_manager
        A field manager beside the operator that owns data of it, or `None`.
    data_digest
        The digest in its annotation, or empty.
    labeled
        Whether its label names a source.
    deleting
        Whether its deletion has begun.
    owned
        Whether the operator created it, and the source that its label names is its controller: it would go with it.
    controlled
        Whether the source that its label names is its controller.
    """

    namespace: str
    name: str
    resource_version: str = ""
    keys: int = 0
    other_manager: str | None = None
    data_digest: str = ""
    labeled: bool = True
    deleting: bool = False
    owned: bool = False
    controlled: bool = True


def snapshot(metadata: Mapping[str, Any], *, there: bool = True) -> ConfigMapSnapshot:
    """Take from the metadata of a ConfigMap what shows whether someone changed it, or that it is not there anymore."""
    if not there:
        return ConfigMapSnapshot(metadata["namespace"], metadata["name"])
    keys = owned(metadata, FIELD_MANAGER, "data") | owned(metadata, FIELD_MANAGER, "binaryData")
    return ConfigMapSnapshot(
        namespace=metadata["namespace"],
        name=metadata["name"],
        resource_version=metadata["resourceVersion"],
        keys=len(keys),
        other_manager=owned_by_others(metadata, FIELD_MANAGER, ("data", "binaryData")),
        data_digest=(metadata.get("annotations") or {}).get(DIGEST, ""),
        labeled=source_uid(metadata) is not None,
        deleting="deletionTimestamp" in metadata,
        owned=_made_for(source_uid(metadata), metadata),
        controlled=controls(metadata, source_uid(metadata) or ""),
    )


def _made_for(uid: str | None, metadata: Mapping[str, Any]) -> bool:
    """Return whether the operator made an object for a source: a copy of it has another field manager."""
    ours = any(entry.get("manager") == FIELD_MANAGER for entry in metadata.get("managedFields") or ())
    return ours and uid is not None and belongs_to(uid, metadata)


def source_uid(metadata: Mapping[str, Any]) -> str | None:
    """Return the uid of the source that a ConfigMap was made for."""
    uid = (metadata.get("labels") or {}).get(SOURCE_UID)
    return str(uid) if uid else None


def drift(seen: ConfigMapSnapshot, written: WrittenTarget | None, *, owner: bool = False) -> Drift | None:
    """Return what happened to a ConfigMap that is not as it was written, or `None` when it is.

    Others may set labels and annotations of their own, so the `resourceVersion` alone does not show it: the managers of
    the data do.

    Parameters
    ----------
    seen
        What the watch saw.
    written
        What was written last.
    owner
        Whether it was written under `Owner`: then it has to go with its source.
    """
    if written is None or seen.name != written.name:
        return None
    if not seen.resource_version:
        return Drift(DriftKind.DELETED)
    if untouched(seen, written) or seen.deleting:
        return None
    if seen.other_manager is not None or seen.keys != written.keys:
        return Drift(DriftKind.DATA, seen.other_manager or "")
    if seen.data_digest != written.data_digest or not seen.labeled:
        return Drift(DriftKind.METADATA)
    return Drift(DriftKind.OWNER_REFERENCE) if owner and not seen.controlled else None


def untouched(seen: ConfigMapSnapshot, written: WrittenTarget | None) -> bool:
    """Return whether no one has written a ConfigMap since the operator did."""
    return written is not None and (seen.name, seen.resource_version) == (written.name, written.resource_version)


def fighting(repairs: tuple[float, ...], now: float) -> bool:
    """Return whether a ConfigMap was repaired so often lately that someone keeps changing it."""
    return len([when for when in repairs if now - when < FIGHT_WINDOW_SECONDS]) >= FIGHT_REPAIRS
