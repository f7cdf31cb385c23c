"""Decide what to write, from what a source wants and what is there.

Every write of a whole ConfigMap (`Owner`, `Orphan`) is decided here, so the rules of ownership and of "no write without
a difference" are in one place.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import (
    CONTENT_TYPE,
    DIGEST,
    FIELD_MANAGER,
    MANAGED_BY,
    SOURCE,
    SOURCE_UID,
    VERSION_LABEL,
)
from appconfig_operator.api.v1alpha1 import GROUP, CreationPolicy
from appconfig_operator.core.errors import BlockedError, Reason, StallingError, TransientError
from appconfig_operator.core.target import references
from appconfig_operator.core.target.managed_fields import merge_manager, owned, pass_on, uid_manager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.formats.render import Data
    from appconfig_operator.core.target.rendered_version import RenderedVersion


_DATA = ("data", "binaryData")

ANNOTATIONS_LIMIT_BYTES = 262_144
"""Keys and values together: k8s.io/apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB."""


@dataclass(frozen=True, slots=True)
class WantedConfigMap:
    """The ConfigMap as a source wants it."""

    namespace: str
    name: str
    policy: CreationPolicy
    owner_name: str
    owner_uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    data: Data
    owner_created: str = ""

    def __str__(self) -> str:
        """Return its kind and name, for messages."""
        return f"ConfigMap {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Create:
    """Create the ConfigMap. The API server refuses it when there is one of that name."""

    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace the ConfigMap, if it is still the one that was read (its `resourceVersion` is in the body)."""

    body: Mapping[str, Any] = field(repr=False)


def wanted_config_map(source: Source, version: RenderedVersion) -> WantedConfigMap:
    """Describe the ConfigMap of a source. The operator's own labels and annotations win over the user's.

    Under `Merge`, the operator adds none of its own: several sources share the ConfigMap.
    """
    spec = source.spec
    labels, annotations = dict(spec.target.labels), dict(spec.target.annotations)
    if spec.target.creation_policy is not CreationPolicy.MERGE:
        labels |= {MANAGED_BY: FIELD_MANAGER, SOURCE_UID: source.uid}
        annotations |= {
            DIGEST: version.data.data_digest,
            SOURCE: source.name,
            f"{GROUP}/application": spec.application,
            f"{GROUP}/environment": spec.environment,
            f"{GROUP}/configuration-profile": spec.configuration_profile,
            VERSION_LABEL: version.label,
            CONTENT_TYPE: version.content_type,
        }
    return WantedConfigMap(
        namespace=source.namespace,
        name=spec.target.name,
        policy=spec.target.creation_policy,
        owner_name=source.name,
        owner_uid=source.uid,
        labels=labels,
        annotations=annotations,
        data=version.data,
        owner_created=source.created,
    )


def plan(wanted: WantedConfigMap, observed: Mapping[str, Any] | None, *, held: bool = True) -> Create | Replace | None:
    """Decide what to write under `Owner` and `Orphan`.

    Parameters
    ----------
    wanted
        The ConfigMap as the source wants it.
    observed
        The ConfigMap as the API server sent it, or `None` when there is none.
    held
        Whether the source that the ConfigMap was created for (`references.holder`) exists and still asks for it. When
        not, the ConfigMap passes to this one, which has to be certain to exist.

    Returns
    -------
    Create or Replace or None
        `None` when nothing differs.

    Raises
    ------
    StallingError
        `TargetNotOwned`, when the ConfigMap belongs to something else; `TooLarge`, when its annotations would.
    TransientError
        `TargetUnavailable`, when it is about to be deleted.
    """
    if observed is not None:
        _check_owner(wanted, observed, held=held)
    body = _new(wanted) if observed is None else _changed(wanted, observed)
    _check_annotations(wanted, body)
    if observed is None:
        return Create(body)
    return None if body == observed else Replace(body)


def same_source(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> bool:
    """Return whether a ConfigMap holds an earlier version of this source, or of the same configuration.

    When a ConfigMap passes from another source, this one must not go back to the versions of that one.
    """
    found = observed["metadata"].get("annotations") or {}
    place = [f"{GROUP}/{part}" for part in ("application", "environment", "configuration-profile")]
    return found.get(SOURCE) == wanted.owner_name or all(
        key in found and found[key] == wanted.annotations.get(key) for key in place
    )


def _new(wanted: WantedConfigMap) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "namespace": wanted.namespace,
        "name": wanted.name,
        "labels": dict(wanted.labels),
        "annotations": dict(wanted.annotations),
    }
    if wanted.policy is CreationPolicy.OWNER:
        metadata["ownerReferences"] = [references.reference(wanted.owner_name, wanted.owner_uid, controls=True)]
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    _set_data(body, wanted.data)
    return body


