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

    def deliver(self, source: Source, poll_state: PollState) -> bool:
        """Write what is to be written, clear away what is left over, and return whether the ConfigMap changed.

        Raises
        ------
        SourceError
            When it cannot be written.
        """
        try:
            changed = self._write_wanted(source, poll_state)
        except ContentError:
            with suppress(SourceError):  # what blocks the version is reported; the next poll clears away again
                self._clear(source, poll_state)
            raise
        try:
            self._clear(source, poll_state)
        except SourceError as error:
            if not changed:
                raise
            # The ConfigMap is in order, and that is what is reported. The next poll clears away again.
            logger.warning("Not cleaned up yet: %s", error.message, extra=about(source))
        return changed

    def intact(self, source: Source, poll_state: PollState) -> bool:
        """Return whether the ConfigMap holds what was written last, whatever its metadata suggest."""
        written = poll_state.status.written
        return written is not None and self.config_maps.holds(source, written.name, written.data_digest)

    def _write_wanted(self, source: Source, poll_state: PollState) -> bool:
        """Gather the version, decide which one is wanted, and write it."""
        version = self._render(source, poll_state)
        if source.spec.pinned_digest is not None:
            version = self._pinned(source, poll_state, version)
        elif poll_state.delivery.unwritable is not None:
            raise poll_state.delivery.unwritable.copy()  # each raise of the same one would make its traceback longer
        if version is None:
            return False
        changed = self._write(source, poll_state, version)
        poll_state.delivery.pending = None
        return changed

    def _render(self, source: Source, poll_state: PollState) -> RenderedVersion | None:
        """Return what is pending, as the ConfigMap is to hold it."""
        content = poll_state.delivery.pending
        if content is None:
            return None
        try:
            read = content.read_as(source.spec.content_type)
            with self.render_queue.turn(read, source.namespace):
                poll_state.status.note_flags(flags_seen(read), source)
                data = render(read, source.spec)
        except ContentError as error:
            poll_state.delivery.block(error)
            return None
        poll_state.delivery.latest_data_digest = data.data_digest
        return RenderedVersion(data=data, label=content.version_label, content_type=content.content_type)

    def _pinned(self, source: Source, poll_state: PollState, latest: RenderedVersion | None) -> RenderedVersion | None:
        """Return the pinned version, or `None` when the ConfigMap holds it already."""
        data_digest = source.spec.pinned_digest or ""
        if latest is not None and latest.data.data_digest == data_digest:
            self.keeper.ensure_kept(source, poll_state, latest)
            return latest
        if poll_state.drift.found is None:
            poll_state.delivery.pending = (
                None  # what is not pinned comes again in a new session, once the pin is removed
            )
            if _last_wrote(source, poll_state, data_digest) and _known_unchanged(poll_state):
                return None
        version = self._find(source, poll_state, data_digest)
        self.keeper.ensure_kept(source, poll_state, version)
        return version

    def _find(self, source: Source, poll_state: PollState, data_digest: str) -> RenderedVersion:
        """Return a version of the history, or of the ConfigMap."""
        written = poll_state.status.written
        name = written.name if written is not None else source.spec.target.name
        version = self.keeper.find(source, poll_state, data_digest) or self.config_maps.current(source, name)
        if version is None or version.data.data_digest != data_digest:
            raise BlockedError(
                Reason.PINNED_VERSION_MISSING,
                f"No version with the digest {data_digest} is kept. Set spec.pinnedDigest to one of status.history, "
                "or remove it.",
            )
        return version

    def _write(self, source: Source, poll_state: PollState, version: RenderedVersion) -> bool:
        """Write a version, release the previous ConfigMaps, and return whether the ConfigMap changed."""
        if _nothing_to_write(source, poll_state, version):
            poll_state.delivery.verify()
            return False
        # Without a status the source is assumed to be new; a create fails if it is not.
        if poll_state.status.stored.observed_generation != UNSEEN:
            self.keeper.catch_up(source, poll_state)
        wanted = wanted_config_map(source, version)
        known = poll_state.written_to(wanted.name) or wanted.name in poll_state.delivery.unreleased
        poll_state.delivery.unreleased |= {wanted.name}  # if it must wait, its owner entry is released, too
        keep = partial(self.keeper.keep, source, poll_state)
        result = sync(self.config_maps, wanted, known=known, keep=keep)
        if result.created and poll_state.status.written is None:
            poll_state.status.is_current = True
        else:
            self.keeper.catch_up(source, poll_state)
        self._release_others(source, poll_state, wanted.name)
        self._note_written(source, poll_state, version, result)
        self.keeper.prune(source, poll_state)
        return result.changed

    def _release_others(self, source: Source, poll_state: PollState, name: str) -> None:
        """Release the previous ConfigMaps. The new one exists, so there is no gap in which both are missing."""
        before, delivery = poll_state.status.written, poll_state.delivery
        delivery.unreleased |= {name} if before is None else {before.name, name}
        for old in sorted(delivery.unreleased - {name}):
            self.config_maps.release(source, old)
            logger.info("Released ConfigMap %s in favor of %s", old, name, extra=about(source))
        delivery.unreleased = frozenset({name})  # only when all are released
        delivery.verify()

    def _note_written(
        self, source: Source, poll_state: PollState, version: RenderedVersion, result: WriteResult
    ) -> None:
        """Note what the ConfigMap holds, where that is news."""
        before, data = poll_state.status.written, version.data
        name = source.spec.target.name
        if result.changed or before is None or (before.name, before.data_digest) != (name, data.data_digest):
            poll_state.status.written = WrittenTarget(
                name=name,
                data_digest=data.data_digest,
                keys=data.keys,
                synced_time=self.now(),
                resource_version=result.resource_version,
                version_label=label(version.label),
            )
        elif before.version_label is not None or not _status_up_to_date(source, poll_state):
            # Not where nothing else is new: the first start of this release would write the status of each source.
            poll_state.status.written = replace(before, version_label=label(version.label))

    def _clear(self, source: Source, poll_state: PollState) -> None:
        """Delete kept versions that are to go, and release what a killed process left. It takes no new version."""
        if poll_state.history.to_delete:
            self.keeper.delete_surplus(source, poll_state)
        names = poll_state.delivery.strays - {source.spec.target.name}
        if not names or not _target_confirmed(source, poll_state):
            return
        # Always: by a spec that is outdated, the ConfigMap of the newer one would look like a stray.
        poll_state.refresh(self.sources.status(source))
        if not _target_confirmed(source, poll_state):
            return
        for name in sorted(names):
            self.config_maps.release(source, name)
            logger.info("Released ConfigMap %s, which was left over", name, extra=about(source))
        poll_state.delivery.strays = frozenset()


