"""Whether somebody else changed a ConfigMap of ours, told from its metadata alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.managed import FIELD_MANAGER, owned, owned_by_others
from appconfig_operator.core.plan import DIGEST, SOURCE_UID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.status import WrittenTarget

FIGHT_WINDOW_SECONDS = 1200.0
FIGHT_REPAIRS = 3
"""Repairs within the window after which two writers are said to fight."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A ConfigMap as the watch saw it last. `metadata` is `None` when it was deleted."""

    namespace: str
    name: str
    metadata: Mapping[str, Any] | None


def source_uid(metadata: Mapping[str, Any]) -> str | None:
    """Return the uid of the source that a ConfigMap was made for."""
    uid = (metadata.get("labels") or {}).get(SOURCE_UID)
    return str(uid) if uid else None


def drift(seen: Seen, written: WrittenTarget | None) -> str | None:
    """Tell what happened to a ConfigMap that is not as it was written, or `None` when it is.

    Labels and annotations of others are none of our business, so the `resourceVersion` alone does not say it: the
    managers of the data do.

    Parameters
    ----------
    seen
        What the watch saw.
    written
        What was written last.
    """
    if written is None or seen.name != written.name:
        return None
    if seen.metadata is None:
        return "was deleted, or lost its mark"
    metadata = seen.metadata
    if metadata["resourceVersion"] == written.resource_version or "deletionTimestamp" in metadata:
        return None
    other = owned_by_others(metadata, FIELD_MANAGER, ("data", "binaryData"))
    keys = owned(metadata, FIELD_MANAGER, "data") | owned(metadata, FIELD_MANAGER, "binaryData")
    if other is not None or len(keys) != written.keys:
        return f"was changed by {other}" if other else "was changed"
    if (metadata.get("annotations") or {}).get(DIGEST) != written.digest or source_uid(metadata) is None:
        return "had its marks changed"
    return None


def fighting(repairs: tuple[float, ...], now: float) -> bool:
    """Tell whether a ConfigMap was put right so often lately that somebody keeps changing it."""
    return len([when for when in repairs if now - when < FIGHT_WINDOW_SECONDS]) >= FIGHT_REPAIRS
