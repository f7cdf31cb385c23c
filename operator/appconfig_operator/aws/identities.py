"""Identities that are not the operator's own: shared by their sources, followed when they change, then forgotten."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from appconfig_operator.aws.refreshed import Refreshed
from appconfig_operator.aws.roles import Basis, look
from appconfig_operator.core.errors import BusyError, ForbiddenError, SourceError, TransientError
from appconfig_operator.core.identity import account_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

    from appconfig_operator.aws.roles import Cluster, Roles
    from appconfig_operator.core.identity import Identity

LOOK_SECONDS = 60.0
"""Between two looks at a ServiceAccount or Secret that is in use: at most one GET each minute for each identity."""

IDLE_SECONDS = 3600.0
"""After which an identity that nobody used is forgotten. The credentials of a role are good for an hour anyway."""

LIMIT = 10_000
"""Identities that are kept, each with a few kilobytes: as many as one operator is meant to have sources."""

REFRESH_SHARE = 3 / 4
"""Of the time that credentials are good for: after it they are refreshed. With one hour, 15 minutes before its end."""

USE_SHARE = 5 / 6
"""After it they are used no more. With one hour, 10 minutes before its end: a clock may be wrong."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Credentials that are good now, and whose they are. `account` is empty when nobody knows it.

    Attributes
    ----------
    basis
        What the cluster said that they were made of.
    since
        When they were made.
    due
        When the cluster is to be looked at again, and the credentials are to be refreshed if it is time.
    stale
        When it is time to refresh them.
    end
        From when on they are not used.
    """

    basis: Basis
    name: str
    account: str
    credentials: ReadOnlyCredentials = field(repr=False)
    since: float
    due: float
    stale: float
    end: float

    def fresh(self, now: float) -> bool:
        """Return whether there is nothing to be looked at yet."""
        return now < self.due

    def usable(self, now: float) -> bool:
        """Return whether they are good while another thread refreshes them."""
        return now < self.end


@dataclass(slots=True)
class _Place:
    """Where one identity of one region is kept, and when it was last used."""

    holder: Refreshed[Holder]
    used: float = 0.0


class Identities:
    """Credentials by region and identity.

    Parameters
    ----------
    cluster
        Where references lead.
    roles
        Gets credentials.
    own
        Returns the operator's own credentials, or raises `SourceError`.
    monotonic
        Seconds.
    """

    def __init__(
        self, *, cluster: Cluster, roles: Roles, own: Callable[[], ReadOnlyCredentials], monotonic: Callable[[], float]
    ) -> None:
        self._cluster = cluster
        self._roles = roles
        self._own = own
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # The one that was used last is at the end.
        self._places: OrderedDict[tuple[str | None, Identity], _Place] = OrderedDict()

    def get(self, region: str | None, identity: Identity) -> Holder:
        """Return credentials that are good now.

        Raises
        ------
        SourceError
            When there are none.
        BusyError
            When another thread is just getting the first ones.
        """
        return self._place(region, identity).holder.get()

    def renew(self, region: str | None, identity: Identity, refused: ReadOnlyCredentials | None) -> bool:
        """Forget credentials that AWS refused, unless they are less than a minute old.

        Returns
        -------
        bool
            Whether `get` now gives others than those that were refused.
        """
        kept = self._place(region, identity).holder
        holder = kept.value
        if holder is not None and holder.credentials is refused:
            if self._monotonic() - holder.since < LOOK_SECONDS:
                return False
            kept.drop(holder)
        return True

    def _place(self, region: str | None, identity: Identity) -> _Place:
        now, key = self._monotonic(), (region, identity)
        with self._lock:
            place = self._places.get(key)
            if place is None:
                make = partial(self._make, region, identity)
                kept = Refreshed(make, what=f"the credentials of {identity}", monotonic=self._monotonic)
                place = self._places[key] = _Place(kept)
            place.used = now
            self._places.move_to_end(key)
            while len(self._places) > LIMIT or self._oldest().used < now - IDLE_SECONDS:
                self._places.popitem(last=False)
            return place

    def _oldest(self) -> _Place:
        return next(iter(self._places.values()))

    def _make(self, region: str | None, identity: Identity, before: Holder | None) -> Holder:
        now = self._monotonic()
        try:
            basis = look(self._cluster, identity)
        except TransientError as error:
            if before is None or isinstance(error, ForbiddenError):
                raise
            # The API server is away. What it said a minute ago is good enough for another one.
            basis = before.basis
        if before is None or basis != before.basis:
            return self._issue(region, identity, basis)
        if now < before.stale:
            return replace(before, due=min(now + LOOK_SECONDS, before.stale))
        try:
            return self._issue(region, identity, basis)
        except (SourceError, BusyError):
            if not before.usable(self._monotonic()):
                raise
            # STS is away, or does not want any more, and there is time yet. Nobody is delayed by it, or notified.
            return replace(before, due=self._monotonic() + LOOK_SECONDS)

    def _issue(self, region: str | None, identity: Identity, basis: Basis) -> Holder:
        issued = self._roles.issue(identity, basis, region, self._own)
        alone = basis.role_arn is None or identity.role_arn is not None
        now = self._monotonic()
        seconds = math.inf if issued.seconds is None else issued.seconds
        stale = now + REFRESH_SHARE * seconds
        return Holder(
            basis=basis,
            name=str(identity) if alone else f"{identity} with role {basis.role_arn}",
            account=account_of(identity.role_arn or basis.role_arn or ""),
            credentials=issued.credentials,
            since=now,
            due=min(now + LOOK_SECONDS, stale),
            stale=stale,
            end=now + USE_SHARE * seconds,
        )
