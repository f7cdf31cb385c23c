"""Which sources wait for which ConfigMap: for someone to create it, delete it or give it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from appconfig_operator.engine.target_index import Target

WAKE_SECONDS = 1.0
"""The least time between two polls of a source that is woken: a ConfigMap that keeps changing must not keep a worker
busy."""


class WaitIndex:
    """Sources that wait, by ConfigMap. Not safe to share between threads: the scheduler has the lock."""

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

    def waiting_for(self, target: Target) -> Collection[str]:
        """Return the uids of the sources that wait for a ConfigMap."""
        return tuple(self._uids.get(target, ()))

    def targets(self, namespace: str | None) -> list[Target]:
        """Return the ConfigMaps of a namespace that sources wait for; with `None`, those of all namespaces."""
        return [target for target in self._uids if namespace in {None, target[0]}]

    def waits_in(self, namespace: str | None) -> bool:
        """Return whether a source waits in a namespace; with `None`, in any."""
        return any(namespace in {None, target[0]} for target in self._uids)
