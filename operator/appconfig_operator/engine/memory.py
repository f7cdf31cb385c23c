"""What is kept of a source between two polls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appconfig_operator.api.status import ReceivedVersion
from appconfig_operator.api.text import label
from appconfig_operator.core.formats.flag_notes import news

if TYPE_CHECKING:
    from appconfig_operator.api.status import KeptVersion, Status, WrittenTarget
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.errors import ContentError
    from appconfig_operator.core.formats.content import Content
    from appconfig_operator.core.formats.flag_notes import FlagNews, FlagsSeen
    from appconfig_operator.engine.ports import ConfigurationSession
    from appconfig_operator.engine.telling import Untold


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is tried beside the ConfigMap, and does not succeed.

    Attributes
    ----------
    failures
        In a row.
    told
        What was told of it last, so that it is told once.
    """

    failures: int = 0
    told: str = ""


@dataclass(slots=True)
class Memory:
    """What is kept of a source between two polls. Used by one thread at a time.

    Attributes
    ----------
    session
        Its AppConfig session.
    status
        The status as the API server has it.
    received, written, history
        What AppConfig last delivered, what was last written, what is kept: the status as it should be.
    fresh
        Whether the status is certain to be the newest: read, or written, by this process. A watch lags behind what
        another replica wrote last.
    asked
        When AppConfig last answered, by the monotonic clock; until it does, when this began. The token is no older.
    next_call
        When AppConfig may be asked again, by the monotonic clock.
    failures
        Transient failures in a row.
    untold
        What the status could not be brought to tell, or `None`.
    outdated
        Polls in a row that found a newer spec than the watch has told.
    woken
        Whether the source was woken since its last poll, as the ConfigMap that it waits for has changed.
    pending
        A configuration that was received and is not written yet. AppConfig does not send it again in this session.
    forgone
        Whether such a configuration was given up, as too many wait: it comes again in a new session.
    latest_data_digest
        Digest of the data that the configuration received last gives, once rendered.
    flags
        What the configuration received last says of feature flags, or `None`: nothing came in this process yet.
    untold_flags
        What of that is another than before, until an Event says so.
    blocked
        Why the configuration received last cannot be written: a copy that was never raised. One that was holds, by its
        traceback, the document.
    checked
        Whether this process has written the ConfigMap, or compared it, for this spec.
    untouched
        Whether the watch has seen that nobody has written the ConfigMap since the operator did.
    left
        Names of ConfigMaps that were written and whose release is not certain.
    strays
        Names of ConfigMaps that the watch has seen to be the source's, beside its target: of a process that was killed.
    counted
        Whether the history was compared with what is really kept since the status was read.
    spare
        What is kept and is to go: beyond the limit, or there under a newer number.
    trouble
        What does not succeed with the history, by what was tried.
    drift
        What somebody else did to the ConfigMap ("was deleted"), until it is put right.
    renewed
        Whether there is a new session already to get the content for that.
    repairs
        When it was put right lately, by the monotonic clock.
    """

    session: ConfigurationSession
    status: Status
    received: ReceivedVersion | None
    written: WrittenTarget | None
    history: tuple[KeptVersion, ...] = ()
    fresh: bool = False
    asked: float = 0.0
    next_call: float = 0.0
    failures: int = 0
    untold: Untold | None = None
    outdated: int = 0
    woken: bool = False
    pending: Content | None = None
    forgone: bool = False
    latest_data_digest: str = ""
    flags: FlagsSeen | None = None
    untold_flags: frozenset[FlagNews] = frozenset()
    blocked: ContentError | None = None
    checked: bool = False
    untouched: bool = False
    left: frozenset[str] = frozenset()
    strays: frozenset[str] = frozenset()
    counted: bool = False
    spare: tuple[KeptVersion, ...] = ()
    trouble: dict[str, Trouble] = field(default_factory=dict)
    drift: str | None = None
    renewed: bool = False
    repairs: tuple[float, ...] = ()

    def see(self, flags: FlagsSeen, source: Source) -> None:
        """Note what the configuration received last says of feature flags."""
        count = len(flags.variants)
        counted = self.status.source.multi_variant_flags if self.status.source is not None else 0
        # Of a spec that is not in the status yet, nobody knows whether the one before named them.
        settled = self.status.observed_generation == source.generation and source.spec.names_variants
        self.untold_flags |= news(flags, before=self.flags, counted=counted, named_before=settled)
        self.flags = flags
        if self.received is not None and self.received.multi_variant_flags != count:
            self.received = replace(self.received, multi_variant_flags=count)

    def refresh(self, status: Status) -> None:
        """Go on from the newest status, which another replica may have written."""
        self.adopt(status)
        self.fresh = True

    def adopt(self, status: Status) -> None:
        """Go on from a newer status, which may not be the newest."""
        if status == self.status:
            return
        before = status.source
        told = self.received is None or self.received is self.status.source  # nothing was received here since
        if told:
            self.received = before
        elif before is not None and self.received is not None and same_version(before, self.received):
            count = self.received.multi_variant_flags  # an operator of before may not have counted
            self.received = (
                before if before.multi_variant_flags == count else replace(before, multi_variant_flags=count)
            )
        self.status, self.written, self.history = status, status.target, status.history
        self.counted, self.spare = False, ()


def same_version(one: ReceivedVersion, other: ReceivedVersion) -> bool:
    """Tell whether two receipts are of the same version, whenever it came, and whatever was seen in it so far.

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


def received_version(content: Content, before: ReceivedVersion | None, now: str) -> ReceivedVersion:
    """Describe what was received. The same version received again keeps the time of the first receipt."""
    version = ReceivedVersion(
        version_label=label(content.version_label),
        content_type=label(content.content_type),
        content_digest=content.content_digest,
        size_bytes=len(content.body),
        received_time=now,
        modified_time=content.modified_time,
    )
    return before if before is not None and same_version(before, version) else version
