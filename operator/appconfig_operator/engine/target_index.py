"""Which sources ask for which ConfigMap, by `spec.target`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source

Target: TypeAlias = tuple[str, str]
"""Namespace and name of a ConfigMap."""


class TargetIndex:
    """Sources by their target. Not safe to share between threads: the scheduler has the lock."""

    def __init__(self) -> None:
        self._uids: dict[Target, tuple[str, ...]] = {}

    def add(self, source: Source) -> None:
        """Add a source."""
        target = target_of(source)
        self._uids[target] = (*self._uids.get(target, ()), source.uid)

    def discard(self, source: Source) -> None:
        """Remove a source, as it was when it was added."""
        target = target_of(source)
        left = tuple(uid for uid in self._uids.get(target, ()) if uid != source.uid)
        if left:
            self._uids[target] = left
        else:
            self._uids.pop(target, None)

    def asking_for(self, target: Target) -> tuple[str, ...]:
        """Return the uids of the sources that ask for a ConfigMap."""
        return self._uids.get(target, ())


def target_of(source: Source) -> Target:
    """Return which ConfigMap a source asks for."""
    return source.namespace, source.spec.target.name
