"""What was received, or is pinned, goes into the ConfigMap: gather, decide, keep the old one, write, clear away."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from appconfig_operator.api.status import UNSEEN, WrittenTarget
from appconfig_operator.api.text import label
from appconfig_operator.core.errors import BlockedError, ContentError, Reason, SourceError
from appconfig_operator.core.formats.flag_notes import flags_seen
from appconfig_operator.core.formats.render import render
from appconfig_operator.core.target.plan import wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.engine.render_queue import RenderQueue
from appconfig_operator.engine.sync import sync
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.target.planned_write import WriteResult
    from appconfig_operator.engine.history_keeper import HistoryKeeper
    from appconfig_operator.engine.ports import ConfigMapStore, SourceStore
    from appconfig_operator.engine.state.poll_state import PollState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Writes ConfigMaps.

    Parameters
    ----------
    config_maps, sources
        Where to.
    keeper
        Keeps what is replaced.
    now
        RFC 3339 in UTC.
    render_queue
        Lets large documents be rendered one at a time.
    """

    config_maps: ConfigMapStore
    sources: SourceStore
    keeper: HistoryKeeper
    now: Callable[[], str]
    render_queue: RenderQueue = field(default_factory=RenderQueue)

    def deliver(self, source: Source, state: PollState) -> bool:
        """Write what is to be written, clear away what is left over, and return whether the ConfigMap changed.

        Raises
        ------
        SourceError
            When it cannot be written.
        """
        try:
            changed = self._bring(source, state)
        except ContentError:
            with suppress(SourceError):  # what blocks the version is reported; the next poll clears away again
                self._clear(source, state)
            raise
        try:
            self._clear(source, state)
        except SourceError as error:
            if not changed:
                raise
            # The ConfigMap is in order, and that is what is reported. The next poll clears away again.
            logger.warning("Not cleaned up yet: %s", error.message, extra=about(source))
        return changed

    def intact(self, source: Source, state: PollState) -> bool:
        """Return whether the ConfigMap holds what was written last, whatever its metadata suggest."""
        written = state.status.written
        return written is not None and self.config_maps.holds(source, written.name, written.data_digest)

    def _bring(self, source: Source, state: PollState) -> bool:
        """Gather the version, decide which one is wanted, and write it."""
        version = self._render(source, state)
        if source.spec.pinned_digest is not None:
            version = self._pinned(source, state, version)
        elif state.delivery.blocked is not None:
            raise state.delivery.blocked.copy()  # each raise of one and the same would make its traceback longer
        if version is None:
            return False
        changed = self._write(source, state, version)
        state.delivery.pending = None
        return changed

    def _render(self, source: Source, state: PollState) -> RenderedVersion | None:
        """Return what is pending, as the ConfigMap is to hold it."""
        content = state.delivery.pending
        if content is None:
            return None
        try:
            read = content.read_as(source.spec.content_type)
            with self.render_queue.turn(read, source.namespace):
                state.status.note_flags(flags_seen(read), source)
                data = render(read, source.spec)
        except ContentError as error:
            state.delivery.block(error)
            return None
        state.delivery.latest_data_digest = data.data_digest
        return RenderedVersion(data=data, label=content.version_label, content_type=content.content_type)

    def _pinned(self, source: Source, state: PollState, latest: RenderedVersion | None) -> RenderedVersion | None:
        """Return the pinned version, or `None` when the ConfigMap holds it already."""
        data_digest = source.spec.pinned_digest or ""
        if latest is not None and latest.data.data_digest == data_digest:
            self.keeper.hold(source, state, latest)
            return latest
        if state.drift.found is None:
            state.delivery.pending = None  # what is not pinned comes again in a new session, once the pin is removed
            if _holds(source, state, data_digest) and _verified(source, state):
                return None
        version = self._find(source, state, data_digest)
        self.keeper.hold(source, state, version)
        return version

    def _find(self, source: Source, state: PollState, data_digest: str) -> RenderedVersion:
        """Return a version of the history, or of the ConfigMap."""
        written = state.status.written
        name = written.name if written is not None else source.spec.target.name
        version = self.keeper.find(source, state, data_digest) or self.config_maps.current(source, name)
        if version is None or version.data.data_digest != data_digest:
            raise BlockedError(
                Reason.PINNED_VERSION_MISSING,
                f"No version with the digest {data_digest} is kept. Set spec.pinnedDigest to one of status.history, "
                "or remove it.",
            )
        return version

    def _write(self, source: Source, state: PollState, version: RenderedVersion) -> bool:
        """Write a version, release the ConfigMaps of before, and return whether the ConfigMap changed."""
        if _in_place(source, state, version):
            state.delivery.verified = True
            return False
        # A source that has no status yet is new, by all that is known. The API server knows better: see below.
        if state.status.stored.observed_generation != UNSEEN:
            self.keeper.catch_up(source, state)
        wanted = wanted_config_map(source, version)
        known = state.written_to(wanted.name) or wanted.name in state.delivery.unreleased
        state.delivery.unreleased |= {wanted.name}  # if it has to be waited for, that place is released, too
        keep = partial(self.keeper.keep, source, state)
        result = sync(self.config_maps, wanted, known=known, keep=keep)
        if result.created and state.status.written is None:
            state.status.is_current = True
        else:
            self.keeper.catch_up(source, state)
        self._release_others(source, state, wanted.name)
        self._note_written(source, state, version, result)
        self.keeper.prune(source, state)
        return result.changed

    def _release_others(self, source: Source, state: PollState, name: str) -> None:
        """Release the ConfigMaps of before: the new one is there, so there is no gap in which both are missing."""
        before, delivery = state.status.written, state.delivery
        delivery.unreleased |= {name} if before is None else {before.name, name}
        for old in sorted(delivery.unreleased - {name}):
            self.config_maps.release(source, old)
            logger.info("Released ConfigMap %s in favor of %s", old, name, extra=about(source))
        delivery.unreleased, delivery.verified = frozenset({name}), True  # only when all are released

    def _note_written(self, source: Source, state: PollState, version: RenderedVersion, result: WriteResult) -> None:
        """Note what the ConfigMap holds, where that is news."""
        before, data = state.status.written, version.data
        name = source.spec.target.name
        if result.changed or before is None or (before.name, before.data_digest) != (name, data.data_digest):
            state.status.written = WrittenTarget(
                name=name,
                data_digest=data.data_digest,
                keys=data.keys,
                synced_time=self.now(),
                resource_version=result.resource_version,
                version_label=label(version.label),
            )
        elif before.version_label is not None or not _in_status(source, state):
            # Not where nothing else is new: the first start of this release would write the status of each source.
            state.status.written = replace(before, version_label=label(version.label))

    def _clear(self, source: Source, state: PollState) -> None:
        """Delete kept versions that are to go, and release what a killed process left. It takes no new version."""
        if state.history.to_delete:
            self.keeper.sweep(source, state)
        names = state.delivery.strays - {source.spec.target.name}
        if not names or not _stands(source, state):
            return
        # Always: by a spec that is outdated, the ConfigMap of the newer one would look like a stray.
        state.refresh(self.sources.status(source))
        if not _stands(source, state):
            return
        for name in sorted(names):
            self.config_maps.release(source, name)
            logger.info("Released ConfigMap %s, which was left over", name, extra=about(source))
        state.delivery.strays = frozenset()


def _holds(source: Source, state: PollState, data_digest: str) -> bool:
    """Return whether that version was the last that was written, under the name that the spec gives."""
    written = state.status.written
    return written is not None and (written.name, written.data_digest) == (source.spec.target.name, data_digest)


def _verified(source: Source, state: PollState) -> bool:
    """Return whether the ConfigMap is known to be as it was written, for this spec."""
    return state.delivery.verified or (state.drift.untouched and state.status.is_about(source))


def _stands(source: Source, state: PollState) -> bool:
    """Return whether the ConfigMap is there under the name that the spec gives, so that others can go."""
    seen = state.delivery.verified or state.drift.untouched
    return seen and state.drift.found is None and state.written_to(source.spec.target.name)


def _in_place(source: Source, state: PollState, version: RenderedVersion) -> bool:
    """Return whether the ConfigMap holds the version, without a read: after a restart, most do."""
    return (
        state.drift.untouched
        and state.delivery.unreleased <= {source.spec.target.name}
        and _holds(source, state, version.data.data_digest)
        and _in_status(source, state)
    )


def _in_status(source: Source, state: PollState) -> bool:
    """Return whether the status is about this spec, and what was received last."""
    return state.status.is_about(source) and state.status.received is state.status.stored.source
