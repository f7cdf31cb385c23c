"""The clock of the Leases: no wall clock, and one that goes on while the machine is suspended."""

from __future__ import annotations

import time

import pytest

from appconfig_operator.engine.clock import steady


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="a clock of Linux")
def test_it_counts_the_time_of_a_suspension() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= steady() <= time.clock_gettime(time.CLOCK_BOOTTIME)
