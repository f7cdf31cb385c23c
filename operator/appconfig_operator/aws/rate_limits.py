"""How fast AWS AppConfig may be called: a rate limit for each account, region and operation.

The quotas are those of the AWS General Reference, AWS AppConfig endpoints and quotas
(https://docs.aws.amazon.com/general/latest/gr/appconfig.html), for each account and region.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic as system_monotonic
from typing import TYPE_CHECKING, NamedTuple

from appconfig_operator.core.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_SECONDS = 600.0
"""After which an unused limit is forgotten. It has long recovered, so a new one is the same."""

LIMIT = 20_000
"""Limits that are kept: for the two operations of as many identities as are kept."""


class Operation(NamedTuple):
    """What is called, with AWS's default quota in calls a second."""

    name: str
    quota: float


START = Operation("StartConfigurationSession", 500.0)
LATEST = Operation("GetLatestConfiguration", 1000.0)


class RateLimits:
    """Decides who may call now. Safe to share between threads.

    Parameters
    ----------
    percent
        How much of the quotas all replicas together use at most.
    replicas
        Returns how many of them there are now. Called before each call of AWS, so it has to be fast.
    monotonic
        Seconds.
    """

    def __init__(
        self,
        *,
        percent: int = 100,
        replicas: Callable[[], int] = lambda: 1,
        monotonic: Callable[[], float] = system_monotonic,
    ) -> None:
        self._percent = percent
        self._replicas = replicas
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # The one that was used last is at the end.
        self._kept: OrderedDict[tuple[str, str, Operation], RateLimit] = OrderedDict()

    def take(self, account: str, region: str, operation: Operation, *, waited: bool = False) -> float:
        """Ask for a call, as `RateLimit.take`.

        Parameters
        ----------
        account
            Whose quota it counts against: the account, or what stands for one that no one knows.
        region, operation
            Where, and what.
        waited
            Whether the caller comes back after the time that it was last given.
        """
        full = operation.quota * self._percent / 100 / max(1, self._replicas())
        now = self._monotonic()
        key = account, region, operation
        with self._lock:
            limit = self._kept.get(key)
            if limit is None:
                self._make_room(now)
                limit = self._kept[key] = RateLimit(full, now)
            self._kept.move_to_end(key)
            limit.resize(full, now)
            return limit.take(now, waited=waited)

    def throttled(self, account: str, region: str, operation: Operation) -> None:
        """Slow down all that share a quota: AWS has throttled one of them."""
        with self._lock:
            limit = self._kept.get((account, region, operation))
            if limit is not None:
                limit.throttled(self._monotonic())

    def _make_room(self, now: float) -> None:
        while self._kept and (len(self._kept) >= LIMIT or now - next(iter(self._kept.values())).updated > IDLE_SECONDS):
            self._kept.popitem(last=False)
