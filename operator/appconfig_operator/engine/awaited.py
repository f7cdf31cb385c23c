"""Sources that wait for what becomes of a ConfigMap: that somebody makes it, deletes it or gives it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

Target: TypeAlias = tuple[str, str]
"""Namespace and name of a ConfigMap."""

WAKE_SECONDS = 1.0
"""Between two looks of a source at least: whoever keeps changing the ConfigMap must not keep a worker busy."""


class Awaited:
    """An index of those who wait, by ConfigMap. Not safe to share between threads: the scheduler has the lock."""

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}
        self._uids: dict[Target, set[str]] = {}

    def set(self, uid: str, target: Target | None) -> bool:
        """Note what a source waits for, `None` for nothing, and return whether that is new."""
        before = self._targets.pop(uid, None)
        if before is not None:
            self._uids[before].discard(uid)
            if not self._uids[before]:
                del self._uids[before]
        if target is not None:
            self._targets[uid] = target
            self._uids.setdefault(target, set()).add(uid)
        return target != before

    def of(self, target: Target) -> Collection[str]:
        """Return the uids of those who wait for a ConfigMap."""
        return tuple(self._uids.get(target, ()))

    def any_within(self, namespace: str | None) -> bool:
        """Return whether any is waited for in a namespace, or, with `None`, anywhere."""
        return bool(self._uids) if namespace is None else any(target[0] == namespace for target in self._uids)

    def within(self, namespace: str | None) -> list[Target]:
        """Return the ConfigMaps that are waited for in a namespace, or, with `None`, everywhere."""
        return [target for target in self._uids if namespace in {None, target[0]}]
