from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core import backoff
from appconfig_operator.core.errors import (
    BlockedError,
    ContentError,
    ForbiddenError,
    Reason,
    SourceError,
    StallingError,
    TransientError,
    WaitingError,
)

randoms = st.floats(0, 1, exclude_max=True)
intervals = st.integers(1, 86400)


@given(interval=intervals, random=randoms)
def test_the_poll_delay_is_never_below_the_interval_and_little_above(interval: int, random: float) -> None:
    due = backoff.poll_delay(interval, interval, random)
    assert interval <= due <= interval + min(5.0, interval * 0.05)


@given(interval=intervals, random=randoms)
def test_the_jitter_spreads_sources(interval: int, random: float) -> None:
    assert backoff.poll_delay(interval, interval, 0.0) < backoff.poll_delay(interval, interval, 0.5) or random < 0
    assert backoff.poll_delay(interval, 0.0, random) < interval


@given(interval=intervals, random=randoms)
def test_a_stalled_source_is_polled_slowly(interval: int, random: float) -> None:
    assert backoff.stalled_delay(interval, random) >= max(interval, backoff.STALLED_SECONDS)


@given(failures=st.integers(1, 100_000), random=randoms)
def test_the_back_off_is_bounded(failures: int, random: float) -> None:
    assert 0 <= backoff.retry_delay(failures, random) < backoff.CAP_SECONDS


def test_the_back_off_grows_to_its_cap() -> None:
    assert [backoff.retry_delay(failures, 0.5) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("error", "failures", "least", "half"),
    [
        (WaitingError(Reason.NOT_DEPLOYED, ""), 0, 40, 41.5),
        (ContentError(Reason.TOO_LARGE, ""), 0, 40, 41.5),
        (BlockedError(Reason.TARGET_MISSING, ""), 0, 40, 41.5),
        (BlockedError(Reason.TARGET_MISSING, "", retry_after=7.0), 0, 40, 41.5),
        (StallingError(Reason.ACCESS_DENIED, ""), 0, 300, 302.5),
        (StallingError(Reason.ACCESS_DENIED, "", retry_after=7.0), 0, 7, 8.5),
        (TransientError(Reason.THROTTLED, ""), 1, 0, 1),
        (TransientError(Reason.THROTTLED, "", retry_after=7.0), 4, 7, 15),
        (ForbiddenError(Reason.TARGET_REJECTED, "", retry_after=7.0), 2, 7, 9),
        (ForbiddenError(Reason.TARGET_REJECTED, "", retry_after=7.0), 3, 67, 68.5),
    ],
)
def test_what_follows_an_error(error: SourceError, failures: int, least: float, half: float) -> None:
    """With an interval of 60 s, 40 of which remain, and the random numbers 0 and 0.5."""
    assert [
        backoff.delay_after(error, failures=failures, interval=60, remaining=40, random=random) for random in (0.0, 0.5)
    ] == [least, half]
