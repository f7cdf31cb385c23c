"""To the ConfigMap: what was received and is not written yet, and which ConfigMaps are to be released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.core.errors import ContentError
    from appconfig_operator.core.formats.content import Content


@dataclass(slots=True)
class DeliveryState:
    """A version on its way into the ConfigMap.

    Attributes
    ----------
    pending
        A configuration that was received and is not written yet. AppConfig does not send it again in this session.
    unwritable
        Why the configuration received last cannot be written: a copy that was never raised. One that was holds, by its
        traceback, the document.
    latest_data_digest
        Digest of the data that the configuration received last gives, once rendered.
    verified
        Whether this process has written the ConfigMap, or compared it, for this spec.
    spec_applied
        Whether the ConfigMap was written for this spec, labels and owner included: verified here, or by a status that
        said so when this replica took the source. A status that reports an error has the generation of the spec, too.
    unreleased
        Names of ConfigMaps that the source may own, until their release is certain: its target, the ones written
        before, and the ones it waits for.
    strays
        Names of ConfigMaps, beside the target, that the watch has seen to be the source's: a killed process left them.
    """

    pending: Content | None = None
    unwritable: ContentError | None = None
    latest_data_digest: str = ""
    verified: bool = False
    spec_applied: bool = False
    unreleased: frozenset[str] = frozenset()
    strays: frozenset[str] = frozenset()

    def receive(self, content: Content) -> None:
        """Take in what AppConfig sent: it replaces what was pending, and what was said of that."""
        self.pending, self.unwritable = content, None

    def block(self, error: ContentError) -> None:
        """Give up the pending configuration, which cannot be written."""
        self.pending, self.unwritable, self.latest_data_digest = None, error.copy(), ""

    def unfinished(self, target: str) -> bool:
        """Return whether a version, or the release of another ConfigMap than the target, is not done yet."""
        return self.pending is not None or self.unwritable is not None or bool(self.unreleased - {target})

    def verify(self) -> None:
        """Note that the ConfigMap is as this spec asks."""
        self.verified = self.spec_applied = True

    def for_new_session(self) -> DeliveryState:
        """Return what stays true in a new session: which ConfigMaps are there."""
        return DeliveryState(unreleased=self.unreleased, strays=self.strays)
