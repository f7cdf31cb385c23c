"""Which tokens are valid, by the rules of the real service. No I/O."""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.aws.data_plane.messages import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.appconfig import Place
    from sandbox.aws.data_plane.backend import Content, Feed

DAY = 86_400.0

# As in AWS: Base64 of a message of the AWS Encryption SDK. The first one has 836 characters, all others 876.
_HEAD = b"\x01\x80\x01\x78"
_INITIAL_BYTES, _NEXT_BYTES = 625, 655


@dataclass
class Rules:
    """How strict the service is, and what it does where AWS's behavior is unknown. Can be changed at any time."""

    enforce_interval: bool = True
    """Whether a poll before its time is refused."""
    poll_interval: int | None = None
    """Seconds to answer and enforce instead of the interval that a session requested; None: the requested one."""
    token_lifetime: float = DAY
    """Seconds after which a token has expired."""
    lag_since: float | None = None
    """Unix time from which new sessions lag: they first see what was deployed at that time. In AWS: for seconds."""
    revive: bool = False
    """Whether a session continues if its configuration was gone and is deployed again. Unknown for AWS."""
    ion_for_basic: bool = False
    """Whether flags without any variants come as Ion if requested. Unknown for AWS."""
    default_in_experiments: bool = True
    """Whether a caller who does not request Ion gets `_variant: "__default__"` in an experiment. Unknown for AWS."""


@dataclass
class Session:
    """A session that was started."""

    number: int
    """Its number, from 1, in the order of their starts."""
    place: Place
    """What it was started for, as named in the request."""
    poll_interval: int
    """The interval that it requested, in seconds."""
    feed: Feed
    """The source of what it receives."""
    first: Content | None = None
    """What it receives first, if that is not what is deployed now."""
    gone: bool = False
    """Whether its configuration was found to be gone."""
    last_used: str = ""
    """The newest token that was used."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)


@dataclass
class Token:
    """What a token stands for."""

    session: Session
    issued: float
    received: bytes = b""
    """What the session had received when the token was issued, or empty."""
    used: int = 0
    """How often it was used."""


class Tokens:
    """The tokens of all sessions. Not safe to share between threads.

    Parameters
    ----------
    rules
        How strict to be.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        self._sessions = 0

    def start(self, place: Place, poll_interval: int, feed: Feed, first: Content | None = None) -> tuple[str, Session]:
        """Start a session.

        Parameters
        ----------
        place
            What it is for.
        poll_interval
            The interval that it requests, in seconds.
        feed
            The source of what it receives.
        first
            What it receives first, if that is different.

        Returns
        -------
        tuple of str and Session
            Its first token, and the session.
        """
        self._sessions += 1
        session = Session(self._sessions, place, poll_interval, feed, first)
        return self._issue(session, _INITIAL_BYTES, b""), session

    def find(self, token: str) -> Token | None:
        """Return what a token stands for, valid or not."""
        return self._tokens.get(token)

    def issued(self) -> list[str]:
        """Return all tokens, valid or not."""
        return list(self._tokens)

    def interval(self, session: Session) -> int:
        """Return the poll interval of a session in seconds."""
        return session.poll_interval if self._rules.poll_interval is None else self._rules.poll_interval

    def spend(self, token: str) -> Token | Problem:
        """Use a token.

        The newest used token of a session is valid once more, and returns the same answer again: this was recorded for
        a first token, within seconds. For older ones, it is unknown: they are refused.

        Parameters
        ----------
        token
            The token.

        Returns
        -------
        Token or Problem
            What it stands for; or what is wrong, and then the token is unchanged.
        """
        known = self.find(token)
        if known is None or (known.used and token != known.session.last_used):
            return Problem.CORRUPTED
        age = self._clock() - known.issued
        if age >= self._rules.token_lifetime:
            return Problem.EXPIRED
        session = known.session
        if self._rules.enforce_interval and known.received and age < self.interval(session):
            return Problem.TOO_EARLY
        known.used += 1
        session.last_used = token
        return known

    def give_back(self, token: Token) -> None:
        """Make a token valid again, because the call with it failed."""
        token.used -= 1

    def renew(self, session: Session, received: bytes) -> str:
        """Issue the token that a session continues with, after it has received something or already had it."""
        return self._issue(session, _NEXT_BYTES, received)

    def _issue(self, session: Session, size: int, received: bytes) -> str:
        token = b64encode(_HEAD + secrets.token_bytes(size - len(_HEAD))).decode()
        self._tokens[token] = Token(session, self._clock(), received)
        return token
