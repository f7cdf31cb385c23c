"""Which requests for Leases keep failing, since when, and why: for the probe and the log."""

from __future__ import annotations

from dataclasses import dataclass

from appconfig_operator.core.sharding.lease_requests import CreateLease, DeleteLease, ListLeases, ReplaceLease, Request

STALE_SECONDS = 15.0
"""Without another failure for this long, a request is not made anymore: its Lease is gone, or another's."""

VERBS = {ListLeases: "list", CreateLease: "create", ReplaceLease: "update", DeleteLease: "delete"}
"""The verb of RBAC by the request."""


@dataclass(frozen=True, slots=True)
class _Ongoing:
    name: str
    since: float
    last: float
    words: str


class LeaseFailures:
    """Keeps, for each verb, since when a request has been failing. One thread updates it, and any may read it.

    Deletes do not belong here: nothing waits for them.
    """

    def __init__(self) -> None:
        self._by_verb: dict[str, _Ongoing] = {}  # replaced as a whole, never changed: others read it

    def failed(self, request: Request, words: str, *, sent: float, now: float) -> None:
        """Record that a request failed."""
        verb = VERBS[type(request)]
        before = self._by_verb.get(verb)
        since = sent if before is None or sent - before.last > STALE_SECONDS else before.since
        self._by_verb = {**self._by_verb, verb: _Ongoing(_name(request), since, now, words)}

    def worked(self, request: Request) -> None:
        """Record that a request was carried out. Only the one that failed last ends the failure of its verb."""
        verb = VERBS[type(request)]
        ongoing = self._by_verb.get(verb)
        if ongoing is not None and ongoing.name == _name(request):
            self._by_verb = {other: kept for other, kept in self._by_verb.items() if other != verb}

    def tidy(self, now: float) -> None:
        """Forget requests that are not made anymore."""
        stale = {verb for verb, ongoing in self._by_verb.items() if now - ongoing.last > STALE_SECONDS}
        if stale:
            self._by_verb = {verb: ongoing for verb, ongoing in self._by_verb.items() if verb not in stale}

    def lasting(self, now: float) -> float:
        """Return for how many seconds the first of them has lasted. 0: there is none."""
        return max([0.0, *(now - ongoing.since for ongoing in self._by_verb.values())])

    @property
    def words(self) -> str:
        """Why the one fails that has lasted longest, or empty."""
        longest = min(self._by_verb.values(), key=lambda ongoing: ongoing.since, default=None)
        return "" if longest is None else longest.words


def _name(request: Request) -> str:
    return "" if isinstance(request, ListLeases) else request.lease.name
