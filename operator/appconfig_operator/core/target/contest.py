"""Fields of a shared ConfigMap that a source would write under `Merge`, and that someone else owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appconfig_operator.core.target.managed_fields import merge_manager, merging, owners, uid_manager

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from appconfig_operator.core.target.plan import WantedConfigMap

Field = tuple[str, str]
"""JSON Pointer of the map that it is in, and its name."""

NOBODY = "before-first-apply"
"""The manager that the API server names for what was there before the first apply, when it has no record of it."""


def contested(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, tuple[Field, ...]]:
    """Return the fields that other sources own, by their field managers.

    Of `data`, with the same value, too: two sources that share one key would block each other with the next version of
    either. Labels and annotations may well be the same for all, and are contested only when they differ.
    """
    return {
        manager: fields
        for manager, fields in _others(wanted, observed, same_data=True)
        if merging(manager) is not None and fields
    }


def foreign(wanted: WantedConfigMap, observed: Mapping[str, Any]) -> dict[str, tuple[Field, ...]]:
    """Return the fields that others than sources own with another value: these the API server refuses."""
    return {
        manager: fields
        for manager, fields in _others(wanted, observed, same_data=False)
        if merging(manager) is None and fields
    }


def _others(
    wanted: WantedConfigMap, observed: Mapping[str, Any], *, same_data: bool
) -> Iterator[tuple[str, tuple[Field, ...]]]:
    mine = {merge_manager(wanted.owner_name), uid_manager(wanted.owner_uid)}
    found: dict[str, list[Field]] = {}
    for path, values, current, same in _fields(wanted, observed, same_data=same_data):
        pointer = "/" + "/".join(path)
        tracked = (
            owners(observed["metadata"], *path) if observed["metadata"].get("managedFields") else {NOBODY: current}
        )
        for manager, names in tracked.items():
            found.setdefault(manager, []).extend(
                (pointer, name)
                for name in sorted(set(names) & set(values))
                if same or values[name] != current.get(name)
            )
    return ((manager, tuple(fields)) for manager, fields in found.items() if manager not in mine)


def _fields(
    wanted: WantedConfigMap, observed: Mapping[str, Any], *, same_data: bool
) -> Iterator[tuple[tuple[str, ...], Mapping[str, str], Mapping[str, str], bool]]:
    metadata = observed["metadata"]
    yield ("data",), wanted.data.text, observed.get("data") or {}, same_data
    yield ("binaryData",), wanted.data.binary, observed.get("binaryData") or {}, same_data
    yield ("metadata", "labels"), wanted.labels, metadata.get("labels") or {}, False
    yield ("metadata", "annotations"), wanted.annotations, metadata.get("annotations") or {}, False
