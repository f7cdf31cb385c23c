"""What becomes of a ConfigMap that a source wants no more, or shares from now on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.core import plan
from appconfig_operator.core.managed import FIELD_MANAGER, merge_manager, owned
from appconfig_operator.core.merge import nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete it, if it is still the one that was read. `body` is `DeleteOptions`."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take the source's keys out of it, by applying none."""

    body: Mapping[str, Any] = field(repr=False)


def release(source: Source, observed: Mapping[str, Any]) -> Delete | Withdraw | None:
    """Decide what to do with a ConfigMap that the source wrote before.

    What the source owns goes, as it would with the source. Under `Orphan` it stays, which is what that policy is for.
    """
    metadata = observed["metadata"]
    owners = metadata.get("ownerReferences") or ()
    if any(owner["uid"] == source.uid and owner.get("controller") for owner in owners):
        preconditions = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        return Delete({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions})
    manager = merge_manager(source.uid)
    if owned(metadata, manager, "data") or owned(metadata, manager, "binaryData"):
        return Withdraw(nothing(observed))
    return None


def become_shared(wanted: plan.WantedConfigMap, observed: Mapping[str, Any]) -> plan.Replace | None:
    """Give up a ConfigMap of the source's own, so that it can merge into it: its policy changed to `Merge`.

    The data stays as it is. What the operator owned of it passes to the manager that merges: else the old entry would
    conflict with it, and keys that go later would stay. (client-go does the same in `util/csaupgrade`.)

    Returns
    -------
    Replace or None
        `None` when the ConfigMap is not the source's own.
    """
    metadata = observed["metadata"]
    owners = metadata.get("ownerReferences") or []
    others = [owner for owner in owners if owner["uid"] != wanted.owner_uid]
    mark = (metadata.get("labels") or {}).get(plan.SOURCE_UID)
    if len(others) == len(owners) and mark != wanted.owner_uid:
        return None
    body = copy.deepcopy(dict(observed))
    metadata = body["metadata"]
    metadata["ownerReferences"] = others
    for kind in ("labels", "annotations"):
        mine = owned(metadata, FIELD_MANAGER, "metadata", kind)
        metadata[kind] = {key: value for key, value in (metadata.get(kind) or {}).items() if key not in mine}
    for entry in metadata.get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER:
            fields = entry.get("fieldsV1") or {}
            entry["fieldsV1"] = {name: fields[name] for name in ("f:data", "f:binaryData") if name in fields}
            entry["manager"], entry["operation"] = merge_manager(wanted.owner_uid), "Apply"
    return plan.Replace(body)
