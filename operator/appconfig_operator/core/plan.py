"""What is wanted and what is there to what is to be written, or to nothing.

Every write to a ConfigMap is decided here, so that the rules of ownership and of "no write without a difference" stand
in one place.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.v1alpha1 import API_VERSION, GROUP, KIND
from appconfig_operator.core.errors import Reason, StallingError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.content import Content
    from appconfig_operator.core.render import Data

FIELD_MANAGER = "appconfig-operator"
MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class WantedConfigMap:
    """The ConfigMap as a source wants it."""

    namespace: str
    name: str
    owner_name: str
    owner_uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    data: Data


@dataclass(frozen=True, slots=True)
class Create:
    """Make the ConfigMap. The API server refuses it when one of that name is there."""

    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace the ConfigMap, if it is still the one that was read (its `resourceVersion` is in the body)."""

    body: Mapping[str, Any] = field(repr=False)


def wanted_config_map(source: Source, content: Content, data: Data) -> WantedConfigMap:
    """Describe the ConfigMap of a source. The operator's own labels and annotations win over the user's."""
    spec = source.spec
    return WantedConfigMap(
        namespace=source.namespace,
        name=spec.target.name,
        owner_name=source.name,
        owner_uid=source.uid,
        labels={
            **spec.target.labels,
            MANAGED_BY: FIELD_MANAGER,
            f"{GROUP}/source-uid": source.uid,
        },
        annotations={
            **spec.target.annotations,
            f"{GROUP}/digest": data.digest,
            f"{GROUP}/source": source.name,
            f"{GROUP}/application": spec.application,
            f"{GROUP}/environment": spec.environment,
            f"{GROUP}/configuration-profile": spec.configuration_profile,
            f"{GROUP}/version-label": content.version_label,
            f"{GROUP}/content-type": content.content_type,
        },
        data=data,
    )


def plan(wanted: WantedConfigMap, observed: Mapping[str, Any] | None) -> Create | Replace | None:
    """Decide what to write.

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
        `TargetNotOwned`, when the ConfigMap belongs to something else.
    TransientError
        `TargetUnavailable`, when it is about to be deleted.
    """
    if observed is None:
        return Create(_new(wanted))
    _check_owner(wanted, observed)
    body = _changed(wanted, observed)
    return None if body == observed else Replace(body)


def _new(wanted: WantedConfigMap) -> dict[str, Any]:
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "namespace": wanted.namespace,
            "name": wanted.name,
            "labels": dict(wanted.labels),
            "annotations": dict(wanted.annotations),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": wanted.owner_name,
                    "uid": wanted.owner_uid,
                    "controller": True,
                    # True would need the right to update finalizers, and would hold up a foreground deletion.
                    "blockOwnerDeletion": False,
                }
            ],
        },
    }
    _set_data(body, wanted.data)
    return body


def _changed(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(dict(observed))
    metadata = body["metadata"]
    for kind, ours in (("labels", wanted.labels), ("annotations", wanted.annotations)):
        before = _ours_before(observed, kind)
        kept = {key: value for key, value in (metadata.get(kind) or {}).items() if key not in before}
        metadata[kind] = kept | dict(ours)
    _set_data(body, wanted.data)
    return body


def _set_data(body: dict[str, Any], data: Data) -> None:
    # An empty map is left out, as the API server does: {} and nothing must not look like a difference.
    for field_name, values in (("data", data.text), ("binaryData", data.binary)):
        if values:
            body[field_name] = dict(values)
        else:
            body.pop(field_name, None)


def _ours_before(observed: Mapping[str, Any], kind: str) -> set[str]:
    """Return the labels or annotations that the operator wrote before, as the API server keeps account of them."""
    keys: set[str] = set()
    for entry in observed["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER:
            fields = entry.get("fieldsV1", {}).get("f:metadata", {}).get(f"f:{kind}", {})
            keys.update(name.removeprefix("f:") for name in fields if name.startswith("f:"))
    return keys


def _check_owner(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> None:
    metadata = observed["metadata"]
    name = f"ConfigMap {wanted.namespace}/{wanted.name}"
    owners = metadata.get("ownerReferences") or ()
    if "deletionTimestamp" in metadata:
        raise TransientError(Reason.TARGET_UNAVAILABLE, f"{name} is being deleted; it is made again when it is gone.")
    if any(owner["uid"] == wanted.owner_uid for owner in owners):
        return
    controller = next((owner for owner in owners if owner.get("controller")), None)
    if controller is None:
        raise StallingError(
            Reason.TARGET_NOT_OWNED,
            f"{name} exists already and was not made by this AppConfigSource, so it is left as it is. "
            "Set another spec.target.name, or delete that ConfigMap.",
        )
    if controller["kind"] == KIND and controller["name"] == wanted.owner_name:
        raise TransientError(
            Reason.TARGET_UNAVAILABLE,
            f"{name} belongs to a deleted AppConfigSource of the same name; it is made again when it is gone.",
        )
    raise StallingError(
        Reason.TARGET_NOT_OWNED,
        f"{name} belongs to {controller['kind']} {controller['name']}, so it is left as it is. "
        "Set another spec.target.name.",
    )
