"""The history of a source: replaced versions are kept, found again and dropped, and never stand in the way of one.

What fails for good, or fails three times in a row, is passed over and told beside the version that is written.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import SHOWN_AFTER, SourceError
from appconfig_operator.core.target.history import counted, pruned, remembered
from appconfig_operator.engine.memory import Trouble
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.status import KeptVersion
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.rendered_version import Version
    from appconfig_operator.engine.memory import Memory
    from appconfig_operator.engine.ports import EventSink, HistoryStore, SourceStore

logger = logging.getLogger(__name__)

NOT_KEPT = "HistoryNotKept"
NOT_DELETED = "HistoryNotDeleted"
NOT_LISTED = "HistoryNotListed"

SPARES = 50
"""Kept versions that are to go, of one source, that are remembered. They grow in number while deletions are refused."""

_KEEP_ANYWAY = "The newer version is written anyway."


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps versions.

    Parameters
    ----------
    history, sources, events
        Where to.
    now
        RFC 3339 in UTC.
    """

    history: HistoryStore
    sources: SourceStore
    events: EventSink
    now: Callable[[], str]

    def catch_up(self, source: Source, memory: Memory) -> None:
        """Go on from the newest status, and from what is really kept: a process may have been killed between the two.

        Raises
        ------
        SourceGoneError, OutdatedError, TransientError
            When the API server does not say.
        """
        if not memory.fresh:
            memory.refresh(self.sources.status(source))
        if memory.counted:
            return
        try:
            cut = counted(self.history.kept(source, memory.history))
        except SourceError as error:
            note = (
                f"Kept versions could not be compared with status.history: {error.message} "
                "Allow the operator to list and get ControllerRevisions."
            )
            if not self._passed_over(source, memory, NOT_LISTED, error, note):
                raise
        else:
            memory.history, memory.spare = cut.history, _newest(cut.spare)
            memory.trouble.pop(NOT_LISTED, None)
            memory.counted = True

    def keep(self, source: Source, memory: Memory, replaced: Version) -> None:
        """Keep a version that is about to be replaced.

        Raises
        ------
        SourceError
            When it could not be kept, and that is likely to pass.
        """
        if source.spec.history_limit == 0 or source.spec.target.creation_policy is CreationPolicy.MERGE:
            return
        self.catch_up(source, memory)
        data_digest = replaced.data.data_digest
        spare: tuple[KeptVersion, ...] = ()
        if memory.history and memory.history[0].data_digest == data_digest:  # a write that failed is tried again
            history, newest = memory.history, memory.history[0]
        else:
            cut, newest = remembered(
                memory.history, replaced, given=(*memory.status.history, *memory.spare), now=self.now()
            )
            history, spare = cut.history, cut.spare
        try:
            self.history.keep(source, replaced, newest)
        except SourceError as error:
            note = "" if _has(memory, replaced) else _not_kept(replaced, error)  # under its old number it is as good
            if not self._passed_over(source, memory, NOT_KEPT, error, note):
                raise
        else:
            memory.trouble.pop(NOT_KEPT, None)
            memory.history, memory.spare = history, _newest(memory.spare + spare)

    def hold(self, source: Source, memory: Memory, version: Version) -> None:
        """Keep a pinned version beside the ConfigMap too: AppConfig may never deliver it again.

        Raises
        ------
        SourceError
            When it could not be kept, and that is likely to pass.
        """
        sure = memory.counted or memory.status.observed_generation == source.generation
        if not sure or not _has(memory, version):
            self.catch_up(source, memory)
        if not _has(memory, version):
            self.keep(source, memory, version)

    def find(self, source: Source, memory: Memory, data_digest: str) -> Version | None:
        """Return a kept version. Raises `SourceError`."""
        known = next((kept for kept in memory.history if kept.data_digest == data_digest), None)
        return self.history.get(source, data_digest, known)

    def prune(self, source: Source, memory: Memory) -> None:
        """Take what is beyond the limit out of the history. It is to go."""
        cut = pruned(memory.history, limit=source.spec.history_limit, pinned=source.spec.pinned_digest)
        memory.history, memory.spare = cut.history, _newest(memory.spare + cut.spare)

    def sweep(self, source: Source, memory: Memory) -> None:
        """Drop what is to go: what was beyond the limit, or is there under a newer number.

        What cannot be dropped stays, and is tried again with the next poll: the ConfigMap is in order. After a refusal
        no others are tried, as the next one is likely to be refused, too.
        """
        full = len(memory.spare) == SPARES
        while memory.spare:
            kept, *others = memory.spare
            try:
                self.history.drop(source, kept)
            except SourceError as error:
                memory.spare = (*others, kept)  # one that alone cannot be dropped is in no other's way
                note = (
                    f"Replaced versions beyond spec.historyLimit could not be deleted: {error.message} "
                    "Allow the operator to get and delete ControllerRevisions."
                )
                self._passed_over(source, memory, NOT_DELETED, error, note)
                return
            memory.spare = tuple(others)
            # There may be more. They are found when the history is counted, which is worth it only once deletions pass.
            memory.counted = memory.counted and not full
        memory.trouble.pop(NOT_DELETED, None)

    def _passed_over(self, source: Source, memory: Memory, what: str, error: SourceError, note: str) -> bool:
        """Tell whether a failure is to be lived with. Then it is told, once."""
        before = memory.trouble.get(what, Trouble())
        failures = before.failures + 1
        lasting = failures >= SHOWN_AFTER or not error.transient
        told = note if lasting and note else before.told
        memory.trouble[what] = Trouble(failures, told)
        if lasting and note and note != before.told:
            logger.warning("%s: %s", what, note, extra=about(source, reason=what))
            self.events.emit(source, kind="Warning", reason=what, note=note)
        return lasting


def _newest(spare: tuple[KeptVersion, ...]) -> tuple[KeptVersion, ...]:
    if len(spare) <= SPARES:
        return spare  # in its order: first what was not tried last
    return tuple(sorted(spare, key=lambda kept: kept.revision, reverse=True)[:SPARES])


def _has(memory: Memory, version: Version) -> bool:
    return any(kept.data_digest == version.data.data_digest for kept in memory.history)


def _not_kept(version: Version, error: SourceError) -> str:
    name = f"{version.label} ({version.data.data_digest})" if version.label else version.data.data_digest
    return (
        f"Version {name} was replaced and not kept, so spec.pinnedDigest cannot bring it back. {_KEEP_ANYWAY} "
        f"{error.message} Look for a quota, a missing permission or a policy that rejects it, or set "
        "spec.historyLimit: 0."
    )
