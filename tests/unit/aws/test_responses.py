"""Bodies are read within a time, and foreign exceptions end here."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError, NoRegionError
from botocore.response import StreamingBody

from appconfig_operator.aws.responses import SlowBodyError, UnreadableAnswerError, contained, read
from tests.unit.support.aws_stubs import SECRET


class Trickle(io.BytesIO):
    """Gives a byte at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        del size
        return self.read(1)


def body(content: bytes, kind: type[io.BytesIO] = io.BytesIO) -> tuple[io.BytesIO, StreamingBody]:
    raw = kind(content)
    return raw, StreamingBody(raw, len(content))


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_001])
def test_read(size: int) -> None:
    raw, stream = body(b"x" * size)
    assert read(stream, 30) == b"x" * size
    assert raw.closed


def test_read_in_pieces() -> None:
    _, stream = body(b"pieces", Trickle)
    assert read(stream, 30) == b"pieces"


def test_trickle_ends_at_its_time() -> None:
    raw, stream = body(b"x" * 100, Trickle)
    with pytest.raises(SlowBodyError, match="within 0 seconds"):
        read(stream, 0)
    assert raw.closed, "the connection does not go back to the pool with a half-read body"


@pytest.mark.parametrize(
    "error", [KeyError("x"), AttributeError("x"), UnicodeDecodeError("utf-8", b"", 0, 1, "x"), OSError("x")]
)
def test_contained(error: Exception) -> None:
    error.add_note(SECRET)
    with pytest.raises(UnreadableAnswerError, match=type(error).__name__) as raised, contained():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [NoRegionError(), ClientError({}, "GetLatestConfiguration"), KeyboardInterrupt()])
def test_not_contained(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, contained():
        raise error
    assert raised.value is error
