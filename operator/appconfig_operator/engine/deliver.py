"""What was received, or what is pinned, to the ConfigMap: history first, then the ConfigMap, then what is left over."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appconfig_operator.api.status import UNSEEN, WrittenTarget
from appconfig_operator.api.text import label
from appconfig_operator.core.errors import BlockedError, ContentError, Reason, SourceError
from appconfig_operator.core.formats.flag_notes import flags_seen
from appconfig_operator.core.formats.render import render
from appconfig_operator.core.target.plan import wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.engine.lane import Lane
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
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
    lane
        Where documents are rendered.
    """

    config_maps: ConfigMapStore
    sources: SourceStore
    keeper: HistoryKeeper
    now: Callable[[], str]
    lane: Lane = field(default_factory=Lane)

    def deliver(self, source: Source, state: PollState) -> bool:
        """Write what is to be written, clear away what is left over, and tell whether the ConfigMap changed.

        Raises
        ------
        SourceError
            When it cannot be written.
        """
        try:
            changed = self._bring(source, state)
        except ContentError:
            with suppress(SourceError):  # what stands in the way comes first; the next poll clears away again
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

    def _bring(self, source: Source, state: PollState) -> bool:
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
        content = state.delivery.pending
        if content is None:
            return None
        try:
            read = content.read_as(source.spec.content_type)
            with self.lane.through(read, source.namespace):
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
            state.delivery.pending = None  # what is not pinned comes again in a new session, once the pin is taken away
        written = state.status.written
        in_place = written is not None and (written.name, written.data_digest) == (source.spec.target.name, data_digest)
        untouched = state.drift.untouched and state.status.stored.observed_generation == source.generation
        if in_place and state.drift.found is None and (state.delivery.verified or untouched):
            return None
        name = written.name if written is not None else source.spec.target.name
        version = self.keeper.find(source, state, data_digest) or self.config_maps.current(source, name)
        if version is None or version.data.data_digest != data_digest:
            raise BlockedError(
                Reason.PINNED_VERSION_MISSING,
                f"No version with the digest {data_digest} is kept. Set spec.pinnedDigest to one of status.history, "
                "or remove it.",
            )
        self.keeper.hold(source, state, version)
        return version

    def intact(self, source: Source, state: PollState) -> bool:
        """Tell whether the ConfigMap holds what was written last, whatever its metadata made believe."""
        written = state.status.written
        return written is not None and self.config_maps.holds(source, written.name, written.data_digest)

    def _write(self, source: Source, state: PollState, version: RenderedVersion) -> bool:
        if _in_place(source, state, version):
            state.delivery.verified = True
            return False
        # What nobody has told anything of is new, by all that is known. The API server knows better: see below.
        if state.status.stored.observed_generation != UNSEEN:
            self.keeper.catch_up(source, state)
        wanted = wanted_config_map(source, version)
        before = state.status.written
        known = before is not None and before.name == wanted.name
        tried = known or wanted.name in state.delivery.unreleased
        state.delivery.unreleased |= {wanted.name}  # should it have to wait for it: that has to be given up, too
        outcome = self.config_maps.sync(
            wanted, known=tried, keep=lambda replaced: self.keeper.keep(source, state, replaced)
        )
        if outcome.created and before is None:
            state.status.is_current = True
        else:
            self.keeper.catch_up(source, state)
            before = state.status.written
            known = before is not None and before.name == wanted.name
        state.delivery.unreleased |= {wanted.name} if before is None else {before.name, wanted.name}
        # The new one is there: no gap in which both are missing. Remembered only when the old ones are gone.
        for name in sorted(state.delivery.unreleased - {wanted.name}):
            self.config_maps.release(source, name)
            logger.info("Released ConfigMap %s in favor of %s", name, wanted.name, extra=about(source))
        state.delivery.unreleased = frozenset({wanted.name})
        state.delivery.verified = True
        if outcome.changed or not known or before is None or before.data_digest != version.data.data_digest:
            state.status.written = WrittenTarget(
                name=wanted.name,
                data_digest=version.data.data_digest,
                keys=version.data.keys,
                synced_time=self.now(),
                resource_version=outcome.resource_version,
                version_label=label(version.label),
            )
        elif before.version_label is not None or not _in_status(source, state):
            # Not where nothing else is new: the first start of this release would write the status of each source.
            state.status.written = replace(before, version_label=label(version.label))
        self.keeper.prune(source, state)
        return outcome.changed

    def _clear(self, source: Source, state: PollState) -> None:
        """Clear away what a killed process has left, and what could not be dropped. It takes no new version."""
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


def _stands(source: Source, state: PollState) -> bool:
    """Tell whether the ConfigMap is there under the name that the spec gives, so that others can go."""
    written = state.status.written
    seen = state.delivery.verified or state.drift.untouched
    return seen and state.drift.found is None and written is not None and written.name == source.spec.target.name


def _in_place(source: Source, state: PollState, version: RenderedVersion) -> bool:
    """Tell without a look at the ConfigMap that it holds the version: after a restart, that is so for most of all."""
    written = state.status.written
    return (
        state.drift.untouched
        and state.delivery.unreleased <= {source.spec.target.name}
        and written is not None
        and (written.name, written.data_digest) == (source.spec.target.name, version.data.data_digest)
        and _in_status(source, state)
    )


def _in_status(source: Source, state: PollState) -> bool:
    """Tell whether the status is about this spec, and what was received last."""
    status = state.status.stored
    return status.observed_generation == source.generation and state.status.received is status.source
