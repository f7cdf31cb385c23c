"""Writes what is known of a source to its status, and emits Events, if something changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appconfig_operator.api.status import Status
from appconfig_operator.core.formats.flag_notes import FlagNews, nameless_note, variants_note
from appconfig_operator.core.status import conditions
from appconfig_operator.core.target.drift import described
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.errors import SourceError
    from appconfig_operator.core.target.drift import Drift
    from appconfig_operator.engine.ports import EventSink, SourceStore
    from appconfig_operator.engine.state.poll_state import PollState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Writes status and Events.

    Parameters
    ----------
    sources, events
        Where to.
    now
        RFC 3339 in UTC.
    """

    sources: SourceStore
    events: EventSink
    now: Callable[[], str]

    def report(self, source: Source, poll_state: PollState, error: SourceError | None, *, changed: bool) -> None:
        """Report the outcome of a poll.

        Parameters
        ----------
        source, state
            The source.
        error
            What went wrong, or `None`.
        changed
            Whether the ConfigMap has another version.

        Raises
        ------
        SourceGoneError, OutdatedError, TransientError
            When the status could not be read or written.
        """
        verdict = _verdict(source, poll_state, error)
        if verdict is None or self._status(source, poll_state, verdict) == poll_state.status.stored:
            return
        if not poll_state.status.is_current:
            poll_state.refresh(self.sources.status(source))
        ready = poll_state.status.stored.condition(conditions.READY)
        status = self._status(source, poll_state, verdict)
        if status == poll_state.status.stored:
            return
        self.sources.update_status(source, status)
        poll_state.status.stored = status
        if changed or ready is None or (ready.status, ready.reason) != (verdict.status, verdict.reason):
            self._report_verdict(source, verdict)
        if error is None:
            self._report_flags(source, poll_state)

    def _status(self, source: Source, poll_state: PollState, verdict: conditions.Verdict) -> Status:
        return Status(
            observed_generation=source.generation,
            conditions=conditions.conditions(
                verdict, previous=poll_state.status.stored.conditions, generation=source.generation, now=self.now()
            ),
            source=poll_state.status.received,
            target=poll_state.status.written,
            history=poll_state.history.kept,
            last_handled_reconcile_at=source.requested_at or poll_state.status.stored.last_handled_reconcile_at,
        )

    def _report_flags(self, source: Source, poll_state: PollState) -> None:
        """Name flags whose rules are not evaluated, and those that are left out, so that no one is surprised."""
        if poll_state.status.flags is None or source.spec.pinned_digest is not None:
            return
        named = set()
        if FlagNews.VARIANTS in poll_state.status.flag_news and source.spec.writes_default_variants:
            self._emit(source, "Normal", "MultiVariantFlags", variants_note(poll_state.status.flags))
            named.add(FlagNews.VARIANTS)
        if FlagNews.NAMELESS in poll_state.status.flag_news and not source.spec.wants_rules:
            self._emit(source, "Warning", "FlagsLeftOut", nameless_note(poll_state.status.flags))
            named.add(FlagNews.NAMELESS)
        poll_state.status.flag_news -= named

    def drifted(self, source: Source, drift: Drift) -> None:
        """Report that a change that someone else made was reverted."""
        note = f"ConfigMap {source.spec.target.name} {described(drift)}, and has been restored."
        logger.warning("Drifted: %s", note, extra=about(source, reason="Drifted"))
        self.events.emit(source, kind="Normal", reason="Drifted", note=note)

    def _emit(self, source: Source, kind: Literal["Normal", "Warning"], reason: str, note: str) -> None:
        level = logging.WARNING if kind == "Warning" else logging.INFO
        logger.log(level, "%s: %s", reason, note, extra=about(source, reason=reason))
        self.events.emit(source, kind=kind, reason=reason, note=note)

    def _report_verdict(self, source: Source, verdict: conditions.Verdict) -> None:
        level = logging.WARNING if verdict.status == "False" else logging.INFO
        message = conditions.shown(verdict.message)
        logger.log(level, "%s: %s", verdict.reason, message, extra=about(source, reason=str(verdict.reason)))
        if verdict.status == "Unknown":
            return
        kind: Literal["Normal", "Warning"] = "Normal" if verdict.status == "True" else "Warning"
        self.events.emit(source, kind=kind, reason=str(verdict.reason), note=message)


def _verdict(source: Source, poll_state: PollState, error: SourceError | None) -> conditions.Verdict | None:
    """Return the verdict, or `None` if nothing new is known."""
    if error is not None:
        ready = poll_state.status.stored.condition(conditions.READY)
        return conditions.failed(error, failures=poll_state.failures, ready=ready)
    if poll_state.status.written is None or poll_state.status.received is None:
        return None
    received = poll_state.status.received
    if source.spec.pinned_digest is None:
        if not poll_state.fetch.confirmed:
            return None
        return conditions.synced(
            target=poll_state.status.written.name,
            version_label=received.version_label,
            data_digest=poll_state.status.written.data_digest,
        )
    newer = poll_state.delivery.latest_data_digest != source.spec.pinned_digest
    label = poll_state.status.written.version_label
    if label is None:  # a release before has written it
        labels = {kept.data_digest: kept.version_label for kept in poll_state.history.kept}
        label = labels.get(source.spec.pinned_digest, "") if newer else received.version_label
    return conditions.pinned(
        target=poll_state.status.written.name,
        label=label,
        data_digest=source.spec.pinned_digest,
        waiting=conditions.version_name(received.version_label, poll_state.delivery.latest_data_digest)
        if newer
        else None,
        blocked=poll_state.delivery.unwritable.message if poll_state.delivery.unwritable is not None else "",
    )
