from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appconfig_operator.core import backoff

randoms = st.floats(0, 1, exclude_max=True)
intervals = st.integers(1, 86400)


@given(interval=intervals, random=randoms)
def test_the_ordinary_pace_is_never_below_the_interval_and_little_above(interval: int, random: float) -> None:
    due = backoff.poll_delay(interval, interval, random)
    assert interval <= due <= interval + min(5.0, interval * 0.05)


@given(interval=intervals, random=randoms)
def test_the_jitter_spreads_sources(interval: int, random: float) -> None:
    assert backoff.poll_delay(interval, interval, 0.0) < backoff.poll_delay(interval, interval, 0.5) or random < 0
    assert backoff.poll_delay(interval, 0.0, random) < interval


@given(interval=intervals, random=randoms)
def test_a_stalled_source_is_looked_at_slowly(interval: int, random: float) -> None:
    assert backoff.stalled_delay(interval, random) >= max(interval, backoff.STALLED_SECONDS)


@given(failures=st.integers(1, 100_000), random=randoms)
def test_the_back_off_is_bounded(failures: int, random: float) -> None:
    assert 0 <= backoff.retry_delay(failures, random) < backoff.CAP_SECONDS


def test_the_back_off_grows_to_its_cap() -> None:
    assert [backoff.retry_delay(failures, 0.5) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
