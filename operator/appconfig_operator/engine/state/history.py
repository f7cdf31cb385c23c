"""The versions that are kept, as far as this process knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.core.errors import SHOWN_AFTER

if TYPE_CHECKING:
    from appconfig_operator.api.status import KeptVersion
    from appconfig_operator.core.errors import SourceError
    from appconfig_operator.core.target.history import Cut

REMEMBERED_DELETIONS = 50
"""Kept versions to delete, of one source, that are remembered. They grow in number while deletions are refused."""


@dataclass(frozen=True, slots=True)
class HistoryFailure:
    """Something about the history that does not succeed, while versions are written all the same.

    Attributes
    ----------
    times
        In a row.
    reported
        What was reported of it last, so that it is reported once.
    """

    times: int = 0
    reported: str = ""


@dataclass(slots=True)
class HistoryState:
    """The kept versions of a source.

    Attributes
    ----------
    kept
        Those that the status is to name, the newest first.
    reconciled
        Whether they were compared with what is really kept since the status was read.
    to_delete
        Those that are to be deleted: beyond the limit, or there under a newer number.
    failures
        What does not succeed, by the reason of its Event.
    """

    kept: tuple[KeptVersion, ...] = ()
    reconciled: bool = False
    to_delete: tuple[KeptVersion, ...] = ()
    failures: dict[str, HistoryFailure] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether there may be more to delete than is remembered."""
        return len(self.to_delete) == REMEMBERED_DELETIONS

    def has(self, data_digest: str) -> bool:
        """Return whether a version is among those that are kept."""
        return any(version.data_digest == data_digest for version in self.kept)

    def take(self, cut: Cut) -> None:
        """Take in which versions stay, and which more are to be deleted."""
        self.kept, self.to_delete = cut.history, _newest(self.to_delete + cut.spare)

    def recount(self, cut: Cut) -> None:
        """Take in what is really kept."""
        self.kept, self.to_delete, self.reconciled = cut.history, _newest(cut.spare), True

    def reset(self, kept: tuple[KeptVersion, ...]) -> None:
        """Take over the versions that a status names. They are to be counted."""
        self.kept, self.reconciled, self.to_delete = kept, False, ()

    def failed(self, reason: str, error: SourceError, note: str) -> tuple[bool, bool]:
        """Count a failure.

        Returns
        -------
        tuple[bool, bool]
            Whether versions are written in spite of it, and whether `note` is still to be reported.
        """
        before = self.failures.get(reason, HistoryFailure())
        times = before.times + 1
        lasting = times >= SHOWN_AFTER or not error.transient
        news = lasting and bool(note) and note != before.reported
        self.failures[reason] = HistoryFailure(times, note if news else before.reported)
        return lasting, news

    def succeeded(self, reason: str) -> None:
        """Forget the failures of one kind."""
        self.failures.pop(reason, None)

    def for_new_session(self) -> HistoryState:
        """Return what continues for a new spec: it may pin what was to be deleted, so that is counted again."""
        return HistoryState(self.kept, self.reconciled and not self.to_delete, (), self.failures)


def _newest(versions: tuple[KeptVersion, ...]) -> tuple[KeptVersion, ...]:
    if len(versions) <= REMEMBERED_DELETIONS:
        return versions  # in their order: the least recently tried first
    return tuple(sorted(versions, key=lambda kept: kept.revision, reverse=True)[:REMEMBERED_DELETIONS])