def _last_wrote(source: Source, poll_state: PollState, data_digest: str) -> bool:
    """Return whether that version was the last that was written, under the name that the spec gives."""
    written = poll_state.status.written
    return written is not None and (written.name, written.data_digest) == (source.spec.target.name, data_digest)


def _known_unchanged(poll_state: PollState) -> bool:
    """Return whether the ConfigMap is known to be as it was written, for this spec."""
    return poll_state.delivery.verified or (poll_state.drift.untouched and poll_state.delivery.spec_applied)


def _target_confirmed(source: Source, poll_state: PollState) -> bool:
    """Return whether the ConfigMap is there under the name that the spec gives, so that others can go."""
    seen = poll_state.delivery.verified or poll_state.drift.untouched
    return seen and poll_state.drift.found is None and poll_state.written_to(source.spec.target.name)


def _nothing_to_write(source: Source, poll_state: PollState, version: RenderedVersion) -> bool:
    """Return whether the ConfigMap holds the version, without a read: after a restart, most do."""
    return (
        poll_state.drift.untouched
        and poll_state.delivery.spec_applied
        and poll_state.delivery.unreleased <= {source.spec.target.name}
        and _last_wrote(source, poll_state, version.data.data_digest)
        and _status_up_to_date(source, poll_state)
    )


def _status_up_to_date(source: Source, poll_state: PollState) -> bool:
    """Return whether the status is about this spec, and what was received last."""
    return poll_state.status.is_about(source) and poll_state.status.received is poll_state.status.stored.source
