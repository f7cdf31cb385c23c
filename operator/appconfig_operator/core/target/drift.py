"""Whether somebody else changed a ConfigMap of ours, told from its metadata alone."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of a ConfigMap as the watch saw it last: its metadata whole would be some KB.

    Attributes
    ----------
    namespace, name
        Which ConfigMap.
    resource_version
        Its `resourceVersion`, empty when it was deleted.
    keys
        How many keys of its data are the operator's.
    other
        A field manager beside the operator that owns data of it, or `None`.
    data_digest
        The digest that its annotation tells, or empty.
    marked
        Whether it carries the mark of a source.
    deleting
        Whether its deletion has begun.
    owned
        Whether the operator has made it, and that source is its controller: it would go with the source.
    controlled
        Whether the source of its mark is its controller.
    """

    namespace: str
    name: str
    resource_version: str = ""
    keys: int = 0
    other: str | None = None
    data_digest: str = ""
    marked: bool = True
    deleting: bool = False
    owned: bool = False
    controlled: bool = True


def look(metadata: Mapping[str, Any]) -> Seen:
    """Take from the metadata of a ConfigMap what tells whether somebody changed it."""
    keys = owned(metadata, FIELD_MANAGER, "data") | owned(metadata, FIELD_MANAGER, "binaryData")
    return Seen(
        namespace=metadata["namespace"],
        name=metadata["name"],
        resource_version=metadata["resourceVersion"],
        keys=len(keys),
        other=owned_by_others(metadata, FIELD_MANAGER, ("data", "binaryData")),
        data_digest=(metadata.get("annotations") or {}).get(DIGEST, ""),
        marked=source_uid(metadata) is not None,
        deleting="deletionTimestamp" in metadata,
        owned=_made_for(source_uid(metadata), metadata),
        controlled=controls(metadata, source_uid(metadata) or ""),
    )


def _made_for(uid: str | None, metadata: Mapping[str, Any]) -> bool:
    """Tell whether the operator made an object for a source: a copy of it has another field manager."""
    ours = any(entry.get("manager") == FIELD_MANAGER for entry in metadata.get("managedFields") or ())
    return ours and uid is not None and belongs_to(uid, metadata)


def source_uid(metadata: Mapping[str, Any]) -> str | None:
    """Return the uid of the source that a ConfigMap was made for."""
    uid = (metadata.get("labels") or {}).get(SOURCE_UID)
    return str(uid) if uid else None


def drift(seen: Seen, written: WrittenTarget | None, *, owner: bool = False) -> str | None:
    """Tell what happened to a ConfigMap that is not as it was written, or `None` when it is.

    Labels and annotations of others are none of our business, so the `resourceVersion` alone does not say it: the
    managers of the data do.

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
        return "was deleted or lost its managed-by label"
    if untouched(seen, written) or seen.deleting:
        return None
    if seen.other is not None or seen.keys != written.keys:
        return f"was changed by {seen.other}" if seen.other else "was changed"
    if seen.data_digest != written.data_digest or not seen.marked:
        return "had the operator's labels or annotations changed"
    return "lost its owner reference" if owner and not seen.controlled else None


def untouched(seen: Seen, written: WrittenTarget | None) -> bool:
    """Tell whether nobody has written a ConfigMap since the operator did."""
    return written is not None and (seen.name, seen.resource_version) == (written.name, written.resource_version)


def fighting(repairs: tuple[float, ...], now: float) -> bool:
    """Tell whether a ConfigMap was put right so often lately that somebody keeps changing it."""
    return len([when for when in repairs if now - when < FIGHT_WINDOW_SECONDS]) >= FIGHT_REPAIRS
