"""What is kept of a source between two polls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.api.status import KeptVersion, ReceivedVersion, Status, WrittenTarget
    from appconfig_operator.core.content import Content
    from appconfig_operator.core.errors import ContentError
    from appconfig_operator.engine.ports import ConfigurationSession


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
    next_call
        When AppConfig may be asked again, by the monotonic clock.
    failures
        Transient failures in a row.
    pending
        A configuration that was received and is not written yet. AppConfig does not send it again in this session.
    latest
        Digest of the data that the configuration received last gives, once rendered.
    blocked
        Why the configuration received last cannot be written.
    checked
        Whether this process has written the ConfigMap, or compared it, for this spec.
    left
        Names of ConfigMaps that were written and whose release is not certain.
    drift
        What somebody else did to the ConfigMap ("was deleted"), until it is put right.
    repairs
        When it was put right lately, by the monotonic clock.
    """

    session: ConfigurationSession
    status: Status
    received: ReceivedVersion | None
    written: WrittenTarget | None
    history: tuple[KeptVersion, ...] = ()
    next_call: float = 0.0
    failures: int = 0
    pending: Content | None = None
    latest: str = ""
    blocked: ContentError | None = None
    checked: bool = False
    left: frozenset[str] = frozenset()
    drift: str | None = None
    repairs: tuple[float, ...] = ()
