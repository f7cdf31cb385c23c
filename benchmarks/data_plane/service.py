"""The rules of sessions and tokens, with as little work per call as possible. No I/O.

Every profile exists, at version 1, and a deployment increments its version. All calls are answered at once, except for
those in `benchmarks/data_plane/manners.py`. Tokens are as long as the one that AWS shows in its API reference
(StartConfigurationSession, "Examples"), because a client keeps one for each session.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from benchmarks.data_plane.documents import DOCUMENTS, Kind
from benchmarks.data_plane.manners import NEVER, Reply, manner
from benchmarks.data_plane.record import Call, Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

POLL_INTERVAL = 60
"""Seconds, answered to every poll of a session that requests no other interval."""
TOKEN_LENGTH = 1104

_FILLING = "AYADeNgfsRxdKiJ37A12OZ9vN2cAXwABABVhd3MtY3J5cHRv/pA+"
_MESSAGE = {Outcome.EARLY: "Request too early", Outcome.BAD_TOKEN: "Token not valid"}
_PROBLEM = {Outcome.EARLY: "PollIntervalNotSatisfied", Outcome.BAD_TOKEN: "Corrupted"}


class Answer:
    """An answer, as the bytes to send."""

    @staticmethod
    def of(status: HTTPStatus, headers: str = "", body: bytes = b"") -> bytes:
        """Make an answer; each line of `headers` ends with CR LF."""
        return f"HTTP/1.1 {status} {status.phrase}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True)
class _Session:
    number: int
    profile: str
    interval: float
    pause: float = 0.0
    polls: int = 0
    version: int = 0
    last_poll: float = 0.0


class Service:
    """AppConfig's data plane for one environment. Applications have profiles of different names.

    Parameters
    ----------
    now
        The clock: Unix time in seconds.
    interval
        Seconds between two polls, answered and enforced. Default: what a session requests.
    kind
        The kind of configuration to deliver.
    """

    def __init__(self, now: Callable[[], float], interval: float | None = None, kind: Kind = Kind.ORDINARY) -> None:
        self._document = DOCUMENTS[kind]
        self._now = now
        self._interval = interval
        self._sessions: list[_Session] = []
        self._versions: dict[str, int] = {}
        self.calls: list[Call] = []
        tail = "-" + _FILLING * (TOKEN_LENGTH // len(_FILLING))
        self._tail = tail[: TOKEN_LENGTH - len("00000000-00000000")]
        # Tokens come back escaped, and are compared in that form: decoding each would be half of the work.
        self._escaped_tail = quote(self._tail, safe="-_.~")

    def start(self, caller: str, body: bytes) -> Reply:
        """Answer StartConfigurationSession."""
        asked = json.loads(body)
        profile = asked["ConfigurationProfileIdentifier"]
        how = manner(asked.get("ApplicationIdentifier", ""))
        if how.start == NEVER:
            self.calls.append(Call(self._now(), caller, Operation.START, profile, 0, Outcome.HELD))
            return Reply(b"", NEVER)
        interval = self._interval or asked.get("RequiredMinimumPollIntervalInSeconds", POLL_INTERVAL)
        session = _Session(len(self._sessions) + 1, profile, interval, how.latest)
        self._sessions.append(session)
        self._record(self._now(), caller, Operation.START, session, Outcome.STARTED)
        answer = json.dumps({"InitialConfigurationToken": self._token(session)}).encode()
        return Reply(Answer.of(HTTPStatus.CREATED, "Content-Type: application/json\r\n", answer), how.start)

    def latest(self, caller: str, token: str) -> Reply:
        """Answer GetLatestConfiguration; the token is escaped, as in the query."""
        now = self._now()
        session = self._spend(token)
        if session is None:
            self.calls.append(Call(now, caller, Operation.LATEST, "", 0, Outcome.BAD_TOKEN))
            return Reply(_refusal(Outcome.BAD_TOKEN))
        if session.pause == NEVER:
            self._record(now, caller, Operation.LATEST, session, Outcome.HELD)
            return Reply(b"", NEVER)
        if session.last_poll and now - session.last_poll < session.interval:
            self._record(now, caller, Operation.LATEST, session, Outcome.EARLY)
            return Reply(_refusal(Outcome.EARLY))
        session.last_poll = now
        session.polls += 1
        version = self._versions.get(session.profile, 1)
        headers = (
            f"Next-Poll-Configuration-Token: {self._token(session)}\r\n"
            f"Next-Poll-Interval-In-Seconds: {session.interval:g}\r\n"
            f"Content-Type: {self._document.content_type}\r\n"
        )
        if version == session.version:
            self._record(now, caller, Operation.LATEST, session, Outcome.UNCHANGED)
            return Reply(Answer.of(HTTPStatus.OK, headers), session.pause)
        session.version = version
        self._record(now, caller, Operation.LATEST, session, Outcome.CONTENT)
        headers += f"Version-Label: v{version}\r\n"
        return Reply(Answer.of(HTTPStatus.OK, headers, self._document.body(session.profile, version)), session.pause)

    def deploy(self, profiles: Iterable[str]) -> float:
        """Deploy a new version of each profile, and return when: Unix time in seconds."""
        for profile in profiles:
            self._versions[profile] = self._versions.get(profile, 1) + 1
        return self._now()

    def _token(self, session: _Session) -> str:
        return f"{session.number:08d}-{session.polls:08d}{self._tail}"

    def _spend(self, token: str) -> _Session | None:
        head, dash, tail = token[:17], token[17:18], token[18:]
        number, _, polls = head.partition("-")
        if dash + tail != self._escaped_tail and unquote(dash + tail) != self._tail:
            return None
        if not (number.isdigit() and polls.isdigit() and 0 < int(number) <= len(self._sessions)):
            return None
        session = self._sessions[int(number) - 1]
        return session if int(polls) == session.polls else None

    def _record(self, now: float, caller: str, operation: Operation, session: _Session, outcome: Outcome) -> None:
        self.calls.append(Call(now, caller, operation, session.profile, session.number, outcome))


def _refusal(outcome: Outcome) -> bytes:
    details = {"InvalidParameters": {"ConfigurationToken": {"Problem": _PROBLEM[outcome]}}}
    body = {"Message": _MESSAGE[outcome], "Reason": "InvalidParameters", "Details": details}
    headers = "Content-Type: application/json\r\nx-amzn-ErrorType: BadRequestException:\r\n"
    return Answer.of(HTTPStatus.BAD_REQUEST, headers, json.dumps(body).encode())
