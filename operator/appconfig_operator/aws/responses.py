"""Answers as they come off the wire: within a time, and with no errors but botocore's."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedIOBase

    from botocore.response import StreamingBody

_CHUNK_BYTES = 64 * 1024

_LONGEST_DATE = 64
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # older than any service that could have sent it: not a time


class AnswerError(BotoCoreError):
    """There was an answer, and it could not be read as a whole. The text is safe to show."""


class SlowBodyError(AnswerError):
    """The body did not arrive in time."""

    fmt = "its answer did not arrive within {seconds:g} seconds"


class UnreadableAnswerError(AnswerError):
    """The answer could not be read."""

    fmt = "its answer could not be read ({kind})"


@contextmanager
def contained() -> Iterator[None]:
    """Let no errors out but `ClientError` and `BotoCoreError`.

    botocore's parser raises about anything on an answer that is not AWS's, and those of urllib3 that arise while a
    body is read come through as they are.

    Raises
    ------
    UnreadableAnswerError
        In place of every other exception.
    """
    try:
        yield
    except (BotoCoreError, ClientError):
        raise
    except Exception as error:
        raise UnreadableAnswerError(kind=type(error).__name__) from error


def read(body: StreamingBody, timeout: float) -> bytes:
    """Read a body whole.

    Parameters
    ----------
    body
        Closed afterwards.
    timeout
        Seconds. One wait for the socket may pass it.

    Raises
    ------
    SlowBodyError
        When it was not there in time.
    """
    deadline = monotonic() + timeout
    chunks = []
    # botocore's own readers wait until a chunk is full: a trickle would pass the deadline unseen. read1 takes what is
    # there, and urllib3 checks the length.
    with body as raw:
        reader = cast("BufferedIOBase", raw)
        while chunk := reader.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            if monotonic() > deadline:
                raise SlowBodyError(seconds=timeout)
    return b"".join(chunks)


def modified_time(metadata: Mapping[str, Any]) -> str:
    """Return `Last-Modified` as RFC 3339 in UTC, or nothing where it is missing or not a time.

    The service model of botocore does not have this header, and AWS does not send it with each answer.

    Parameters
    ----------
    metadata
        `ResponseMetadata` of botocore.
    """
    header = (metadata.get("HTTPHeaders") or {}).get("last-modified")
    if not isinstance(header, str) or len(header) > _LONGEST_DATE:
        return ""
    try:
        time = parsedate_to_datetime(header)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time >= _EARLIEST else ""
