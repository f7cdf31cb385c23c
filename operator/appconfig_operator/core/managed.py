"""Who wrote what, as the API server keeps account of it in `managedFields`.

The format of `fieldsV1`: https://github.com/kubernetes-sigs/structured-merge-diff (a key `f:<name>` for each field).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FIELD_MANAGER = "appconfig-operator"


def merge_manager(uid: str) -> str:
    """Return the field manager of a source that merges. A name could be too long for one (128 characters)."""
    return f"{FIELD_MANAGER}/{uid}"


def owned(metadata: Mapping[str, Any], manager: str, *path: str) -> set[str]:
    """Return the names of the fields below a path that a manager owns."""
    return {name for entry in _entries(metadata) if entry.get("manager") == manager for name in _names(entry, path)}


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
    fields: Any = entry.get("fieldsV1") or {}
    for part in path:
        fields = fields.get(f"f:{part}") or {}
    return (name.removeprefix("f:") for name in fields if name.startswith("f:"))
