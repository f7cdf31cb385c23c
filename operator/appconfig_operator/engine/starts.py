"""How often a source may start over: each start is a session, and a configuration that AWS bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.allowance import Allowance

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source

BURST = 10
"""Beginnings at once: a person who tries things out is not to wait."""

SECONDS = 15.0
"""Between two after that. The newest spec is the one that is carried out then."""

_SPARE = 1000
"""Allowances that may be kept in vain before they are looked through."""


class Starts:
    """Paces the beginnings of each source, by its name: to delete it and create it again is no way around."""

    def __init__(self) -> None:
        self._allowances: dict[tuple[str, str], Allowance] = {}
        self._limit = _SPARE

    def reserve(self, source: Source, now: float) -> float:
        """Return in how many seconds a source may start over, which is then taken as done."""
        if len(self._allowances) >= self._limit:
            self._allowances = {key: kept for key, kept in self._allowances.items() if not kept.unused(now)}
            self._limit = 2 * len(self._allowances) + _SPARE
        key = source.namespace, source.name
        allowance = self._allowances.get(key)
        if allowance is None:
            allowance = self._allowances[key] = Allowance(BURST, SECONDS)
        return allowance.reserve(now)

    def give_back(self, source: Source) -> None:
        """Take back what was reserved for a beginning that does not come: the source is gone, or another replica's."""
        allowance = self._allowances.get((source.namespace, source.name))
        if allowance is not None:
            allowance.give_back()
