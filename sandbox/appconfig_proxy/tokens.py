"""Which tokens are good, by the rules of the real service. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.appconfig_proxy.messages import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.appconfig import Place

DAY = 86_400.0


@dataclass
class Rules:
    """How strict the service is. May be changed at any time."""

    enforce_interval: bool = True
    """Whether a poll before its time is refused."""
    poll_interval: int | None = None
    """Seconds to answer, and enforce, in place of what a session asked for; None: what it asked for."""
    token_lifetime: float = DAY
    """Seconds after which a token has expired."""


@dataclass
class Session:
    """A session that was started."""

    number: int
    """From 1, in the order of their starts."""
    place: Place
    """What it was started for, as it was named."""
    poll_interval: int
    """Seconds that it asked for."""
    version_label: str = ""
    """The label last delivered."""
    last_poll: float | None = None
    """When it was last polled, by the clock."""


@dataclass
class _Token:
    session: Session
    issued: float
    used: bool = False


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
        self._tokens: dict[str, _Token] = {}
        self._sessions = 0

    def start(self, token: str, place: Place, poll_interval: int) -> Session:
        """Take a new session.

        Parameters
        ----------
        token
            Its first token.
        place
            What it is for.
        poll_interval
            Seconds that it asks for.

        Returns
        -------
        Session
            The session.
        """
        self._sessions += 1
        session = Session(self._sessions, place, poll_interval)
        self._tokens[token] = _Token(session, self._clock())
        return session

    def session(self, token: str) -> Session | None:
        """Tell whose token it is or was."""
        known = self._tokens.get(token)
        return None if known is None else known.session

    def interval(self, session: Session) -> int:
        """Tell the poll interval of a session in seconds."""
        return session.poll_interval if self._rules.poll_interval is None else self._rules.poll_interval

    def spend(self, token: str) -> Session | Problem:
        """Use a token.

        Parameters
        ----------
        token
            The token.

        Returns
        -------
        Session or Problem
            Its session; or what is wrong, and then the token is as it was.
        """
        known = self._tokens.get(token)
        if known is None or known.used:
            return Problem.CORRUPTED
        now = self._clock()
        if now - known.issued >= self._rules.token_lifetime:
            return Problem.EXPIRED
        session = known.session
        if (
            self._rules.enforce_interval
            and session.last_poll is not None
            and now - session.last_poll < self.interval(session)
        ):
            return Problem.TOO_EARLY
        known.used = True
        session.last_poll = now
        return session

    def give_back(self, token: str) -> None:
        """Let a token be good again: the call with it failed."""
        self._tokens[token].used = False

    def renew(self, token: str, session: Session) -> None:
        """Take the token that a session goes on with."""
        self._tokens[token] = _Token(session, self._clock())
