"""Which tokens are good, by the rules of the real service. No I/O."""

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

# As AWS makes them: Base64 of a message of the AWS Encryption SDK, of 836 characters first and 876 from then on.
_HEAD = b"\x01\x80\x01\x78"
_INITIAL_BYTES, _NEXT_BYTES = 625, 655


@dataclass
class Rules:
    """How strict the service is, and how it decides what nobody knows of AWS. May be changed at any time."""

    enforce_interval: bool = True
    """Whether a poll before its time is refused."""
    poll_interval: int | None = None
    """Seconds to answer, and enforce, in place of what a session asked for; None: what it asked for."""
    token_lifetime: float = DAY
    """Seconds after which a token has expired."""
    lag_since: float | None = None
    """Unix time at which new sessions fell behind: they first see what was deployed then. AWS: for seconds."""
    revive: bool = False
    """Whether a session whose configuration was gone goes on after the next deployment. Nobody knows."""
    ion_for_basic: bool = False
    """Whether flags of which none has variants come as Ion to who asks for it. Nobody knows."""
    default_in_experiments: bool = True
    """Whether who does not ask for Ion gets `_variant: "__default__"` during an experiment. Nobody knows."""


@dataclass
class Session:
    """A session that was started."""

    number: int
    """From 1, in the order of their starts."""
    place: Place
    """What it was started for, as it was named."""
    poll_interval: int
    """Seconds that it asked for."""
    feed: Feed
    """Where what it receives comes from."""
    first: Content | None = None
    """What it receives first, where that is not what is deployed now."""
    gone: bool = False
    """Whether its configuration was found gone."""
    last_used: str = ""
    """The newest token that was used."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)


@dataclass
class Token:
    """What a token stands for."""

    session: Session
    issued: float
    received: bytes = b""
    """What the session had received when it was issued: a mark, or nothing."""
    used: int = 0
    """How often."""


class Tokens:
    """The tokens of all sessions. Not safe to share between threads.

    Parameters
    ----------
    rules
        How strict to be.
    clock
        Seconds, only ever growing.
    """

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        self._sessions = 0

    def start(self, place: Place, poll_interval: int, feed: Feed, first: Content | None = None) -> tuple[str, Session]:
        """Begin a session.

        Parameters
        ----------
        place
            What it is for.
        poll_interval
            Seconds that it asks for.
        feed
            Where what it receives comes from.
        first
            What it receives first, where that is something else.

        Returns
        -------
        tuple of str and Session
            Its first token, and itself.
        """
        self._sessions += 1
        session = Session(self._sessions, place, poll_interval, feed, first)
        return self._issue(session, _INITIAL_BYTES, b""), session

    def find(self, token: str) -> Token | None:
        """Return what a token stands for, good or not."""
        return self._tokens.get(token)

    def issued(self) -> list[str]:
        """Give all tokens, good or not."""
        return list(self._tokens)

    def interval(self, session: Session) -> int:
        """Tell the poll interval of a session in seconds."""
        return session.poll_interval if self._rules.poll_interval is None else self._rules.poll_interval

    def spend(self, token: str) -> Token | Problem:
        """Use a token.

        The newest used one of a session is good once more, whatever it brought is brought again: so it was recorded
        of a first token, within seconds. Of older ones nobody knows: they are refused.

        Parameters
        ----------
        token
            The token.

        Returns
        -------
        Token or Problem
            What it stands for; or what is wrong, and then the token is as it was.
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
        """Let a token be as good as it was: the call with it failed."""
        token.used -= 1

    def renew(self, session: Session, received: bytes) -> str:
        """Issue the token that a session goes on with, after it has received something, or had it already."""
        return self._issue(session, _NEXT_BYTES, received)

    def _issue(self, session: Session, size: int, received: bytes) -> str:
        token = b64encode(_HEAD + secrets.token_bytes(size - len(_HEAD))).decode()
        self._tokens[token] = Token(session, self._clock(), received)
        return token
