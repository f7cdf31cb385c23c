"""Owner references of a ConfigMap: which source controls it, which wait for it, and which one it was created for.

A source that waits for a ConfigMap of another one is a plain owner of it, beside the controller. So the garbage
collector leaves it when the controller goes, and the one that waits takes it over without a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER, MANAGED_BY, SOURCE, SOURCE_UID
from appconfig_operator.api.v1alpha1 import API_VERSION, GROUP, KIND
from appconfig_operator.core.target.managed_fields import owned_references

if TYPE_CHECKING:
    from collections.abc import Mapping


Reference = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holder:
    """The source that a ConfigMap was created for, by its controller or by its labels and annotations.

    Attributes
    ----------
    name, uid
        Which source.
    controls
        Whether it is the controller: then the ConfigMap goes with it.
    """

    name: str
    uid: str
    controls: bool


def is_source(reference: Mapping[str, Any]) -> bool:
    """Return whether an owner is an `AppConfigSource`: of this API group, for others may have the same kind."""
    group = str(reference.get("apiVersion", "")).partition("/")[0]
    return group == GROUP and reference.get("kind") == KIND


def references(metadata: Mapping[str, Any]) -> list[Reference]:
    """Return all owners."""
    return list(metadata.get("ownerReferences") or ())


def controller(metadata: Mapping[str, Any]) -> Reference | None:
    """Return the one owner that controls, whatever it is."""
    return next((owner for owner in references(metadata) if owner.get("controller")), None)


def controls(metadata: Mapping[str, Any], uid: str) -> bool:
    """Return whether that source is the controller."""
    found = controller(metadata)
    return found is not None and found["uid"] == uid


def plain_sources(metadata: Mapping[str, Any]) -> list[Reference]:
    """Return the sources among the owners that do not control."""
    return [owner for owner in references(metadata) if is_source(owner) and not owner.get("controller")]


def waiting(metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return the uids of the sources that the operator added to the owners because they wait.

    What a user added is recognized by its field manager, and is never removed.
    """
    put = owned_references(metadata, FIELD_MANAGER)
    return frozenset(owner["uid"] for owner in plain_sources(metadata) if owner["uid"] in put)


def holder(metadata: Mapping[str, Any]) -> Holder | None:
    """Return the source that a ConfigMap was created for, or `None` when there is none.

    The controller names it. Without one, label and annotation do: then the operator created the ConfigMap, and it is
    either meant to stay (`Orphan`), or the garbage collector or someone else removed its controller.
    """
    owner = controller(metadata)
    if owner is not None:
        return Holder(owner["name"], owner["uid"], controls=True) if is_source(owner) else None
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    name = annotations.get(SOURCE)
    if labels.get(MANAGED_BY) != FIELD_MANAGER or not name:
        return None
    return Holder(name, labels.get(SOURCE_UID, ""), controls=False)


def reference(name: str, uid: str, *, controls: bool) -> Reference:
    """Return the owner reference of a source, as its controller or as one that waits."""
    found: Reference = {"apiVersion": API_VERSION, "kind": KIND, "name": name, "uid": uid}
    if controls:
        found["controller"] = True
    # True would need the permission to update finalizers, and would block a foreground deletion.
    return found | {"blockOwnerDeletion": False}
