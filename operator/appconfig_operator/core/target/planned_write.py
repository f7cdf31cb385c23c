"""A write of a ConfigMap before it is made, and its result. In between, the version that it replaces is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.target.history import replaced_version
from appconfig_operator.core.target.plan import Create, Replace, WantedConfigMap, plan, same_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.core.target.rendered_version import RenderedVersion


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """What to write to a ConfigMap, good as long as no one else changes it.

    Attributes
    ----------
    wanted
        The ConfigMap as the source wants it.
    action
        What to do, or `None` when nothing differs.
    replaced
        The version that this replaces by another, or `None`. It has to be kept first.
    resource_version
        `resourceVersion` of the ConfigMap that was read, empty when there was none.
    """

    wanted: WantedConfigMap
    action: Create | Replace | None
    replaced: RenderedVersion | None = None
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The ConfigMap as it is now.

    Attributes
    ----------
    resource_version
        Its `resourceVersion`.
    changed
        Whether this write changed it.
    created
        Whether there was none of that name before.
    """

    resource_version: str
    changed: bool
    created: bool = False


def planned_write(wanted: WantedConfigMap, observed: Mapping[str, Any] | None, *, held: bool) -> PlannedWrite:
    """Plan a write under `Owner` and `Orphan`. Parameters and errors are those of `plan`."""
    action = plan(wanted, observed, held=held)
    if observed is None:
        return PlannedWrite(wanted, action)
    replaced = replaced_version(observed) if action is not None and same_source(wanted, observed) else None
    if replaced is not None and replaced.data.data_digest == wanted.data.data_digest:
        replaced = None
    return PlannedWrite(wanted, action, replaced, observed["metadata"]["resourceVersion"])
