"""`Retry-After`, in a header or in a Status."""

from __future__ import annotations

import pytest

from appconfig_operator.kube.errors import ApiError
from appconfig_operator.kube.retry_after import LONGEST_SECONDS, from_header

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("1", 1),
        (" 17 ", 17),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("86400", LONGEST_SECONDS),
        ("9" * 64, LONGEST_SECONDS),
        ("9" * 5000, 0),
        ("Fri, 15 Jan 2027 08:00:42 GMT", 42),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("Fri, 15 Jan 2037 08:00:00 GMT", LONGEST_SECONDS),
        ("Fri, 99 Jan 2027 08:00:00 GMT", 0),
    ],
)
def test_header(text: str | None, seconds: float) -> None:
    assert from_header(text, NOW) == seconds


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ({"retryAfterSeconds": 5}, 5),
        ({"retryAfterSeconds": -5}, 0),
        ({"retryAfterSeconds": 10**400}, LONGEST_SECONDS),
        ({"retryAfterSeconds": "5"}, 0),
        ([], 0),
        (None, 0),
    ],
)
def test_answer(details: object, seconds: float) -> None:
    assert ApiError(429, {"kind": "Status", "details": details}).retry_after == seconds


def test_the_longer_one_counts() -> None:
    answer = {"kind": "Status", "details": {"retryAfterSeconds": 5}}
    assert ApiError(429, answer, retry_after=7.0).retry_after == 7
    assert ApiError(429, answer, retry_after=1.0).retry_after == 5
