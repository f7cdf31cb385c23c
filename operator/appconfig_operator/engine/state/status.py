"""What the status of a source says, and what it is to say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appconfig_operator.api.status import ReceivedVersion
from appconfig_operator.api.text import label
from appconfig_operator.core.formats.flag_notes import news

if TYPE_CHECKING:
    from appconfig_operator.api.status import Status, WrittenTarget
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.formats.content import Content
    from appconfig_operator.core.formats.flag_notes import FlagNews, FlagsSeen
    from appconfig_operator.engine.status_retry import UnreportedStatus


@dataclass(slots=True)
class StatusState:
    """The status of a source. Three may differ: the one that the watch reports, the stored one, the one to be stored.

    The rule: a status that this process has read or written itself is at least as new as what the watch reports, and
    stays. Until it has read or written one, the newest report counts: another replica may have written it. What was
    received in this session stays in either case. `PollState.observe` and `refresh` decide, `take` keeps the latter.

    Attributes
    ----------
    stored
        The status as the API server has it, to the best of our knowledge.
    is_current
        Whether that is certain to be the newest: read, or written, by this process. A watch lags behind.
    received
        What AppConfig delivered last: `status.source` as it is to be.
    written
        What was written last: `status.target` as it is to be.
    flags
        Feature flags that people have to know of, in what was received last. `None`: nothing came in this process yet.
    flag_news
        What of that is different from before, until an Event says so.
    unreported
        The outcome of a poll that could not be written into the status, or `None`.
    """

    stored: Status
    received: ReceivedVersion | None
    written: WrittenTarget | None
    is_current: bool = False
    flags: FlagsSeen | None = None
    flag_news: frozenset[FlagNews] = frozenset()
    unreported: UnreportedStatus | None = None

    def receive(self, content: Content, now: str) -> None:
        """Describe what was received. The same version received again keeps the time of the first receipt."""
        version = ReceivedVersion(
            version_label=label(content.version_label),
            content_type=label(content.content_type),
            content_digest=content.content_digest,
            size_bytes=len(content.body),
            received_time=now,
            modified_time=content.modified_time,
        )
        if self.received is None or not same_version(self.received, version):
            self.received = version

    def note_flags(self, flags: FlagsSeen, source: Source) -> None:
        """Note what the configuration received last says of feature flags."""
        count = len(flags.variants)
        counted = self.stored.source.multi_variant_flags if self.stored.source is not None else 0
        # Of a spec that is not in the status yet, no one knows whether the one before named them.
        settled = self.is_about(source) and source.spec.names_variants
        self.flag_news |= news(flags, before=self.flags, counted=counted, named_before=settled)
        self.flags = flags
        if self.received is not None and self.received.multi_variant_flags != count:
            self.received = replace(self.received, multi_variant_flags=count)

    def is_about(self, source: Source) -> bool:
        """Return whether the stored status is about the spec that the source has."""
        return self.stored.observed_generation == source.generation

    def take(self, status: Status) -> None:
        """Continue from another stored status. What was received here since the one before stays."""
        reported = status.source
        if self.received is None or self.received is self.stored.source:
            self.received = reported
        elif reported is not None and same_version(reported, self.received):
            count = self.received.multi_variant_flags  # an earlier operator may not have counted
            self.received = (
                reported if reported.multi_variant_flags == count else replace(reported, multi_variant_flags=count)
            )
        self.stored, self.written = status, status.target

    def for_new_session(self) -> StatusState:
        """Return what stays true in a new session.

        The stored status may lack the last write. It is not forgotten because it could not be reported.
        """
        return StatusState(self.stored, self.stored.source, self.written, self.is_current, self.flags, self.flag_news)


def same_version(one: ReceivedVersion, other: ReceivedVersion) -> bool:
    """Return whether two receipts are of the same version, whenever it came, and whatever was seen in it so far.

    Nor does it matter when it was deployed last: a new session may report another time than the first one did, or none,
    and a restart must not write the status of each source.
    """
    same = replace(
        one,
        received_time=other.received_time,
        modified_time=other.modified_time,
        multi_variant_flags=other.multi_variant_flags,
    )
    return same == other
