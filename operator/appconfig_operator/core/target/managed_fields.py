"""Who wrote which field, as the API server records it in `managedFields`.

The format of `fieldsV1`: https://github.com/kubernetes-sigs/structured-merge-diff (a key `f:<name>` for each field).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from appconfig_operator.api.labels import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MANAGER_LIMIT = 128
"""Characters of a field manager: k8s.io/apimachinery/pkg/apis/meta/v1/validation, FieldManagerMaxLength."""

_PREFIX = f"{FIELD_MANAGER}/"
_REFERENCE = "k:"


def merge_manager(name: str) -> str:
    """Return the field manager of a source that merges.

    It has the name of the source, not its uid: one that is deleted and applied again continues with its keys. A name
    that is too long is cut, with a digest of the whole behind a slash, which no name contains.
    """
    if len(_PREFIX) + len(name) <= MANAGER_LIMIT:
        return f"{_PREFIX}{name}"
    digest = sha256(name.encode()).hexdigest()[:16]
    return f"{_PREFIX}{name[: MANAGER_LIMIT - len(_PREFIX) - len(digest) - 1]}/{digest}"


def uid_manager(uid: str) -> str:
    """Return the field manager that a source merged with in earlier versions of the operator."""
    return f"{_PREFIX}{uid}"


def merging(manager: str) -> str | None:
    """Return what follows the prefix in the field manager of a source that merges, or `None` for any other manager."""
    return manager.removeprefix(_PREFIX) if manager.startswith(_PREFIX) else None


def owned(metadata: Mapping[str, Any], manager: str, *path: str) -> set[str]:
    """Return the names of the fields below a path that a manager owns."""
    return {name for entry in _entries(metadata) if entry.get("manager") == manager for name in _names(entry, path)}


def owners(metadata: Mapping[str, Any], *path: str) -> dict[str, set[str]]:
    """Return the fields below a path that each manager owns."""
    found: dict[str, set[str]] = {}
    for entry in _entries(metadata):
        found.setdefault(str(entry.get("manager", "")), set()).update(_names(entry, path))
    return found


def holds_any(metadata: Mapping[str, Any], manager: str) -> bool:
    """Return whether a manager owns data, labels or annotations."""
    paths = (("data",), ("binaryData",), ("metadata", "labels"), ("metadata", "annotations"))
    return any(owned(metadata, manager, *path) for path in paths)


def owned_references(metadata: Mapping[str, Any], manager: str) -> set[str]:
    """Return the uids of the owner references that a manager put there."""
    return {
        uid
        for entry in _entries(metadata)
        if entry.get("manager") == manager
        for key in _below(entry, ("metadata", "ownerReferences"))
        if (uid := _uid(key)) is not None
    }


def keep_only(entry: dict[str, Any], *names: str) -> None:
    """Remove all top-level fields but some from an entry of `managedFields`."""
    fields = _below(entry, ())
    entry["fieldsV1"] = {key: fields[key] for key in (f"f:{name}" for name in names) if key in fields}


def pass_on(metadata: dict[str, Any], managers: Iterable[str], to: str, operation: str) -> None:
    """Move what some managers own to another one, as one entry: of two for one manager, the API server keeps one."""
    entries: list[dict[str, Any]] = metadata.get("managedFields") or []
    givers = set(managers)
    if not any(entry.get("manager") in givers for entry in entries):
        return
    taken = givers | {to}
    given = [entry for entry in entries if entry.get("manager") in taken]
    fields: dict[str, Any] = {}
    for entry in given:
        fields = _united(fields, _below(entry, ()))
    one = given[0] | {"manager": to, "operation": operation, "fieldsV1": fields}
    metadata["managedFields"] = [one, *(entry for entry in entries if entry.get("manager") not in taken)]


def _united(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **{key: _united(_fields(one.get(key)), _fields(below)) for key, below in other.items()}}


def owned_by_others(metadata: Mapping[str, Any], manager: str, paths: Iterable[str]) -> str | None:
    """Return a manager other than that one that owns fields below one of the paths, or `None`."""
    for entry in _entries(metadata):
        name = entry.get("manager", "")
        if name != manager and any(True for path in paths for _ in _names(entry, (path,))):
            return str(name)
    return None


def _entries(metadata: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    entries: Iterable[Mapping[str, Any]] = metadata.get("managedFields") or ()
    return entries


def _names(entry: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    return (name.removeprefix("f:") for name in _below(entry, path) if name.startswith("f:"))


def _below(entry: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    fields = _fields(entry.get("fieldsV1"))
    for part in path:
        fields = _fields(fields.get(f"f:{part}"))
    return fields


def _fields(found: object) -> Mapping[str, Any]:
    """Return fields as they are, or an empty map: the API server accepts any JSON for them from clients."""
    return found if isinstance(found, dict) else {}


def _uid(key: str) -> str | None:
    """Return the uid in the key of an owner reference, which clients can make up, too."""
    if not key.startswith(_REFERENCE):
        return None
    try:
        found = json.loads(key.removeprefix(_REFERENCE))
    except (ValueError, RecursionError):
        return None
    uid = found.get("uid") if isinstance(found, dict) else None
    return uid if isinstance(uid, str) else None
