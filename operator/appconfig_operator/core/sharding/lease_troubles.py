"""Which requests for Leases have been failing, since when, and what came of them: for the probe and the log."""

from __future__ import annotations

from dataclasses import dataclass

from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease, Request

STALE_SECONDS = 15.0
"""After so long without another failure, a request is not made any more: its Lease is gone, or another's."""

VERBS = {ListLeases: "list", CreateLease: "create", ReplaceLease: "update", DeleteLease: "delete"}
"""The verb of RBAC by the request."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    name: str
    since: float
    last: float
    words: str


class LeaseTroubles:
    """Keeps, for each verb, since when some request has been failing. One thread notifies it, and any may ask.

    A delete is not among them: whatever becomes of it, nothing waits for it.
    """

    def __init__(self) -> None:
        self._by_verb: dict[str, _Trouble] = {}  # replaced as a whole, never changed: others read it

    def failed(self, request: Request, words: str, *, sent: float, now: float) -> None:
        """Take in that a request failed."""
        verb = VERBS[type(request)]
        before = self._by_verb.get(verb)
        since = sent if before is None or sent - before.last > STALE_SECONDS else before.since
        self._by_verb = {**self._by_verb, verb: _Trouble(_name(request), since, now, words)}

    def worked(self, request: Request) -> None:
        """Take in that a request was carried out. What of this verb failed last has to, and another is no sign."""
        verb = VERBS[type(request)]
        trouble = self._by_verb.get(verb)
        if trouble is not None and trouble.name == _name(request):
            self._by_verb = {other: kept for other, kept in self._by_verb.items() if other != verb}

    def tidy(self, now: float) -> None:
        """Forget what is not asked for any more."""
        stale = {verb for verb, trouble in self._by_verb.items() if now - trouble.last > STALE_SECONDS}
        if stale:
            self._by_verb = {verb: trouble for verb, trouble in self._by_verb.items() if verb not in stale}

    def lasting(self, now: float) -> float:
        """Return for how many seconds the first of them has lasted. 0: there is none."""
        return max([0.0, *(now - trouble.since for trouble in self._by_verb.values())])

    @property
    def words(self) -> str:
        """What came of the one that has lasted longest, or empty."""
        longest = min(self._by_verb.values(), key=lambda trouble: trouble.since, default=None)
        return "" if longest is None else longest.words


def _name(request: Request) -> str:
    return "" if isinstance(request, ListLeases) else request.lease.name
