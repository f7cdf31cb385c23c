"""Sessions passed from one replica to the next, so that nothing is fetched or billed again.

A new session in the middle of a gradual deployment may get the older version back: which version a session gets, AWS
AppConfig decides by its token.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appconfig_operator.core.backoff import JITTER_CAP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appconfig_operator.api.v1alpha1 import Source

CHUNK_BYTES = 700_000
"""What one chunk holds at most. A Secret takes 1 MiB: `MaxSecretSize` of Kubernetes."""

TOKEN_SECONDS = 86_400.0
"""For how long AppConfig accepts a token: the API reference of StartConfigurationSession."""

RESERVE_SECONDS = 300.0
"""How long before its end a token counts as too old: for its way to AWS, and for clocks that differ."""

SKEW_SECONDS = 300.0
"""How far a clock may be ahead of another. As much as AWS allows in the signature of a call."""

LONGEST_INTERVAL_SECONDS = 86_400
"""The longest that a session can be made for: `RequiredMinimumPollIntervalInSeconds` of StartConfigurationSession."""

_VERSION = 1
_EARLIEST, _LATEST = 0.0, 1e11  # Unix time, and no other number: the year 5138


class HandoverError(Exception):
    """Sessions could not be stored or loaded. The message is safe to show."""


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
    """

    token: str = field(repr=False)
    interval: int
    delivered: bool


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A source whose session another replica can continue.

    Attributes
    ----------
    uid, generation
        The source, and the spec that the session is for.
    issued
        When AppConfig gave the token, in Unix time.
    due
        When it is to be polled next, in Unix time.
    latest_data_digest
        Digest of the data that the configuration received last gives, or empty.
    session
        Its session.
    """

    uid: str
    generation: int
    issued: float
    due: float
    latest_data_digest: str
    session: SavedSession


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of one handover. `set_id` is the same in all its parts."""

    set_id: str
    sessions: tuple[HandedOver, ...]


def encode(sessions: Sequence[HandedOver], set_id: str) -> list[bytes]:
    """Write sessions as chunks of at most `CHUNK_BYTES`, or of a single session that is longer.

    Parameters
    ----------
    sessions
        What is handed over.
    set_id
        Distinguishes these chunks from those of another handover.
    """
    head = f'{{"version":{_VERSION},"set":{json.dumps(set_id)},"sessions":['.encode()
    return [head + b",".join(records) + b"]}" for records in _packed(sessions, CHUNK_BYTES - len(head) - 2)]


def decode(chunk: bytes) -> Chunk | None:
    """Read a chunk. One that is damaged, or of a version to come, gives `None`; a damaged session is left out."""
    try:
        read = json.loads(chunk)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or read.get("version") != _VERSION:
        return None
    set_id, records = read.get("set"), read.get("sessions")
    if not isinstance(set_id, str) or not isinstance(records, list):
        return None
    return Chunk(set_id, tuple(session for session in map(_from_record, records) if session is not None))


def usable(handed_over: HandedOver, source: Source, now: float) -> bool:
    """Return whether a source can continue a session: it is for the present spec, and its token is still valid.

    Parameters
    ----------
    handed_over
        The session.
    source
        The source as it is now.
    now
        Unix time.
    """
    age = now - handed_over.issued
    return (
        handed_over.uid == source.uid
        and handed_over.generation == source.generation
        and -SKEW_SECONDS <= age < TOKEN_SECONDS - RESERVE_SECONDS
    )


def delay(handed_over: HandedOver, now: float) -> float:
    """Return the seconds until a session is to be polled: no more than its interval, whatever the clocks say.

    Parameters
    ----------
    handed_over
        The session.
    now
        Unix time.
    """
    return min(max(0.0, handed_over.due - now), handed_over.session.interval + JITTER_CAP_SECONDS)


def _packed(sessions: Sequence[HandedOver], room: int) -> Iterator[list[bytes]]:
    records: list[bytes] = []
    used = 0
    for record in map(_to_record, sessions):
        if records and used + len(record) > room:
            yield records
            records, used = [], 0
        records.append(record)
        used += len(record) + 1  # and a comma
    if records:
        yield records


def _to_record(handed_over: HandedOver) -> bytes:
    """Write a session as a list: with names the records would be a fifth longer."""
    session = handed_over.session
    fields = [
        handed_over.uid,
        handed_over.generation,
        handed_over.issued,
        handed_over.due,
        handed_over.latest_data_digest,
        session.token,
        session.interval,
        session.delivered,
        "",  # where older replicas expect a version label
    ]
    return json.dumps(fields, separators=(",", ":")).encode()


def _from_record(record: Any) -> HandedOver | None:  # noqa: ANN401 (whatever JSON holds)
    match record:
        case [
            str(uid),
            int(generation),
            int() | float() as issued,
            int() | float() as due,
            str(latest_data_digest),
            str(token),
            int(interval),
            bool(delivered),
            str(),
        ] if token and 1 <= interval <= LONGEST_INTERVAL_SECONDS and _is_time(issued) and _is_time(due):
            session = SavedSession(token=token, interval=interval, delivered=delivered)
            return HandedOver(uid, generation, issued, due, latest_data_digest, session)
    return None


def _is_time(number: float) -> bool:
    return _EARLIEST <= number <= _LATEST
