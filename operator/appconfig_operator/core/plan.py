"""What is wanted and what is there to what is to be written, or to nothing.

Every write of a whole ConfigMap (`Owner`, `Orphan`) is decided here, so that the rules of ownership and of "no write
without a difference" stand in one place.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.v1alpha1 import API_VERSION, GROUP, KIND, CreationPolicy
from appconfig_operator.core.errors import AwaitedError, Reason, StallingError, TransientError
from appconfig_operator.core.managed import FIELD_MANAGER, merge_manager, owned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.render import Data
    from appconfig_operator.core.version import Version

MANAGED_BY = "app.kubernetes.io/managed-by"
SOURCE_UID = f"{GROUP}/source-uid"
SOURCE = f"{GROUP}/source"
DIGEST = f"{GROUP}/digest"
VERSION_LABEL = f"{GROUP}/version-label"
CONTENT_TYPE = f"{GROUP}/content-type"

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

    def __str__(self) -> str:
        """Name it for people."""
        return f"ConfigMap {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Create:
    """Make the ConfigMap. The API server refuses it when one of that name is there."""

    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace the ConfigMap, if it is still the one that was read (its `resourceVersion` is in the body)."""

    body: Mapping[str, Any] = field(repr=False)


def wanted_config_map(source: Source, version: Version) -> WantedConfigMap:
    """Describe the ConfigMap of a source. The operator's own labels and annotations win over the user's.

    Under `Merge` there are none of the operator's own: several sources share the ConfigMap.
    """
    spec = source.spec
    labels, annotations = dict(spec.target.labels), dict(spec.target.annotations)
    if spec.target.creation_policy is not CreationPolicy.MERGE:
        labels |= {MANAGED_BY: FIELD_MANAGER, SOURCE_UID: source.uid}
        annotations |= {
            DIGEST: version.data.digest,
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
    )


def plan(wanted: WantedConfigMap, observed: Mapping[str, Any] | None) -> Create | Replace | None:
    """Decide what to write under `Owner` and `Orphan`.

    Parameters
    ----------
    wanted
        The ConfigMap as the source wants it.
    observed
        The ConfigMap as the API server sent it, or `None` when there is none.

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
        _check_owner(wanted, observed)
    body = _new(wanted) if observed is None else _changed(wanted, observed)
    _check_annotations(wanted, body)
    if observed is None:
        return Create(body)
    return None if body == observed else Replace(body)


def _new(wanted: WantedConfigMap) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "namespace": wanted.namespace,
        "name": wanted.name,
        "labels": dict(wanted.labels),
        "annotations": dict(wanted.annotations),
    }
    if wanted.policy is CreationPolicy.OWNER:
        metadata["ownerReferences"] = [_reference(wanted)]
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    _set_data(body, wanted.data)
    return body


def _reference(wanted: WantedConfigMap) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": wanted.owner_name,
        "uid": wanted.owner_uid,
        "controller": True,
        # True would need the right to update finalizers, and would hold up a foreground deletion.
        "blockOwnerDeletion": False,
    }


def _changed(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(dict(observed))
    metadata = body["metadata"]
    for kind, ours in (("labels", wanted.labels), ("annotations", wanted.annotations)):
        before = owned(metadata, FIELD_MANAGER, "metadata", kind)
        kept = {key: value for key, value in (metadata.get(kind) or {}).items() if key not in before}
        metadata[kind] = kept | dict(ours)
    _set_reference(wanted, metadata)
    for entry in metadata.get("managedFields") or ():
        # What this source merged before is a part of the whole now.
        if entry.get("manager") == merge_manager(wanted.owner_uid):
            entry["manager"], entry["operation"] = FIELD_MANAGER, "Update"
    _set_data(body, wanted.data)
    return body


def _set_reference(wanted: WantedConfigMap, metadata: dict[str, Any]) -> None:
    """Follow a change of the policy: the reference comes with `Owner` and goes with `Orphan`."""
    references = metadata.get("ownerReferences") or []
    ours = [reference for reference in references if reference["uid"] == wanted.owner_uid]
    if wanted.policy is CreationPolicy.OWNER and not ours:
        metadata["ownerReferences"] = [*references, _reference(wanted)]
    if wanted.policy is CreationPolicy.ORPHAN and ours:
        metadata["ownerReferences"] = [reference for reference in references if reference not in ours]
        if not metadata["ownerReferences"]:
            del metadata["ownerReferences"]


def _set_data(body: dict[str, Any], data: Data) -> None:
    # An empty map is left out, as the API server does: {} and nothing must not look like a difference.
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
            f"The annotations of {wanted} would have {size:,} bytes, and may have {ANNOTATIONS_LIMIT_BYTES:,}. "
            "Shorten spec.target.annotations.",
        )


def _left_by(wanted: WantedConfigMap, metadata: Mapping[str, Any]) -> bool:
    """Tell whether a ConfigMap without a controller was made for this source.

    Under `Orphan` the name of the source counts, so that one that is made again goes on with what it had left. `Owner`
    takes what this very source left only: else a ConfigMap that was to stay would be deleted with the next source.
    """
    if not _left_by_its_name(wanted, metadata):
        return False
    labels = metadata.get("labels") or {}
    return wanted.policy is CreationPolicy.ORPHAN or labels.get(SOURCE_UID) == wanted.owner_uid


def _left_by_its_name(wanted: WantedConfigMap, metadata: Mapping[str, Any]) -> bool:
    """Tell whether a ConfigMap without a controller was made for a source of this name."""
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return labels.get(MANAGED_BY) == FIELD_MANAGER and annotations.get(SOURCE) == wanted.owner_name


def _merged_alone(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> bool:
    """Tell whether all that a ConfigMap holds was merged into it by this source, whose policy changed since."""
    mine = {key for path in _DATA for key in owned(observed["metadata"], merge_manager(wanted.owner_uid), path)}
    return bool(mine) and mine == {key for path in _DATA for key in observed.get(path) or {}}


def _check_owner(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> None:
    metadata = observed["metadata"]
    owners = metadata.get("ownerReferences") or ()
    if "deletionTimestamp" in metadata:
        raise TransientError(Reason.TARGET_UNAVAILABLE, f"{wanted} is being deleted; it is made again when it is gone.")
    controller = next((owner for owner in owners if owner.get("controller")), None)
    # Anybody may name the source as an owner beside the controller, for its collection: that gives nothing away.
    if controller is not None and controller["uid"] == wanted.owner_uid:
        return
    if controller is None:
        if _left_by(wanted, metadata) or _merged_alone(wanted, observed):
            return
        ways_out = "Set another spec.target.name, or delete that ConfigMap."
        if _left_by_its_name(wanted, metadata) and wanted.policy is CreationPolicy.OWNER:
            ways_out = (
                "An earlier one of this name left it. To take it over, set creationPolicy: Orphan until it is Ready."
            )
        raise AwaitedError(
            Reason.TARGET_NOT_OWNED,
            f"{wanted} exists already and was not made by this AppConfigSource, so it is left as it is. {ways_out}",
        )
    if controller["kind"] == KIND and controller["name"] == wanted.owner_name:
        raise TransientError(
            Reason.TARGET_UNAVAILABLE,
            f"{wanted} belongs to a deleted AppConfigSource of the same name; it is made again when it is gone.",
        )
    raise AwaitedError(
        Reason.TARGET_NOT_OWNED,
        f"{wanted} belongs to {controller['kind']} {controller['name']}, so it is left as it is. "
        "Set another spec.target.name.",
    )
