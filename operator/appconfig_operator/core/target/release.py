"""What happens to a ConfigMap that a source no longer asks for, waits for, or shares from now on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER
from appconfig_operator.core.target import plan, references
from appconfig_operator.core.target.managed_fields import keep_only, merge_manager, owned, pass_on, uid_manager
from appconfig_operator.core.target.merge import empty_apply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from appconfig_operator.api.v1alpha1 import Source


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete it, if it is still the one that was read. `body` is `DeleteOptions`."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Remove the source's keys from it, by applying none as each of its field managers."""

    body: Mapping[str, Any] = field(repr=False)
    managers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetOwners:
    """Set its owner references, if it is still the one that was read. `body` is a merge patch, without the data."""

    body: Mapping[str, Any]


def release(
    source: Source, observed: Mapping[str, Any], *, queue: AbstractSet[str] = frozenset(), held: bool = False
) -> Delete | Withdraw | SetOwners | None:
    """Decide what to do with a ConfigMap that the source wrote, or waited for, before.

    What the source owns is deleted, as it would be with the source, unless it passes to one that waits for it. Under
    `Orphan` it stays, which is what that policy is for.

    Parameters
    ----------
    source
        The source.
    observed
        The ConfigMap as the API server sent it.
    queue
        Those of the other sources among its owners (`references.plain_sources`) that exist and ask for it.
    held
        Whether the source that it was created for (`references.holder`) is another one, exists and still asks for it.
    """
    metadata = observed["metadata"]
    put = references.waiting(metadata)
    if references.controls(metadata, source.uid):
        if not queue:
            return _deleted(metadata)
        # Sources that no longer ask for it would keep it from being collected.
        gone = {source.uid} | (put - queue)
        return _owned(metadata, [owner for owner in references.references(metadata) if owner["uid"] not in gone])
    if source.uid in put:
        return stop_waiting(source.uid, observed, held=held)
    managers = tuple(
        manager
        for manager in (merge_manager(source.name), uid_manager(source.uid))
        if owned(metadata, manager, "data") or owned(metadata, manager, "binaryData")
    )
    return Withdraw(empty_apply(observed), managers) if managers else None


def stop_waiting(uid: str, observed: Mapping[str, Any], *, held: bool) -> Delete | SetOwners | None:
    """Remove a source from the owners where the operator added it because it waited."""
    metadata = observed["metadata"]
    if uid not in references.waiting(metadata):
        return None
    rest = [owner for owner in references.references(metadata) if owner["uid"] != uid]
    # Its controller went while this source waited, and no other source waits: nothing would ever collect it.
    forsaken = not rest and not held and references.holder(metadata) is not None
    return _deleted(metadata) if forsaken else _owned(metadata, rest)


def start_waiting(wanted: plan.WantedConfigMap, observed: Mapping[str, Any]) -> SetOwners | None:
    """Add a source that cannot have a ConfigMap to its owners, to wait for it while another source controls it.

    It does not become an owner of what belongs to no source: that is not ours to collect.

    Returns
    -------
    SetOwners or None
        `None` when it waits already, or has nothing to wait for.
    """
    metadata = observed["metadata"]
    holder, owners = references.holder(metadata), references.references(metadata)
    if holder is not None and holder.controls:
        # Without managers of its fields, what the operator put there could not be distinguished from what a user did.
        if any(owner["uid"] == wanted.owner_uid for owner in owners) or not metadata.get("managedFields"):
            return None
        added = references.reference(wanted.owner_name, wanted.owner_uid, controls=False)
        return _owned(metadata, [*owners, added])
    if holder is None and wanted.owner_uid in references.waiting(metadata):
        return _owned(metadata, [owner for owner in owners if owner["uid"] != wanted.owner_uid])
    return None


def become_shared(wanted: plan.WantedConfigMap, observed: Mapping[str, Any]) -> plan.Replace | None:
    """Turn a ConfigMap of the source's own into one that it merges into: its policy changed to `Merge`.

    The data stays as it is. What the operator owns of it passes to the manager that merges: otherwise the old entry
    would conflict with it, and keys that are removed later would stay. (client-go does the same in `util/csaupgrade`.)
    Sources that wait for it are removed from the owners: as the only ones, they would take it with them.

    Returns
    -------
    Replace or None
        `None` when the ConfigMap is not the source's own.
    """
    holder = references.holder(observed["metadata"])
    if holder is None or (holder.uid != wanted.owner_uid and (holder.controls or holder.name != wanted.owner_name)):
        return None
    body = copy.deepcopy(dict(observed))
    metadata = body["metadata"]
    gone = references.waiting(metadata)
    metadata["ownerReferences"] = [
        owner
        for owner in references.references(metadata)
        if owner["uid"] not in gone and not (owner["uid"] == wanted.owner_uid and owner.get("controller"))
    ]
    for kind in ("labels", "annotations"):
        mine = owned(metadata, FIELD_MANAGER, "metadata", kind)
        metadata[kind] = {key: value for key, value in (metadata.get(kind) or {}).items() if key not in mine}
    for entry in metadata.get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER:
            keep_only(entry, "data", "binaryData")
    pass_on(metadata, (FIELD_MANAGER,), merge_manager(wanted.owner_name), "Apply")
    return plan.Replace(body)


def _deleted(metadata: Mapping[str, Any]) -> Delete:
    preconditions = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    return Delete({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions})


def _owned(metadata: Mapping[str, Any], owners: Sequence[references.Reference]) -> SetOwners:
    same = {name: metadata[name] for name in ("uid", "resourceVersion")}
    return SetOwners({"metadata": same | {"ownerReferences": list(owners) or None}})
