"""The history of a source: replaced versions are kept, found again and deleted, and never block a newer one.

What fails for good, or fails three times in a row, is reported, and the version is written all the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import CreationPolicy
from appconfig_operator.core.errors import SourceError
from appconfig_operator.core.target.history import counted, pruned, remembered
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.rendered_version import RenderedVersion
    from appconfig_operator.engine.ports import EventSink, HistoryStore, SourceStore
    from appconfig_operator.engine.state.poll_state import PollState

logger = logging.getLogger(__name__)

NOT_KEPT = "HistoryNotKept"
NOT_DELETED = "HistoryNotDeleted"
NOT_LISTED = "HistoryNotListed"

_KEEP_ANYWAY = "The newer version is written anyway."


@dataclass(frozen=True, slots=True)
class HistoryKeeper:
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

    def catch_up(self, source: Source, poll_state: PollState) -> None:
        """Continue from the newest status and what is really kept: a process may have been killed between the two.

        Raises
        ------
        SourceGoneError, OutdatedError, TransientError
            When the API server does not answer.
        """
        if not poll_state.status.is_current:
            poll_state.refresh(self.sources.status(source))
        if poll_state.history.reconciled:
            return
        try:
            cut = counted(self.history.kept(source, poll_state.history.kept))
        except SourceError as error:
            note = (
                f"Kept versions could not be compared with status.history: {error.message} "
                "Allow the operator to list and get ControllerRevisions."
            )
            if not self._record_failure(source, poll_state, NOT_LISTED, error, note):
                raise
        else:
            poll_state.history.recount(cut)
            poll_state.history.succeeded(NOT_LISTED)

    def keep(self, source: Source, poll_state: PollState, replaced: RenderedVersion) -> None:
        """Keep a version that is about to be replaced.

        Raises
        ------
        SourceError
            When it could not be kept, and that is likely to pass.
        """
        if source.spec.history_limit == 0 or source.spec.target.creation_policy is CreationPolicy.MERGE:
            return
        self.catch_up(source, poll_state)
        history = poll_state.history
        if history.kept and history.kept[0].data_digest == replaced.data.data_digest:
            cut, newest = None, history.kept[0]  # a write that failed is tried again
        else:
            given = (*poll_state.status.stored.history, *history.to_delete)
            cut, newest = remembered(history.kept, replaced, given=given, now=self.now())
        try:
            self.history.keep(source, replaced, newest)
        except SourceError as error:
            known = history.has(replaced.data.data_digest)  # under its old number it is as good
            if not self._record_failure(
                source, poll_state, NOT_KEPT, error, "" if known else _not_kept(replaced, error)
            ):
                raise
        else:
            history.succeeded(NOT_KEPT)
            if cut is not None:
                history.take(cut)

    def ensure_kept(self, source: Source, poll_state: PollState, version: RenderedVersion) -> None:
        """Keep a pinned version beside the ConfigMap too: AppConfig may never deliver it again.

        Raises
        ------
        SourceError
            When it could not be kept, and that is likely to pass.
        """
        data_digest = version.data.data_digest
        certain = poll_state.history.reconciled or poll_state.status.is_about(source)
        if not certain or not poll_state.history.has(data_digest):
            self.catch_up(source, poll_state)
        if not poll_state.history.has(data_digest):
            self.keep(source, poll_state, version)

    def find(self, source: Source, poll_state: PollState, data_digest: str) -> RenderedVersion | None:
        """Return a kept version. Raises `SourceError`."""
        known = next((kept for kept in poll_state.history.kept if kept.data_digest == data_digest), None)
        return self.history.get(source, data_digest, known)

    def prune(self, source: Source, poll_state: PollState) -> None:
        """Take what is beyond the limit out of the history: it is to be deleted."""
        kept = poll_state.history.kept
        poll_state.history.take(pruned(kept, limit=source.spec.history_limit, pinned=source.spec.pinned_digest))

    def delete_surplus(self, source: Source, poll_state: PollState) -> None:
        """Delete what was beyond the limit, or is there under a newer number.

        What cannot be deleted stays, and is tried again with the next poll: the ConfigMap is in order. After a refusal
        no others are tried, as the next one is likely to be refused, too.
        """
        history = poll_state.history
        full = history.full
        while history.to_delete:
            version, *others = history.to_delete
            try:
                self.history.drop(source, version)
            except SourceError as error:
                history.to_delete = (*others, version)  # one that alone cannot be deleted blocks no other
                note = (
                    f"Replaced versions beyond spec.historyLimit could not be deleted: {error.message} "
                    "Allow the operator to get and delete ControllerRevisions."
                )
                self._record_failure(source, poll_state, NOT_DELETED, error, note)
                return
            history.to_delete = tuple(others)
            # There may be more. They are found when the history is counted, which is worth it only once deletions pass.
            history.reconciled = history.reconciled and not full
        history.succeeded(NOT_DELETED)

    def _record_failure(
        self, source: Source, poll_state: PollState, reason: str, error: SourceError, note: str
    ) -> bool:
        """Count a failure, report it once it lasts, and return whether versions are written in spite of it."""
        lasting, is_new = poll_state.history.failed(reason, error, note)
        if is_new:
            logger.warning("%s: %s", reason, note, extra=about(source, reason=reason))
            self.events.emit(source, kind="Warning", reason=reason, note=note)
        return lasting


def _not_kept(version: RenderedVersion, error: SourceError) -> str:
    name = f"{version.label} ({version.data.data_digest})" if version.label else version.data.data_digest
    return (
        f"Version {name} was replaced and not kept, so spec.pinnedDigest cannot bring it back. {_KEEP_ANYWAY} "
        f"{error.message} Look for a quota, a missing permission or a policy that rejects it, or set "
        "spec.historyLimit: 0."
    )
