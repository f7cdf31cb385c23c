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
from appconfig_operator.core.target.rendered_version import Version
from appconfig_operator.engine.lane import Lane
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.keep import Keeper
    from appconfig_operator.engine.memory import Memory
    from appconfig_operator.engine.ports import ConfigMapStore, SourceStore

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
    keeper: Keeper
    now: Callable[[], str]
    lane: Lane = field(default_factory=Lane)

    def deliver(self, source: Source, memory: Memory) -> bool:
        """Write what is to be written, clear away what is left over, and tell whether the ConfigMap changed.

        Raises
        ------
        SourceError
            When it cannot be written.
        """
        try:
            changed = self._bring(source, memory)
        except ContentError:
            with suppress(SourceError):  # what stands in the way comes first; the next poll clears away again
                self._clear(source, memory)
            raise
        try:
            self._clear(source, memory)
        except SourceError as error:
            if not changed:
                raise
            # The ConfigMap is in order, and that is what is reported. The next poll clears away again.
            logger.warning("Not cleaned up yet: %s", error.message, extra=about(source))
        return changed

    def _bring(self, source: Source, memory: Memory) -> bool:
        version = self._render(source, memory)
        if source.spec.pinned_digest is not None:
            version = self._pinned(source, memory, version)
        elif memory.blocked is not None:
            raise memory.blocked.copy()  # each raise of one and the same would make its traceback longer
        if version is None:
            return False
        changed = self._write(source, memory, version)
        memory.pending = None
        return changed

    def _render(self, source: Source, memory: Memory) -> Version | None:
        content = memory.pending
        if content is None:
            return None
        try:
            read = content.read_as(source.spec.content_type)
            with self.lane.through(read, source.namespace):
                memory.see(flags_seen(read), source)
                data = render(read, source.spec)
        except ContentError as error:
            memory.blocked = error.copy()  # the traceback of the one that was raised holds the parsed document
            memory.pending = None
            memory.latest_data_digest = ""
            return None
        memory.latest_data_digest = data.data_digest
        return Version(data=data, label=content.version_label, content_type=content.content_type)

    def _pinned(self, source: Source, memory: Memory, latest: Version | None) -> Version | None:
        """Return the pinned version, or `None` when the ConfigMap holds it already."""
        data_digest = source.spec.pinned_digest or ""
        if latest is not None and latest.data.data_digest == data_digest:
            self.keeper.hold(source, memory, latest)
            return latest
        if memory.drift is None:
            memory.pending = None  # what is not pinned comes again in a new session, once the pin is taken away
        written = memory.written
        in_place = written is not None and (written.name, written.data_digest) == (source.spec.target.name, data_digest)
        untouched = memory.untouched and memory.status.observed_generation == source.generation
        if in_place and memory.drift is None and (memory.checked or untouched):
            return None
        name = written.name if written is not None else source.spec.target.name
        version = self.keeper.find(source, memory, data_digest) or self.config_maps.current(source, name)
        if version is None or version.data.data_digest != data_digest:
            raise BlockedError(
                Reason.PINNED_VERSION_MISSING,
                f"No version with the digest {data_digest} is kept. Set spec.pinnedDigest to one of status.history, "
                "or remove it.",
            )
        self.keeper.hold(source, memory, version)
        return version

    def intact(self, source: Source, memory: Memory) -> bool:
        """Tell whether the ConfigMap holds what was written last, whatever its metadata made believe."""
        written = memory.written
        return written is not None and self.config_maps.holds(source, written.name, written.data_digest)

    def _write(self, source: Source, memory: Memory, version: Version) -> bool:
        if _in_place(source, memory, version):
            memory.checked = True
            return False
        # What nobody has told anything of is new, by all that is known. The API server knows better: see below.
        if memory.status.observed_generation != UNSEEN:
            self.keeper.catch_up(source, memory)
        wanted = wanted_config_map(source, version)
        before = memory.written
        known = before is not None and before.name == wanted.name
        tried = known or wanted.name in memory.left
        memory.left |= {wanted.name}  # should it have to wait for it: that has to be given up, too
        outcome = self.config_maps.sync(
            wanted, known=tried, keep=lambda replaced: self.keeper.keep(source, memory, replaced)
        )
        if outcome.created and before is None:
            memory.fresh = True
        else:
            self.keeper.catch_up(source, memory)
            before = memory.written
            known = before is not None and before.name == wanted.name
        memory.left |= {wanted.name} if before is None else {before.name, wanted.name}
        # The new one is there: no gap in which both are missing. Remembered only when the old ones are gone.
        for name in sorted(memory.left - {wanted.name}):
            self.config_maps.release(source, name)
            logger.info("Released ConfigMap %s in favor of %s", name, wanted.name, extra=about(source))
        memory.left = frozenset({wanted.name})
        memory.checked = True
        if outcome.changed or not known or before is None or before.data_digest != version.data.data_digest:
            memory.written = WrittenTarget(
                name=wanted.name,
                data_digest=version.data.data_digest,
                keys=version.data.keys,
                synced_time=self.now(),
                resource_version=outcome.resource_version,
                version_label=label(version.label),
            )
        elif before.version_label is not None or not _in_status(source, memory):
            # Not where nothing else is new: the first start of this release would write the status of each source.
            memory.written = replace(before, version_label=label(version.label))
        self.keeper.prune(source, memory)
        return outcome.changed

    def _clear(self, source: Source, memory: Memory) -> None:
        """Clear away what a killed process has left, and what could not be dropped. It takes no new version."""
        if memory.spare:
            self.keeper.sweep(source, memory)
        names = memory.strays - {source.spec.target.name}
        if not names or not _stands(source, memory):
            return
        # Always: by a spec that is outdated, the ConfigMap of the newer one would look like a stray.
        memory.refresh(self.sources.status(source))
        if not _stands(source, memory):
            return
        for name in sorted(names):
            self.config_maps.release(source, name)
            logger.info("Released ConfigMap %s, which was left over", name, extra=about(source))
        memory.strays = frozenset()


def _stands(source: Source, memory: Memory) -> bool:
    """Tell whether the ConfigMap is there under the name that the spec gives, so that others can go."""
    written = memory.written
    seen = memory.checked or memory.untouched
    return seen and memory.drift is None and written is not None and written.name == source.spec.target.name


def _in_place(source: Source, memory: Memory, version: Version) -> bool:
    """Tell without a look at the ConfigMap that it holds the version: after a restart, that is so for most of all."""
    written = memory.written
    return (
        memory.untouched
        and memory.left <= {source.spec.target.name}
        and written is not None
        and (written.name, written.data_digest) == (source.spec.target.name, version.data.data_digest)
        and _in_status(source, memory)
    )


def _in_status(source: Source, memory: Memory) -> bool:
    """Tell whether the status is about this spec, and what was received last."""
    status = memory.status
    return status.observed_generation == source.generation and memory.received is status.source
