from __future__ import annotations

import random

import pytest

from benchmarks.quantiles import bound_without_jitter, quantile


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.25, 1.0), (0.5, 2.0), (0.51, 3.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_quantile(share: float, expected: float) -> None:
    assert quantile([3.0, 1.0, 4.0, 2.0], share) == expected


def test_no_samples_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no samples"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="no samples"):
        bound_without_jitter([], 3.0, 0.5)


@pytest.mark.parametrize("late", [0.005, 0.5, 2.0])
def test_bound_is_above_a_lateness_that_all_have_and_close_to_it(late: float) -> None:
    chance = random.Random(1)
    samples = [late + chance.uniform(0, 3) for _ in range(50_000)]
    assert late - 0.01 <= bound_without_jitter(samples, 3.0, 0.99) < late + 0.1


def test_bound_sees_a_few_that_are_very_late() -> None:
    chance = random.Random(2)
    samples = [(5.0 if chance.random() < 0.02 else 0.0) + chance.uniform(0, 3) for _ in range(50_000)]
    assert bound_without_jitter(samples, 3.0, 0.99) >= 4.9
    assert bound_without_jitter(samples, 3.0, 0.9) < 1.0


def test_few_samples_give_no_more_than_the_plain_quantile() -> None:
    samples = [number / 100 for number in range(100)]
    assert bound_without_jitter(samples, 3.0, 0.99) == quantile(samples, 0.99)


def test_bound_is_never_negative() -> None:
    assert bound_without_jitter([0.1] * 5000, 3.0, 0.99) == 0.0
