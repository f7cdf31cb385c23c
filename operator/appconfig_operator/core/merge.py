"""`Merge`: only the keys of one source, in a ConfigMap that belongs to somebody else, by server-side apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.api.v1alpha1 import KIND
from appconfig_operator.core.errors import AwaitedError, Reason
from appconfig_operator.core.managed import merge_manager, owned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.core.plan import WantedConfigMap

_KINDS = ("labels", "annotations")


def plan_merge(wanted: WantedConfigMap, observed: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Decide what to apply.

    Parameters
    ----------
    wanted
        The keys as the source wants them.
    observed
        The ConfigMap as the API server sent it, or `None` when there is none.

    Returns
    -------
    dict or None
        The body to apply, with the uid of the ConfigMap that was read: apply must not make one. `None` when nothing
        differs.

    Raises
    ------
    AwaitedError
        `TargetMissing`, when there is no ConfigMap.
    """
    if observed is None:
        raise AwaitedError(
            Reason.TARGET_MISSING,
            f"{wanted} does not exist. Under creationPolicy Merge somebody else has to create it.",
        )
    metadata = observed["metadata"]
    _check_alone(wanted, metadata)
    manager = merge_manager(wanted.owner_uid)
    body = _body(wanted, metadata["uid"])
    mine = {path: body.get(path) or {} for path in ("data", "binaryData")}
    same_data = all(
        owned(metadata, manager, path) == set(values) and values.items() <= (observed.get(path) or {}).items()
        for path, values in mine.items()
    )
    same_metadata = all(
        owned(metadata, manager, "metadata", kind) == set(body["metadata"].get(kind) or {})
        and (body["metadata"].get(kind) or {}).items() <= (metadata.get(kind) or {}).items()
        for kind in _KINDS
    )
    return None if same_data and same_metadata else body


def _check_alone(wanted: WantedConfigMap, metadata: Mapping[str, Any]) -> None:
    """Refuse what another source has for itself: it would take foreign keys out again."""
    owners = metadata.get("ownerReferences") or ()
    other = next((owner for owner in owners if owner["kind"] == KIND and owner.get("controller")), None)
    if other is not None and other["uid"] != wanted.owner_uid:
        raise AwaitedError(
            Reason.TARGET_CONFLICT,
            f"{wanted} belongs to AppConfigSource {other['name']} alone, which would take other keys out again. "
            "Set another spec.target.name, or creationPolicy Merge there, too.",
        )


def _body(wanted: WantedConfigMap, uid: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"namespace": wanted.namespace, "name": wanted.name, "uid": uid}
    for kind, values in (("labels", wanted.labels), ("annotations", wanted.annotations)):
        if values:
            metadata[kind] = dict(values)
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    for path, values in (("data", wanted.data.text), ("binaryData", wanted.data.binary)):
        if values:
            body[path] = dict(values)
    return body


def nothing(observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that takes the keys of a source out of a ConfigMap again."""
    metadata = {name: observed["metadata"][name] for name in ("namespace", "name", "uid")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
