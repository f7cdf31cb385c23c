"""`Merge`: the keys of one source in a ConfigMap that someone else created, by server-side apply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.errors import BlockedError, Reason
from appconfig_operator.core.target import references
from appconfig_operator.core.target.contest import Field, contested, foreign
from appconfig_operator.core.target.managed_fields import holds_any, merge_manager, owned, uid_manager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appconfig_operator.core.target.plan import WantedConfigMap
    from appconfig_operator.core.target.rivals import Rival

_KINDS = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply the keys of a source.

    Attributes
    ----------
    body
        What to apply, with the uid of the ConfigMap that was read: apply must not create one.
    force
        Whether to take fields from others. Only with a `resourceVersion` in the body, so only from those read.
    legacy
        Whether the manager of an earlier version of the operator owns keys of this source, to be released afterwards.
    """

    body: Mapping[str, Any] = field(repr=False)
    force: bool = False
    legacy: bool = False


def plan_merge(
    wanted: WantedConfigMap,
    observed: Mapping[str, Any] | None,
    rivals: Mapping[str, Rival | None],
    *,
    held: bool = True,
) -> Apply | None:
    """Decide what to apply.

    Parameters
    ----------
    wanted
        The keys as the source wants them.
    observed
        The ConfigMap as the API server sent it, or `None` when there is none.
    rivals
        The sources behind the managers that `contest.contested` names, `None` for one that no longer exists.
    held
        Whether the source that the ConfigMap was made for (`references.holder`) exists and still asks for it.

    Returns
    -------
    Apply or None
        `None` when nothing differs.

    Raises
    ------
    BlockedError
        `TargetMissing`, when there is no ConfigMap. `TargetConflict`, when a key of it is someone else's.
    """
    if observed is None:
        raise BlockedError(
            Reason.TARGET_MISSING,
            f"{wanted} does not exist. Under creationPolicy Merge, someone else must create it.",
        )
    metadata = observed["metadata"]
    _check_alone(wanted, metadata, held=held)
    theirs = contested(wanted, observed)
    for manager, fields in theirs.items():
        rival = rivals.get(manager)
        if rival is not None and (kept := _kept(wanted, metadata, rival, fields)):
            raise _taken(wanted, rival, kept)
    others = foreign(wanted, observed)
    if others:
        raise _foreign(wanted, others)
    left = holds_any(metadata, uid_manager(wanted.owner_uid))
    if _same(wanted, observed) and not left:
        return None
    body = _body(wanted, metadata["uid"])
    force = left or bool(theirs)
    if force:
        body["metadata"]["resourceVersion"] = metadata["resourceVersion"]
    return Apply(body, force=force, legacy=left)


def _kept(
    wanted: WantedConfigMap, metadata: Mapping[str, Any], rival: Rival, fields: tuple[Field, ...]
) -> tuple[Field, ...]:
    """Return the fields that another source keeps: those that it has alone, and when it is older, those of both.

    Whoever has a field keeps it, whatever the ages: if it were taken, that source's configuration would be gone until
    its next version, and no status would show it.
    """
    if not rival.asks_for(wanted.name):
        return ()
    older = rival.goes_before(wanted.owner_created, wanted.owner_uid)
    return tuple(
        (path, name)
        for path, name in fields
        if rival.may_write(path, name) and (older or name not in _mine(wanted, metadata, path))
    )


def _mine(wanted: WantedConfigMap, metadata: Mapping[str, Any], path: str) -> set[str]:
    parts = path[1:].split("/")
    managers = merge_manager(wanted.owner_name), uid_manager(wanted.owner_uid)
    return {name for manager in managers for name in owned(metadata, manager, *parts)}


def _same(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> bool:
    manager = merge_manager(wanted.owner_name)
    body = _body(wanted, "")
    metadata = observed["metadata"]
    same_data = all(
        owned(metadata, manager, path) == set(values) and values.items() <= (observed.get(path) or {}).items()
        for path in ("data", "binaryData")
        for values in (body.get(path) or {},)
    )
    return same_data and all(
        owned(metadata, manager, "metadata", kind) == set(values)
        and values.items() <= (metadata.get(kind) or {}).items()
        for kind in _KINDS
        for values in (body["metadata"].get(kind) or {},)
    )


def _check_alone(wanted: WantedConfigMap, metadata: Mapping[str, Any], *, held: bool) -> None:
    """Refuse a ConfigMap that another source owns alone: that source would remove our keys."""
    other = references.holder(metadata)
    if other is not None and other.uid != wanted.owner_uid and (other.controls or held):
        raise BlockedError(
            Reason.TARGET_CONFLICT,
            f"{wanted} belongs to AppConfigSource {other.name} alone, which would remove the keys of others. "
            "Set a different spec.target.name, or use creationPolicy Merge there, too.",
        )


def _taken(wanted: WantedConfigMap, rival: Rival, fields: tuple[tuple[str, str], ...]) -> BlockedError:
    return BlockedError(
        Reason.TARGET_CONFLICT,
        f"{wanted}: {_named(fields)} belongs to AppConfigSource {rival.name}, which keeps it. This one takes it over "
        "when that one is deleted, or writes a different key or ConfigMap. Or use a different "
        "spec.target.key or spec.target.prefix here.",
    )


def _foreign(wanted: WantedConfigMap, others: Mapping[str, tuple[tuple[str, str], ...]]) -> BlockedError:
    manager, fields = next(iter(others.items()))
    path, key = fields[0]
    kind, name = f"configmap {wanted.name}", wanted.namespace
    return BlockedError(
        Reason.TARGET_CONFLICT,
        f"{wanted}: {_named(fields)} is held by the field manager {manager}, with a different value. Use a different "
        "spec.target.key, or stop that manager from setting it, and then run: "
        f'kubectl patch {kind} -n {name} --type=json -p \'[{{"op":"remove","path":"{path}/{_pointer(key)}"}}]\'',
    )


def _named(fields: tuple[tuple[str, str], ...]) -> str:
    path, key = fields[0]
    what = {"/metadata/labels": "the label", "/metadata/annotations": "the annotation"}.get(path, "the key")
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return f"{what} {key}{more}"


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


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


def empty_apply(observed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body whose apply removes the keys of a source from a ConfigMap."""
    metadata = {name: observed["metadata"][name] for name in ("namespace", "name", "uid")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
