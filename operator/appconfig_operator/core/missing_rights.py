"""Permissions that the operator lacks, by the answers of the API server: where, since when, and with what effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SURE_SECONDS = 1.0
"""An API server that has just started refuses what it allows a moment later, so a refusal has to last to count."""

UNREADY_SECONDS = 30.0
"""When a permission that nothing works without is refused for this long, the operator is not ready."""

RETRIED_SECONDS = 60.0
"""Lists and watches are retried every few seconds: without a refusal for this long, they are allowed again."""

FORGET_SECONDS = 900.0
"""Everything else is retried every five minutes, or on demand: by then the source may be gone."""

NAMED_AT_MOST = 5
"""Namespaces that the log names for one verb and resource. A ClusterRole without a verb lacks it everywhere."""

_TARGET = "ConfigMaps of sources there cannot be written, and Ready says so"
_HISTORY = "replaced versions there are not kept or not found, so spec.pinnedDigest cannot bring them back"

EFFECTS = {
    ("list", "appconfigsources"): "sources there are not served",
    ("watch", "appconfigsources"): "new and changed sources there are not noticed",
    ("get", "appconfigsources"): "the status of sources there is read by a patch that changes nothing",
    ("patch", "appconfigsources/status"): "the status of sources there is out of date",
    **{(verb, "configmaps"): _TARGET for verb in ("get", "create", "update", "patch", "delete")},
    **{
        (verb, "configmaps"): "changes that others make to ConfigMaps there are reverted only with the next version"
        for verb in ("list", "watch")
    },
    **{(verb, "controllerrevisions"): _HISTORY for verb in ("get", "list", "create", "delete")},
    ("create", "events"): "no Events are written there",
    **{(verb, "leases"): "" for verb in ("list", "create", "update", "delete")},
    **{(verb, "secrets"): "" for verb in ("list", "create", "delete")},
}
"""The effect of a missing permission, by verb and resource, for all that the operator uses. Empty: others log it."""

_SCOPED = (("list", "appconfigsources"), ("watch", "appconfigsources"))
_USED = (("patch", "appconfigsources/status"),)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a resource in a namespace, or in all of them together: empty."""

    verb: str
    resource: str
    namespace: str

    @property
    def kind(self) -> tuple[str, str]:
        """Verb and resource."""
        return self.verb, self.resource

    def __str__(self) -> str:
        """Describe it in the words of RBAC."""
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        return f"{self.verb} {self.resource} {where}"


@dataclass(slots=True)
class _Refusal:
    since: float
    last: float
    sure: bool = False


class Refusals:
    """Keeps which permissions were refused, and not granted since. All times are seconds of one monotonic clock.

    Parameters
    ----------
    namespaces
        Those that are served, empty: all, by one list and one watch.
    """

    def __init__(self, namespaces: Sequence[str]) -> None:
        self._scopes = tuple(dict.fromkeys(namespaces)) or ("",)
        self._refused: dict[Right, _Refusal] = {}
        self._worked: dict[tuple[str, str], float] = {}
        self._ever: set[tuple[str, str]] = set()

    def refuse(self, right: Right, now: float) -> bool:
        """Record a refusal, and return whether it is certain from now on."""
        refusal = self._refused.setdefault(right, _Refusal(now, now))
        refusal.last = now
        if refusal.sure or now - refusal.since < SURE_SECONDS:
            return False
        refusal.sure = True
        self._ever.add(right.kind)
        return True

    def allow(self, right: Right, now: float) -> bool:
        """Record that a call was allowed, and return whether it was certain that such calls are refused."""
        if right.kind in _USED:
            self._worked[right.kind] = now
        refusal = self._refused.pop(right, None)
        return refusal is not None and refusal.sure

    def expire(self, now: float) -> list[Right]:
        """Forget what has not been refused for a while, and return what of that was certain."""
        gone = [right for right, refusal in self._refused.items() if now - refusal.last > _lifetime(right)]
        return [right for right in gone if self._refused.pop(right).sure]

    def named(self, right: Right) -> int:
        """Count the namespaces in which that verb on that resource is certain to be refused."""
        return sum(other.kind == right.kind for other in self._sure())

    def counts(self) -> dict[tuple[str, str], int]:
        """Return in how many namespaces, or for all of them together, each verb on each resource is refused.

        What was refused and is allowed again counts as 0.
        """
        counts = dict.fromkeys(sorted(self._ever), 0)
        for right in self._sure():
            counts[right.kind] += 1
        return counts

    def crippling(self, now: float) -> list[Right]:
        """Return what is refused everywhere, of the permissions without which no source is served."""
        lasting = [right for right in self._sure() if now - self._refused[right].since >= UNREADY_SECONDS]
        found = []
        for kind in _SCOPED:
            rights = [right for right in lasting if right.kind == kind]
            if {right.namespace for right in rights} >= set(self._scopes):
                found += rights
        for kind in _USED:
            rights = [right for right in lasting if right.kind == kind]
            if all(self._worked.get(kind, float("-inf")) < self._refused[right].since for right in rights):
                found += rights
        return found

    def _sure(self) -> Iterable[Right]:
        return [right for right, refusal in sorted(self._refused.items()) if refusal.sure]


def describe(right: Right, number: int) -> str:
    """Describe what is refused, its effect, and the remedy, or return an empty text.

    Parameters
    ----------
    right
        What is refused.
    number
        In how many namespaces it is.
    """
    effect = EFFECTS[right.kind]
    if not effect or number > NAMED_AT_MOST:
        return ""
    more = ". Further namespaces are not listed" if number == NAMED_AT_MOST else ""
    return (
        f"The operator is not allowed to {right}, so {effect}. Bind a role with the verb {right.verb} on "
        f"{right.resource} to its ServiceAccount there: manifests/base/rbac.yaml has all rules{more}"
    )


def _lifetime(right: Right) -> float:
    return RETRIED_SECONDS if right.verb in {"list", "watch"} and right.resource != "leases" else FORGET_SECONDS
