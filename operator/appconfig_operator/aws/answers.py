"""Answers as they come off the wire: within a time, and with no errors but botocore's."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    from botocore.response import StreamingBody

_CHUNK_BYTES = 64 * 1024


class AnswerError(BotoCoreError):
    """There was an answer, and it could not be had whole. The text is safe to show."""


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
