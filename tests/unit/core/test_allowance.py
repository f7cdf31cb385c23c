"""How often something may be done."""

from __future__ import annotations

from appconfig_operator.core.allowance import Allowance


def test_a_burst_at_once_and_then_one_by_one() -> None:
    allowance = Allowance(burst=3, seconds=10.0)
    assert [allowance.reserve(100.0) for _ in range(5)] == [0.0, 0.0, 0.0, 10.0, 20.0]


def test_a_pause_brings_the_burst_back_and_no_more() -> None:
    allowance = Allowance(burst=2, seconds=10.0)
    assert [allowance.reserve(0.0) for _ in range(2)] == [0.0, 0.0]
    assert allowance.reserve(10.0) == 0.0
    assert [allowance.reserve(1000.0) for _ in range(3)] == [0.0, 0.0, 10.0]


def test_one_that_is_unused_is_as_a_new_one() -> None:
    allowance = Allowance(burst=2, seconds=10.0)
    assert allowance.unused(0.0)
    allowance.reserve(0.0)
    assert not allowance.unused(9.0)
    assert allowance.unused(10.0)
