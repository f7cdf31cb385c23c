"""Callers other than the operator itself: shared by their sources, followed when they change, then forgotten."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from appconfig_operator.aws.refreshed import Refreshed
from appconfig_operator.aws.roles import Basis, read_basis
from appconfig_operator.core.errors import BusyError, ForbiddenError, SourceError, TransientError
from appconfig_operator.core.identity import account_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

    from appconfig_operator.aws.roles import IdentityLookup, Roles
    from appconfig_operator.core.identity import Identity

RECHECK_SECONDS = 60.0
"""Between two reads of a ServiceAccount or Secret that is in use: at most one GET each minute for each identity."""

IDLE_SECONDS = 3600.0
"""After which a caller that no one used is forgotten. The credentials of a role are valid for an hour anyway."""

LIMIT = 10_000
"""Callers that are kept, each with a few kilobytes: as many as one operator is meant to have sources."""

REFRESH_SHARE = 3 / 4
"""The share of their lifetime after which credentials are refreshed: with one hour, 15 minutes before its end."""

USE_SHARE = 5 / 6
"""The share after which they are no longer used: with one hour, 10 minutes before its end. A clock may be wrong."""


@dataclass(frozen=True, slots=True)
class PooledCaller:
    """Valid credentials, and whose they are. `account` is empty when it is unknown.

    Attributes
    ----------
    basis
        What the cluster had for the identity when they were issued.
    issued_at
        When they were issued.
    recheck_at
        When to read the basis again, and to refresh the credentials if it is time.
    refresh_at
        When it is time to refresh them.
    unusable_at
        From when on they are not used.
    """

    basis: Basis
    name: str
    account: str
    credentials: ReadOnlyCredentials = field(repr=False)
    issued_at: float
    recheck_at: float
    refresh_at: float
    unusable_at: float

    def fresh(self, now: float) -> bool:
        """Return whether there is nothing to read again yet."""
        return now < self.recheck_at

    def usable(self, now: float) -> bool:
        """Return whether they are good while another thread refreshes them."""
        return now < self.unusable_at


@dataclass(slots=True)
class _Entry:
    """One caller of one region, and when it was last used."""

    caller: Refreshed[PooledCaller]
    used: float = 0.0


class CallerPool:
    """Callers by region and identity. Safe to share between threads.

    Parameters
    ----------
    identities
        Where the references of identities lead.
    roles
        Gets credentials.
    own
        Returns the operator's own credentials, or raises `SourceError`.
    monotonic
        Seconds.
    """

    def __init__(
        self,
        *,
        identities: IdentityLookup,
        roles: Roles,
        own: Callable[[], ReadOnlyCredentials],
        monotonic: Callable[[], float],
    ) -> None:
        self._identities = identities
        self._roles = roles
        self._own = own
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # The one that was used last is at the end.
        self._entries: OrderedDict[tuple[str | None, Identity], _Entry] = OrderedDict()

    def get(self, region: str | None, identity: Identity) -> PooledCaller:
        """Return valid credentials.

        Raises
        ------
        SourceError
            When there are none.
        BusyError
            When another thread is getting the first ones.
        """
        return self._entry(region, identity).caller.get()

    def renew(self, region: str | None, identity: Identity, refused: ReadOnlyCredentials | None) -> bool:
        """Forget credentials that AWS refused, unless they are less than a minute old.

        Returns
        -------
        bool
            Whether `get` now gives others than those that were refused.
        """
        refreshed = self._entry(region, identity).caller
        caller = refreshed.value
        if caller is not None and caller.credentials is refused:
            if self._monotonic() - caller.issued_at < RECHECK_SECONDS:
                return False
            refreshed.drop(caller)
        return True

    def _entry(self, region: str | None, identity: Identity) -> _Entry:
        now, key = self._monotonic(), (region, identity)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                make = partial(self._make, region, identity)
                refreshed = Refreshed(make, what=f"the credentials of {identity}", monotonic=self._monotonic)
                entry = self._entries[key] = _Entry(refreshed)
            entry.used = now
            self._entries.move_to_end(key)
            while len(self._entries) > LIMIT or self._oldest().used < now - IDLE_SECONDS:
                self._entries.popitem(last=False)
            return entry

    def _oldest(self) -> _Entry:
        return next(iter(self._entries.values()))

    def _make(self, region: str | None, identity: Identity, before: PooledCaller | None) -> PooledCaller:
        now = self._monotonic()
        try:
            basis = read_basis(self._identities, identity)
        except TransientError as error:
            if before is None or isinstance(error, ForbiddenError):
                raise
            # The API server is unavailable. What it answered a minute ago will do for another one.
            basis = before.basis
        if before is None or basis != before.basis:
            return self._issue(region, identity, basis)
        if now < before.refresh_at:
            return replace(before, recheck_at=min(now + RECHECK_SECONDS, before.refresh_at))
        try:
            return self._issue(region, identity, basis)
        except (SourceError, BusyError):
            if not before.usable(self._monotonic()):
                raise
            # STS is unavailable or throttles, and there is still time: this delays no one, and is not reported.
            return replace(before, recheck_at=self._monotonic() + RECHECK_SECONDS)

    def _issue(self, region: str | None, identity: Identity, basis: Basis) -> PooledCaller:
        issued = self._roles.issue(identity, basis, region, self._own)
        alone = basis.role_arn is None or identity.role_arn is not None
        now = self._monotonic()
        seconds = math.inf if issued.seconds is None else issued.seconds
        refresh_at = now + REFRESH_SHARE * seconds
        return PooledCaller(
            basis=basis,
            name=str(identity) if alone else f"{identity} with role {basis.role_arn}",
            account=account_of(identity.role_arn or basis.role_arn or ""),
            credentials=issued.credentials,
            issued_at=now,
            recheck_at=min(now + RECHECK_SECONDS, refresh_at),
            refresh_at=refresh_at,
            unusable_at=now + USE_SHARE * seconds,
        )