def _changed(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(dict(observed))
    metadata = body["metadata"]
    for kind, ours in (("labels", wanted.labels), ("annotations", wanted.annotations)):
        before = owned(metadata, FIELD_MANAGER, "metadata", kind)
        kept = {key: value for key, value in (metadata.get(kind) or {}).items() if key not in before}
        metadata[kind] = kept | dict(ours)
    _set_reference(wanted, metadata)
    # What this source merged before is part of the whole ConfigMap now.
    pass_on(metadata, (merge_manager(wanted.owner_name), uid_manager(wanted.owner_uid)), FIELD_MANAGER, "Update")
    _set_data(body, wanted.data)
    return body


def _set_reference(wanted: WantedConfigMap, metadata: dict[str, Any]) -> None:
    """Set the owners by the policy: `Owner` adds the controller, `Orphan` removes it.

    A controller that is not this source is the one that the ConfigMap passed from. Sources that wait remain owners
    under `Owner`. Under `Orphan` they are removed: as its only owners, they would take the ConfigMap with them.
    """
    if wanted.policy is CreationPolicy.OWNER and references.controls(metadata, wanted.owner_uid):
        return
    gone = {wanted.owner_uid} if wanted.policy is CreationPolicy.OWNER else set(references.waiting(metadata))
    kept = [
        owner
        for owner in references.references(metadata)
        if owner["uid"] not in gone and not (references.is_source(owner) and owner.get("controller"))
    ]
    if wanted.policy is CreationPolicy.OWNER:
        kept.append(references.reference(wanted.owner_name, wanted.owner_uid, controls=True))
    metadata["ownerReferences"] = kept
    if not kept:
        del metadata["ownerReferences"]


def _set_data(body: dict[str, Any], data: Data) -> None:
    # An empty map is left out, as the API server does: {} must not differ from a missing field.
    for field_name, values in (("data", data.text), ("binaryData", data.binary)):
        if values:
            body[field_name] = dict(values)
        else:
            body.pop(field_name, None)


def _check_annotations(wanted: WantedConfigMap, body: Mapping[str, Any]) -> None:
    annotations = body["metadata"]["annotations"]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT_BYTES:
        raise StallingError(
            Reason.TOO_LARGE,
            f"The annotations of {wanted} would have {size:,} bytes, and the limit is {ANNOTATIONS_LIMIT_BYTES:,}. "
            "Shorten spec.target.annotations.",
        )


def _merged_alone(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> bool:
    """Return whether all keys of a ConfigMap were merged into it by this source, whose policy has changed since."""
    managers = (merge_manager(wanted.owner_name), uid_manager(wanted.owner_uid))
    metadata = observed["metadata"]
    mine = {key for path in _DATA for manager in managers for key in owned(metadata, manager, path)}
    return bool(mine) and mine == {key for path in _DATA for key in observed.get(path) or {}}


def _check_owner(wanted: WantedConfigMap, observed: Mapping[str, Any], *, held: bool) -> None:
    metadata = observed["metadata"]
    if "deletionTimestamp" in metadata:
        raise TransientError(
            Reason.TARGET_UNAVAILABLE, f"{wanted} is being deleted; it is created again once it is gone."
        )
    controller, holder = references.controller(metadata), references.holder(metadata)
    if holder is None:
        if controller is None and _merged_alone(wanted, observed):
            return
        raise _foreign(wanted, controller)
    if holder.uid == wanted.owner_uid:
        return
    if held:
        raise belongs_to(wanted, holder.name)
    # Without a source among its owners it is meant to stay: under `Owner`, it would be deleted with this source.
    if wanted.policy is CreationPolicy.OWNER and not (holder.controls or references.plain_sources(metadata)):
        raise BlockedError(
            Reason.TARGET_NOT_OWNED,
            f"{wanted} was not created by this AppConfigSource: an earlier AppConfigSource {holder.name} left it "
            "in place on purpose. To take it over, set creationPolicy: Orphan until it is Ready.",
        )


def belongs_to(wanted: WantedConfigMap, name: str) -> BlockedError:
    """Return the error that says which source has a ConfigMap, or is about to create it again."""
    return BlockedError(
        Reason.TARGET_NOT_OWNED,
        f"{wanted} belongs to AppConfigSource {name}, so it is left unchanged. This one takes it over when that one is "
        "deleted or sets a different spec.target.name. Or set a different spec.target.name here.",
    )


def _foreign(wanted: WantedConfigMap, controller: Mapping[str, Any] | None) -> BlockedError:
    if controller is None:
        words = "already exists and was not created by this AppConfigSource, so it is left unchanged. "
        return BlockedError(
            Reason.TARGET_NOT_OWNED, f"{wanted} {words}Set a different spec.target.name, or delete that ConfigMap."
        )
    return BlockedError(
        Reason.TARGET_NOT_OWNED,
        f"{wanted} belongs to {controller['kind']} {controller['name']}, so it is left unchanged. "
        "Set a different spec.target.name.",
    )
