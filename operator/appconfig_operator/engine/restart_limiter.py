"""How often a source may start over: each time takes a new session, and a configuration that AWS bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.allowance import Allowance

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source

BURST = 10
"""Restarts at once: a person who tries things out does not have to wait."""

SECONDS = 15.0
"""Between two restarts after that. Each one carries out the newest spec."""

_SPARE = 1000
"""Unused allowances that may be kept, beside as many as are in use."""


class RestartLimiter:
    """Limits the restarts of each source, by its name: deleting and creating it again is no way around.

    A restart is a new session: of a new source, for a new spec, or because a sync was requested.
    """

    def __init__(self) -> None:
        self._allowances: dict[tuple[str, str], Allowance] = {}
        self._limit = _SPARE

    def reserve(self, source: Source, now: float) -> float:
        """Reserve the next restart of a source, and return in how many seconds it may take place."""
        if len(self._allowances) >= self._limit:
            self._allowances = {key: kept for key, kept in self._allowances.items() if not kept.unused(now)}
            self._limit = 2 * len(self._allowances) + _SPARE
        key = source.namespace, source.name
        allowance = self._allowances.get(key)
        if allowance is None:
            allowance = self._allowances[key] = Allowance(BURST, SECONDS)
        return allowance.reserve(now)

    def give_back(self, source: Source) -> None:
        """Take back a reservation that is not used: the source is gone, or another replica polls it."""
        allowance = self._allowances.get((source.namespace, source.name))
        if allowance is not None:
            allowance.give_back()
