"""Sessions on their way from one replica to the next, so that nothing is fetched or billed again.

A new session in the middle of a gradual deployment may get the older version back: which version a session gets, AWS
AppConfig decides by its token.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SavedSession:
    """An AppConfig session at rest.

    Attributes
    ----------
    token
        The next token, good for one call.
    interval
        Seconds between two polls, as the service answered.
    delivered
        Whether the session has delivered a configuration.
    version_label
        Label of what it delivered last, or empty.
    """

    token: str = field(repr=False)
    interval: int
    delivered: bool
    version_label: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A source whose session another replica can go on with.

    Attributes
    ----------
    uid, generation
        The source, and the spec that the session is for.
    issued
        When AppConfig gave the token, in Unix time.
    due
        When it is to be polled next, in Unix time.
    latest
        Digest of the data that the configuration received last gives, or empty.
    session
        Its session.
    """

    uid: str
    generation: int
    issued: float
    due: float
    latest: str
    session: SavedSession
